"""The arguments of a call by their names, and results as JSON."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from interstore.errors import ConfigurationError, InvalidDocumentError

__all__ = ["arguments_of", "decoder", "encoded", "filled"]

_encode: Final = msgspec.json.Encoder().encode


def arguments_of(
    function: Callable[..., Any],
) -> Callable[[tuple[Any, ...], Mapping[str, Any]], dict[str, Any]]:
    """What gives the arguments of a call to `function` by their names, defaults included."""
    signature = inspect.signature(function)

    def bind(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return bound.arguments

    return bind


def decoder(function: Callable[..., Any]) -> Callable[[bytes], Any]:
    """What makes of JSON what `function` is annotated to return."""
    kind = typing.get_type_hints(function).get("return", Any)
    try:
        return msgspec.json.Decoder(kind).decode
    except (TypeError, ValueError, msgspec.ValidationError):
        raise ConfigurationError(
            f"the results of {function.__qualname__} cannot be kept: {kind!r} cannot be made from "
            "JSON. Return plain data, a dataclass, a TypedDict or a msgspec Struct"
        ) from None


def encoded(result: Any) -> bytes:
    """A result as JSON.

    Raises:
        InvalidDocumentError: JSON has nothing of that kind.
    """
    try:
        return _encode(result)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidDocumentError(f"a {type(result).__name__} cannot be kept: {error}") from None


def filled(template: str, named: Mapping[str, Any]) -> str:
    """A key, with arguments in place of what stands in braces.

    Raises:
        ConfigurationError: there is no such argument.
    """
    try:
        return template.format(**named)
    except (KeyError, IndexError) as error:
        raise ConfigurationError(f"{template!r} names {error}, which is no argument") from None
