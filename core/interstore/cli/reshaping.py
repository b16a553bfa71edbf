"""The options of `interstore migrate` that reshape documents on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click
import msgspec

from interstore.cli.store import where_option
from interstore.migration.transform import Transform

__all__ = ["transform_of", "transform_options"]

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--codec",
        "codecs",
        metavar="MODEL.FIELD=CODEC",
        multiple=True,
        help="Store a field of others by a codec, first of all: int64, scaled:N, decimal, number, "
        "bool, text, json, datetime (datetime:ZONE, datetime:unix, datetime:unix-ms), date, uuid, "
        "bytes, bytes:hex. Repeatable.",
    ),
    where_option,
    click.option(
        "--drop", "dropped", metavar="PATH", multiple=True, help="Leave this field out. Repeatable."
    ),
    click.option(
        "--rename",
        "renamed",
        metavar="OLD=NEW",
        multiple=True,
        help="Move a field from path OLD to path NEW; id=NEW keeps the id as a field as well. "
        "Repeatable.",
    ),
    click.option(
        "--set",
        "assigned",
        metavar="PATH=VALUE",
        multiple=True,
        help="Give a field this value (JSON; what is not JSON is a string). Repeatable.",
    ),
    click.option("--id-from", metavar="PATH", help="Take the id from this field."),
    click.option(
        "--transform",
        "function",
        metavar="MODULE:FUNCTION",
        help="Call a function of your own with the model's name and each document, last of all; "
        "it returns the new document, or None to leave it out.",
    ),
)


def transform_options(command: F) -> F:
    """Gives a command these options."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def transform_of(
    codecs: Sequence[str],
    where: dict[str, Any] | None,
    dropped: Sequence[str],
    renamed: Sequence[str],
    assigned: Sequence[str],
    id_from: str | None,
    function: str | None,
) -> Transform:
    """The transform that the options ask for."""
    return Transform(
        codecs=_pairs("--codec", codecs),
        where=where,
        drop=list(dropped),
        rename=_pairs("--rename", renamed),
        set={path: _value(text) for path, text in _pairs("--set", assigned).items()},
        id_from=id_from,
        function=function,
    )


def _pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in given:
        path, sign, value = text.partition("=")
        if not path or not sign:
            raise click.UsageError(f"{option} {text!r}: write PATH=...")
        if path in pairs:
            raise click.UsageError(f"{option} names {path!r} twice")
        pairs[path] = value
    return pairs


def _value(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
