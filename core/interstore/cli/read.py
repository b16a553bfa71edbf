"""`interstore models`, `find`, `get` and `count`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import click

from interstore.cli.output import is_terminal, note, print_json, print_rows
from interstore.cli.store import F, model_problem, open_store, url_option, where_option

if TYPE_CHECKING:
    from interstore._sync.store import Store
    from interstore.document import Document

__all__ = ["count", "find", "get", "models", "sort_option"]

ON_A_TERMINAL: Final = 50
"""How many documents a person is shown unless they ask for more."""


@click.command()
@url_option
@click.option("--count", "counted", is_flag=True, help="Also count the documents of each.")
def models(url: str | None, counted: bool) -> None:
    """List the models of the store."""
    with open_store(url) as store:
        print_rows(_models(store, counted), ["model", "documents"] if counted else ["model"])


def _models(store: Store, counted: bool) -> Iterator[dict[str, Any]]:
    for model in store.models():
        yield {"model": model, "documents": store.count(model)} if counted else {"model": model}


def _paths(
    _ctx: click.Context, _param: click.Parameter, texts: tuple[str, ...]
) -> list[str] | None:
    return [path for text in texts for path in text.split(",") if path] or None


def sort_option(function: F) -> F:
    """Give a command the option ``--sort``."""
    return click.option(
        "-s",
        "--sort",
        multiple=True,
        callback=_paths,
        metavar="PATHS",
        help="The order: 'country,-people' for descending people within each country.",
    )(function)


@click.command()
@click.argument("model")
@url_option
@where_option
@sort_option
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(min=0),
    help=f"At most so many. By default {ON_A_TERMINAL} on a terminal, else all.",
)
@click.option(
    "-f", "--fields", multiple=True, callback=_paths, metavar="PATHS", help="Only these: 'name,at'."
)
def find(
    model: str,
    url: str | None,
    where: dict[str, Any] | None,
    sort: list[str] | None,
    limit: int | None,
    fields: list[str] | None,
) -> None:
    """Show the documents of MODEL that match a filter."""
    with open_store(url) as store:
        cut = limit is None and is_terminal()
        asked = ON_A_TERMINAL + 1 if cut else limit
        found: Iterable[Document] = store.find(model, where, sort=sort, limit=asked, fields=fields)
        if cut:
            found = list(found)
        shown = _Counted(islice(found, ON_A_TERMINAL) if cut else found)
        print_rows(shown)
        if isinstance(found, list) and len(found) > ON_A_TERMINAL:
            note(f"the first {ON_A_TERMINAL}; --limit shows more")
        if not shown.number:
            _explain_nothing(store, model)


class _Counted:
    """Rows, counted as they go by."""

    def __init__(self, rows: Iterable[Document]) -> None:
        self._rows = rows
        self.number = 0

    def __iter__(self) -> Iterator[Document]:
        for row in self._rows:
            self.number += 1
            yield row


def _explain_nothing(store: Store, model: str) -> None:
    problem = model_problem(store, model)
    if problem is not None:
        note(f"note: {problem}")


@click.command()
@click.argument("model")
@click.argument("id")
@url_option
def get(model: str, id: str, url: str | None) -> None:
    """Show the document of MODEL with that ID."""
    with open_store(url) as store:
        document = store.get(model, id)
    print_json(document)
    if is_terminal():
        note(f"version {document.version}, created {document.created}, updated {document.updated}")


@click.command()
@click.argument("model")
@url_option
@where_option
def count(model: str, url: str | None, where: dict[str, Any] | None) -> None:
    """Count the documents of MODEL that match a filter."""
    with open_store(url) as store:
        number = store.count(model, where)
        click.echo(number)
        if not number:
            _explain_nothing(store, model)
