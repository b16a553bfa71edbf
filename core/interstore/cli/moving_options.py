"""Options that the commands which move data share."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from interstore.migration.run import DEFAULT_EXECUTOR
from interstore.migration.state import DEFAULT_STATE

__all__ = [
    "STOPPED",
    "executor_option",
    "level_option",
    "map_option",
    "models_option",
    "pairs_of",
    "split",
    "state_option",
]

STOPPED: Final = 4
"""The exit code of what was stopped and can go on."""

models_option = click.option("--models", metavar="A,B", help="Only these models; all by default.")
map_option = click.option(
    "--map", "renames", metavar="A:B", multiple=True, help="Call model A of SRC B in DST."
)
level_option = click.option(
    "--level",
    type=click.Choice(["count", "digest", "full"]),
    default="digest",
    show_default=True,
    help="How thoroughly to verify.",
)
executor_option = click.option(
    "--executor",
    metavar="threads:N",
    default=DEFAULT_EXECUTOR,
    show_default=True,
    help="What runs the work: threads:N, processes:N, or dask://HOST:PORT. More threads help only "
    "with engines behind a network.",
)
state_option = click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_STATE,
    show_default=True,
    metavar="DIR",
    help="The folder of plans, journals and reports.",
)


def split(models: str | None) -> list[str] | None:
    """The models that an option names."""
    return None if models is None else [name for name in models.split(",") if name]


def pairs_of(renames: tuple[str, ...]) -> dict[str, str]:
    """The new names of models that options give."""
    pairs: dict[str, str] = {}
    for rename in ",".join(renames).split(",") if renames else ():
        old, colon, new = rename.partition(":")
        if not (old and colon and new) or old in pairs:
            raise click.UsageError(f"--map {rename!r}: write OLD:NEW, each model once")
        pairs[old] = new
    return pairs
