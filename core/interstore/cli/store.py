"""What every command on a store shares: its options, and opening it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from interstore.connection import connect, open_existing
from interstore.errors import InterstoreError
from interstore.nearest import did_you_mean

if TYPE_CHECKING:
    from interstore._sync.store import Store

__all__ = ["check_model_exists", "model_problem", "open_store", "url_option", "where_option"]

F = TypeVar("F", bound=Callable[..., Any])


def url_option(function: F) -> F:
    """Give a command the option ``--url``."""
    return click.option(
        "-u",
        "--url",
        metavar="URL",
        help="The store, for example sqlite:///data.db. By default the one of the environment, "
        "which is also the better place for a password.",
    )(function)


def where_option(function: F) -> F:
    """Give a command the option ``--where``: a filter, parsed from JSON."""
    return click.option(
        "-w",
        "--where",
        metavar="FILTER",
        callback=_parse_where,
        help="""Only what matches, as JSON: '{"people": {"$gte": 1000}}'.""",
    )(function)


def _parse_where(
    ctx: click.Context, param: click.Parameter, text: str | None
) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeError) as error:
        raise click.BadParameter(
            f"{text!r} is not a JSON object ({error}); in a shell, put it in single quotes",
            ctx,
            param,
        ) from None


@contextmanager
def open_store(url: str | None, *, create: bool = False) -> Generator[Store]:
    """The store that a command works on, closed in the end.

    Args:
        url: where it is; ``None`` for the one of the environment.
        create: whether one that is not there is made.
    """
    with connect(url) if create else open_existing(url) as store:
        yield store


def model_problem(store: Store, model: str) -> str | None:
    """Why there can be nothing in a model: it does not exist. ``None`` if it does.

    Also ``None`` if the engine cannot list its models.
    """
    if not store.capabilities.models:
        return None
    names = store.models()
    if model in names:
        return None
    listed = f" (there are {', '.join(names)})" if names else " (the store is empty)"
    return f"there is no model {model!r}{did_you_mean(model, names)}{listed}"


def check_model_exists(store: Store, model: str) -> None:
    """Refuse to go on with a model that does not exist."""
    problem = model_problem(store, model)
    if problem is not None:
        raise InterstoreError(problem, backend=store.database.name, model=model)
