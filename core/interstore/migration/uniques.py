"""Documents that would clash: by their ids, or under unique indexes that the target has."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from interstore.document import Document
from interstore.filters.evaluate import compile_filter
from interstore.indexes import Index
from interstore.migration.canonical import canonical_text
from interstore.paths import MISSING, Envelope, Reference, resolve

__all__ = ["Distinct", "Repeats", "distinct_ids", "distinct_values"]

_BUCKETS: Final = 256


@dataclass(frozen=True, slots=True)
class Distinct:
    """Something that must differ for each document.

    Attributes:
        code: of the finding, where it does not.
        index: the index that demands it; empty for ids.
        key: its value in a document; ``None`` where it does not matter.
    """

    code: str
    index: str
    key: Callable[[Document], bytes | None]


def distinct_ids() -> Distinct:
    """Ids differ: the later document would silently replace the earlier one."""
    return Distinct("duplicate-ids", "", lambda document: document["id"].encode())


def distinct_values(index: Index) -> Distinct:
    """The values of a unique index differ."""
    matches = compile_filter(index.condition)

    def key(document: Document) -> bytes | None:
        values = [_value(document, reference) for reference in index.references]
        if any(value is MISSING or value is None for value in values) or not matches(document):
            return None
        return canonical_text(values)

    return Distinct("duplicate", str(index), key)


def _value(document: Document, reference: Reference) -> Any:
    if not isinstance(reference, Envelope):
        return resolve(document, reference)
    return {
        Envelope.ID: document["id"],
        Envelope.VERSION: document.version,
        Envelope.CREATED_AT: document.created,
        Envelope.UPDATED_AT: document.updated,
        Envelope.EXPIRES_AT: document.expires,
    }[reference]


class Repeats:
    """Which of many keys stand there more than once.

    Eight bytes of a hash are kept for each, so 16 MB for two million. Two of a million different
    keys have the same with a probability of 1 in 37 million.
    """

    def __init__(self) -> None:
        self._buckets = [array("Q") for _ in range(_BUCKETS)]

    def add(self, key: bytes) -> None:
        """One more key."""
        number = _hash(key)
        self._buckets[number % _BUCKETS].append(number)

    def find(self) -> Repeated:
        """Those that were added more than once."""
        repeated = set[int]()
        for bucket in self._buckets:
            if len(set(bucket)) < len(bucket):
                times = Counter(bucket)
                repeated.update(number for number, count in times.items() if count > 1)
        return Repeated(repeated)


class Repeated:
    """Keys that stand there more than once, to be asked for a second time in the same order."""

    def __init__(self, numbers: set[int]) -> None:
        self._numbers = numbers
        self._seen = set[int]()

    def __bool__(self) -> bool:
        return bool(self._numbers)

    def again(self, key: bytes) -> bool:
        """Whether the same key was asked for before."""
        number = _hash(key)
        if number not in self._numbers:
            return False
        if number in self._seen:
            return True
        self._seen.add(number)
        return False


def _hash(key: bytes) -> int:
    return int.from_bytes(blake2b(key, digest_size=8).digest(), "big")
