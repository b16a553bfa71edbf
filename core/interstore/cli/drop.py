"""`interstore drop`."""

from __future__ import annotations

import sys

import click

from interstore.cli.store import check_model_exists, open_store, url_option

__all__ = ["drop"]


@click.command()
@click.argument("model")
@url_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def drop(model: str, url: str | None, yes: bool) -> None:
    """Remove MODEL and all its documents. There is no way back."""
    with open_store(url) as store:
        check_model_exists(store, model)
        if not yes:
            if not sys.stdin.isatty():
                raise click.UsageError("drop asks before it removes anything; say --yes to do it")
            number = store.count(model)
            click.confirm(f"Remove {model} and its {number:,} documents for good?", abort=True)
        store.drop(model)
    click.echo(f"{model} is removed", err=True)
