"""Options that the commands which move data share."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
from msgspec.structs import replace

from interstore.migration.plan import Limits
from interstore.migration.run import DEFAULT_EXECUTOR
from interstore.migration.state import DEFAULT_STATE, load_plan

if TYPE_CHECKING:
    from interstore.blobs._sync.store import BlobStore

__all__ = [
    "STOPPED",
    "blobs_of",
    "blobs_option",
    "executor_option",
    "foreign_of",
    "foreign_option",
    "from_blobs_option",
    "level_option",
    "limit_options",
    "limits_of",
    "map_option",
    "models_option",
    "pairs_of",
    "run_options",
    "split",
    "state_option",
    "to_blobs_option",
]

F = TypeVar("F", bound=Callable[..., Any])

STOPPED: Final = 4
"""The exit code of what was stopped and can go on."""

_NAMED: Final = re.compile(r"([a-z][a-z0-9_]{0,31})=(.+)", re.DOTALL)

models_option = click.option("--models", metavar="A,B", help="Only these models; all by default.")
map_option = click.option(
    "--map", "renames", metavar="A:B", multiple=True, help="Call model A of SRC B in DST."
)
foreign_option = click.option(
    "--foreign",
    metavar="MODEL=TABLE[:ID]",
    multiple=True,
    help="Read a table, collection or container that another program wrote, as MODEL; ID is the "
    "column or field that identifies a row, if it is not the primary key. Behind it may stand "
    "?rename=id:NAME, id_type=TYPE and partition=PATH, separated by &. Repeatable; nothing else is "
    "read then.",
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

_LIMIT_OPTIONS: Final = (
    click.option(
        "--max-rate",
        metavar="N",
        type=click.FloatRange(min=0, min_open=True),
        help="Read N documents a second at most, all workers together; to verify, too.",
    ),
    click.option(
        "--max-ru",
        metavar="N",
        type=click.FloatRange(min=0, min_open=True),
        help="Spend N request units a second at most, as Azure Cosmos DB charges them.",
    ),
    click.option(
        "--max-quarantine",
        metavar="N",
        type=click.IntRange(min=0),
        help="Stop, resumable, when more than N documents are in quarantine.  [default: 1000]",
    ),
)


_RUN_OPTIONS: Final = (
    click.argument("run", metavar="RUN"),
    click.option("--source", metavar="URL", help="Of the source, where the plan does not hold it."),
    click.option("--target", metavar="URL", help="Likewise of the target."),
    state_option,
)


def limit_options(command: F) -> F:
    """Gives a command the options of how fast it may go, and when it stops."""
    return _with(_LIMIT_OPTIONS, command)


def run_options(command: F) -> F:
    """Gives a command the run that it is about, and where to find it and its stores."""
    return _with(_RUN_OPTIONS, command)


def _with(options: Sequence[Callable[[F], F]], command: F) -> F:
    for option in reversed(options):
        command = option(command)
    return command


def limits_of(
    state: Path,
    resume: str | None,
    *,
    max_rate: float | None,
    max_ru: float | None,
    max_quarantine: int | None,
) -> Limits | None:
    """The limits that options set, in the place of those of the run to resume, if there is one;
    none if they set none.
    """
    asked = {"rate": max_rate, "request_units": max_ru, "quarantine": max_quarantine}
    given: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    if not given:
        return None
    return replace(Limits() if resume is None else load_plan(state, resume).limits, **given)


from_blobs_option = click.option(
    "--from-blobs",
    metavar="[NAME=]URL",
    multiple=True,
    help="The blob store to which the documents of the first store refer. Repeatable, with names.",
)
to_blobs_option = click.option(
    "--to-blobs",
    metavar="[NAME=]URL",
    multiple=True,
    help="The blob store of the second store, with the same name as its counterpart.",
)
blobs_option = click.option(
    "--blobs",
    metavar="[NAME=]URL",
    multiple=True,
    help="The blob store to which documents refer: its blobs are part of the archive. Repeatable, "
    "with names.",
)


def blobs_of(given: tuple[str, ...]) -> dict[str, str | BlobStore] | None:
    """The URLs of blob stores that an option gives, by name; ``None`` if it gives none."""
    stores: dict[str, str | BlobStore] = {}
    for text in given:
        named = _NAMED.match(text)
        name, url = (named[1], named[2]) if named else ("default", text)
        if name in stores:
            raise click.UsageError(f"two blob stores are called {name!r}: write NAME=URL")
        stores[name] = url
    return stores or None


def split(models: str | None) -> list[str] | None:
    """The models that an option names."""
    return None if models is None else [name for name in models.split(",") if name]


def foreign_of(given: tuple[str, ...]) -> dict[str, str]:
    """The views that options give, by model."""
    views: dict[str, str] = {}
    for text in given:
        model, sign, view = text.partition("=")
        if not (model and sign and view) or model in views:
            raise click.UsageError(f"--foreign {text!r}: write MODEL=TABLE[:ID], each model once")
        views[model] = view
    return views


def pairs_of(renames: tuple[str, ...]) -> dict[str, str]:
    """The new names of models that options give."""
    pairs: dict[str, str] = {}
    for rename in ",".join(renames).split(",") if renames else ():
        old, colon, new = rename.partition(":")
        if not (old and colon and new) or old in pairs:
            raise click.UsageError(f"--map {rename!r}: write OLD:NEW, each model once")
        pairs[old] = new
    return pairs
