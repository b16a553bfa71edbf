"""Under which key an answer is kept: the same for the same question, in every process."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from hashlib import blake2b
from typing import Any

import msgspec

__all__ = ["entity_key", "model_scope", "query_key", "query_scope"]


def entity_key(model: str, id: str) -> str:
    """The key of a document. Names of models hold no colon."""
    return f"d:{model}:{id}"


def query_key(model: str, operation: str, *arguments: Any) -> str:
    """The key of the answer to a question about a model."""
    asked = repr((operation, [_plain(argument) for argument in arguments]))
    return (
        f"q:{model}:{blake2b(asked.encode(errors='backslashreplace'), digest_size=16).hexdigest()}"
    )


def model_scope(model: str) -> str:
    """To which all documents of a model belong."""
    return f"d:{model}"


def query_scope(model: str) -> str:
    """To which all answers about a model belong."""
    return f"q:{model}"


def _plain(value: Any) -> Any:
    """Nested tuples that say all that `value` does, in one order."""
    if isinstance(value, msgspec.Struct):
        names = value.__struct_fields__
        return (type(value).__name__, *[_plain(getattr(value, name)) for name in names])
    if is_dataclass(value):
        return (
            type(value).__name__,
            *[_plain(getattr(value, field.name)) for field in fields(value)],
        )
    if isinstance(value, (tuple, list)):
        return tuple([_plain(item) for item in value])
    if isinstance(value, (set, frozenset)):
        return tuple(sorted(map(repr, value)))
    if isinstance(value, dict):
        return tuple(sorted((repr(key), _plain(item)) for key, item in value.items()))
    return (type(value).__name__, value)
