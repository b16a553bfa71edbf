"""`interstore sweep`."""

from __future__ import annotations

import click

from interstore.cli.store import check_model_exists, open_store, url_option

__all__ = ["sweep"]


@click.command()
@click.argument("model", required=False)
@url_option
@click.option(
    "--batch",
    type=click.IntRange(1, 10_000),
    default=1_000,
    show_default=True,
    help="So many documents in one go.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds after which no further batch is begun.",
)
def sweep(model: str | None, url: str | None, batch: int, timeout: float) -> None:
    """Remove documents that have expired, of MODEL or of all models.

    Nobody sees them any more in any case. It may be run beside readers and writers, several times
    at once, and be interrupted.
    """
    with open_store(url) as store:
        if model is not None:
            check_model_exists(store, model)
        swept = store.sweep(model, batch=batch, timeout=timeout)
    rest = "" if swept.finished else "; the time was up before the end"
    click.echo(f"{swept.removed:,} documents that had expired are removed{rest}", err=True)
