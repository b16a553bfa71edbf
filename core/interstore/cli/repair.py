"""`interstore repair`."""

from __future__ import annotations

import click

from interstore.cli.group import fail
from interstore.cli.output import safe
from interstore.cli.store import url_option
from interstore.connection import settings_in_force
from interstore.settings.scrub import scrubbed

__all__ = ["repair"]


@click.command()
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False))
@url_option
def repair(folder: str | None, url: str | None) -> None:
    """Mend the JSON files in FOLDER after damage or an edit by hand.

    Nothing is thrown away: what cannot be kept is moved beside, and each step is told. Without
    FOLDER, the store of --url or of the environment. No other program may use it meanwhile.
    """
    if folder is not None and url is not None:
        raise click.UsageError("name the store by FOLDER or by --url, not by both")
    if folder is not None:
        resolved = settings_in_force(type="json", data_dir=folder)
    else:
        resolved = settings_in_force(url)
    backend = resolved.choice.backend
    if backend.repair is None:
        fail(f"the engine {backend.name!r} has no repair: its own tools do that")
    mend = backend.repair
    steps = scrubbed(lambda: list(mend(resolved.settings)), resolved.secrets, backend.name)()
    for step in steps:
        click.echo(safe(step))
    if not steps:
        click.echo("nothing to repair", err=True)
