"""Texts of variables and URLs, and values of arguments, as the types that fields have."""

from __future__ import annotations

import math
import os
import typing
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Literal

import msgspec

from interstore.errors import ConfigurationError
from interstore.settings.base import Field
from interstore.settings.secret import Secret

__all__ = ["convert"]

_BOOLEANS: Final = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}
_NOUNS: Final[dict[Any, str]] = {
    bool: "a boolean (true or false, yes or no, on or off, 1 or 0)",
    float: "a number",
    int: "an integer",
    str: "a text",
    Path: "a path",
    Secret: "a text",
}


def convert(field: Field, value: Any, said: str) -> Any:
    """`value` as the type of `field`.

    Args:
        field: the field.
        value: a text, or what an argument gave.
        said: where it comes from, as the message is to name it (``"DATABASE_PORT"``).

    Raises:
        ConfigurationError: it is not of that type; the message shows it if it is no secret.
    """
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    types = _alternatives(field.type)
    if isinstance(value, str):
        if bool in types:
            value = _BOOLEANS.get(value.strip().lower(), value)
        elif Secret in types:
            return Secret(value)
        elif int in types or float in types:
            value = value.strip()
    strict = not isinstance(value, str) or bool in types
    try:
        result = msgspec.convert(value, field.type, strict=strict, dec_hook=_decode)
    except (msgspec.ValidationError, NotImplementedError):
        pass
    else:
        if not isinstance(result, (int, float)) or _within(result, field):
            return result
    shown = "" if field.secret else f" {_shown(value)}"
    raise ConfigurationError(f"{said}{shown} is not {_expected(field, types)}")


def _within(number: float, field: Field) -> bool:
    return (
        math.isfinite(number)
        and (field.ge is None or number >= field.ge)
        and (field.le is None or number <= field.le)
    )


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    """The types of a field's annotation, without what is annotated, unions taken apart."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _alternatives(typing.get_args(annotation)[0])
    if origin in (typing.Union, UnionType):  # pyright: ignore[reportDeprecated]
        return tuple(t for each in typing.get_args(annotation) for t in _alternatives(each))
    return (annotation,)


def _decode(kind: Any, value: Any) -> Any:
    if isinstance(value, kind):
        return value
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError


def _expected(field: Field, types: tuple[Any, ...]) -> str:
    nouns = " or ".join(_noun(kind) for kind in types if kind is not NoneType)
    bounds = [
        f"{words} {bound:,}"
        for words, bound in (("at least", field.ge), ("at most", field.le))
        if bound is not None
    ]
    return f"{nouns}, {' and '.join(bounds)}" if bounds else nouns


def _noun(kind: Any) -> str:
    if typing.get_origin(kind) is Literal:
        return "one of " + ", ".join(map(str, typing.get_args(kind)))
    return _NOUNS.get(kind, f"of type {getattr(kind, '__name__', kind)}")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
