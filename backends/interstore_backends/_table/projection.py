"""What a scan decodes of each record: only what its filter or its order asks for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, TypeAlias

import msgspec

from interstore.filters.evaluate import compile_filter, document_getter
from interstore.filters.order import sort_value
from interstore.filters.tree import ALL, Node
from interstore.paths import MISSING, Envelope, Path, Reference, resolve
from interstore.prepared import SortKey
from interstore_backends._table.records import decode_document

__all__ = ["Keep", "SortValues", "getters", "matcher", "sort_key"]

Keep: TypeAlias = Callable[[Iterable[bytes]], list[bytes]]
"""Keeps of some records those that match."""

SortValues: TypeAlias = tuple[tuple[Any, ...], ...]
"""What compares as the documents do, the id last."""

_Getter: TypeAlias = Callable[[Any], Any]

# msgspec refuses these in the names of a Struct's fields; such keys are rare.
_ODD_KEY: Final = re.compile(r'["\\\x00-\x1f]')


def matcher(tree: Node) -> Keep | None:
    """What keeps the records that match; ``None`` if all do."""
    if tree == ALL:
        return None
    shape = _Shape()
    matches: Callable[[Any], bool] = compile_filter(tree, shape.getter)
    decode: Callable[[bytes], Any] | None = shape.decoder()
    if decode is None:
        matches, decode = compile_filter(tree), decode_document

    def keep(records: Iterable[bytes]) -> list[bytes]:
        return [record for record in records if matches(decode(record))]

    return keep


def sort_key(order: Sequence[SortKey]) -> Callable[[bytes], SortValues] | None:
    """What gets the values of a record that `order` compares, as if all keys ascended.

    ``None`` if the order's keys differ in direction, or cannot be got at without decoding
    whole records.
    """
    if len({key.descending for key in order}) > 1:
        return None
    shape = _Shape()
    getters = [shape.getter(key.path) for key in order]
    decode = shape.decoder()
    if decode is None:
        return None

    def values(record: bytes) -> SortValues:
        row = decode(record)
        return tuple([sort_value(get(row)) for get in getters])

    return values


def getters(
    references: Sequence[Reference],
) -> tuple[Callable[[bytes], Any], list[Callable[[Any], Any]]]:
    """A decoder of records, and what gets from its result what each reference names."""
    shape = _Shape()
    found = [shape.getter(reference) for reference in references]
    decode = shape.decoder()
    if decode is None:
        return decode_document, [document_getter(reference) for reference in references]
    return decode, found


class _Shape:
    """Collects what a filter or an order refers to; knows where the decoded row has it."""

    def __init__(self) -> None:
        self.keys: dict[str, str] = {}
        self.envelope: set[Envelope] = set()

    def getter(self, reference: Reference) -> _Getter:
        if isinstance(reference, Envelope):
            self.envelope.add(reference)
            return _ENVELOPE[reference]
        key, *rest = reference
        if not isinstance(key, str):
            return lambda _: MISSING  # a document is no array
        get = attrgetter("doc." + self.keys.setdefault(key, f"key{len(self.keys)}"))
        if not rest:
            return get
        path: Path = tuple(rest)
        return lambda row: resolve(get(row), path)

    def decoder(self) -> Callable[[bytes], Any] | None:
        """A decoder of rows; ``None`` if one of the keys cannot be that of a column."""
        if any(_ODD_KEY.search(key) for key in self.keys):
            return None
        return _decoder(tuple(self.keys), frozenset(self.envelope))


_ENVELOPE: Final[dict[Envelope, _Getter]] = {
    Envelope.ID: attrgetter("id"),
    Envelope.VERSION: attrgetter("v"),
    Envelope.CREATED_AT: lambda row: row.ct or row.at,
    Envelope.UPDATED_AT: attrgetter("at"),
    Envelope.EXPIRES_AT: attrgetter("ex"),
}

_FIELDS: Final[dict[Envelope, list[tuple[str, Any, Any]]]] = {
    Envelope.ID: [("id", str, "")],
    Envelope.VERSION: [("v", int, 0)],
    Envelope.CREATED_AT: [("at", str, ""), ("ct", str, "")],
    Envelope.UPDATED_AT: [("at", str, "")],
    Envelope.EXPIRES_AT: [("ex", Any, MISSING)],
}


@lru_cache(maxsize=256)
def _decoder(keys: tuple[str, ...], envelope: frozenset[Envelope]) -> Callable[[bytes], Any]:
    """A decoder of some top-level keys and some of the envelope; it skips the rest."""
    names = {f"key{index}": key for index, key in enumerate(keys)}
    document = msgspec.defstruct(
        "Fields", [(name, Any, MISSING) for name in names], rename=names, gc=False
    )
    columns = {field[0]: field for each in envelope for field in _FIELDS[each]}
    if keys:
        columns["doc"] = ("doc", document, None)
    row = msgspec.defstruct("Row", list(columns.values()), gc=False)
    return msgspec.json.Decoder(row).decode
