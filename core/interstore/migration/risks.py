"""What documents of others hold that documents of a store cannot: found, named, with its cure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple, TypeAlias

from interstore.codecs import MAX_INT64
from interstore.document import Document
from interstore.migration.raw import RawDocument
from interstore.names import id_problem
from interstore.values import MAX_DEPTH, MAX_INTEGER

__all__ = ["Risk", "RiskCode", "risks_of"]

RiskCode: TypeAlias = Literal[
    "bad-id", "integer", "key", "no-id", "non-finite", "nul", "surrogate", "too-deep", "type"
]


class Risk(NamedTuple):
    """One thing that a document cannot hold.

    Attributes:
        code: stable, for programs.
        path: the field, without indexes of arrays; empty if it is the document's own matter.
        codec: the codec that cures it; empty if none does.
    """

    code: RiskCode
    path: str = ""
    codec: str = ""


def risks_of(raw: RawDocument, document: Document) -> list[Risk]:
    """What stands against a document, each risk once.

    Args:
        raw: as it was read.
        document: what the transform made of it.
    """
    found = [*_of_id(raw, document["id"]), *_of_value(document.fields(), (), 1)]
    return list(dict.fromkeys(found))


def _of_id(raw: RawDocument, id: Any) -> Iterator[Risk]:
    if raw.nameless and id == raw["id"]:
        yield Risk("no-id")
    elif id_problem(id):
        yield Risk("bad-id")


def _of_value(value: Any, path: tuple[str, ...], depth: int) -> Iterator[Risk]:
    if isinstance(value, (dict, list)) and depth > MAX_DEPTH:
        yield Risk("too-deep", ".".join(path[:1]))
    elif isinstance(value, dict):
        for key, item in value.items():
            if "\0" in key or not _is_whole(key):
                yield Risk("key", ".".join(path) or "of the document")
            yield from _of_value(item, (*path, key), depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _of_value(item, path, depth + 1)
    else:
        yield from _of_scalar(value, path)


def _of_scalar(value: Any, path: tuple[str, ...]) -> Iterable[Risk]:
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, str):
        yield from _of_text(value, path)
    elif isinstance(value, int):
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            codec = "int64" if -MAX_INT64 - 1 <= value <= MAX_INT64 else "text"
            yield Risk("integer", ".".join(path), codec)
    elif isinstance(value, float):
        if value - value != 0.0:
            yield Risk("non-finite", ".".join(path), "text")
    else:
        yield Risk("type", ".".join(path))


def _of_text(text: str, path: tuple[str, ...]) -> Iterable[Risk]:
    if "\0" in text:
        yield Risk("nul", ".".join(path), "text")
    elif not text.isascii() and not _is_whole(text):
        yield Risk("surrogate", ".".join(path), "text")


def _is_whole(text: str) -> bool:
    """Whether no half of a character stands in it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
