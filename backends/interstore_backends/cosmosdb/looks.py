"""The query for the first documents of an order, in one go: for those who claim one. Pure.

An index in that order has the values of all classes in it, items without one too ("ORDER BY
clause", "Documents with missing fields"): by itself undefined, null, bool, number, string, then
arrays and objects. Interstore's order differs among the first and the last of these, and in where
bools are. Where all values are of the class that is declared for their path, the two are the same.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from interstore.document import Document
from interstore.filters.order import order_key
from interstore.filters.tree import ALL, And, Eq, Node
from interstore.indexes import IndexType
from interstore.paths import Envelope, Path, Reference, resolve
from interstore.prepared import Query, SortKey
from interstore_backends.cosmosdb.compile import Statement, is_sorted_by, ordered, where
from interstore_backends.cosmosdb.conditions import Conditions, Parameters
from interstore_backends.cosmosdb.records import Found

__all__ = ["Crowd", "Look", "compile_look", "scattered", "share_of"]

_FEW_OTHERS: Final = 0.3
_LEAST_WANTED: Final = 8
_MOST_WANTED: Final = 32
_TYPES: Final[Mapping[IndexType, tuple[type, ...]]] = {
    "number": (int, float),
    "string": (str,),
    "bool": (bool,),
}


@dataclass(frozen=True, slots=True)
class Look:
    """The first documents of an order, all classes together, in the order of an index.

    Attributes:
        tree: the filter.
        order: the whole order, ending with the id.
        kinds: the types that are declared for paths of the order.
        pinned: a path that the filter lets have one value only, and by which the index begins.
    """

    tree: Node
    order: tuple[SortKey, ...]
    kinds: tuple[tuple[Path, tuple[type, ...]], ...]
    pinned: Reference | None

    def statement(self, limit: int) -> Statement:
        """The query for so many."""
        parameters = Parameters()
        terms = [] if self.tree == ALL else [Conditions(parameters).condition(self.tree)]
        keys = list(self.order)
        if self.pinned is not None:
            keys.insert(0, SortKey(self.pinned, keys[0].descending))
        return Statement(
            f"SELECT TOP {int(limit)} * FROM c{where(terms)}{ordered(keys)}", parameters.values
        )

    def merged(self, parts: Sequence[list[Found]], limit: int) -> list[Found] | None:
        """The first documents of all partitions; ``None`` if others may come before them.

        Others may only if they do not fit an index and were written by who did not know of it yet.

        Args:
            parts: the first of each partition.
            limit: how many were asked of each; if fewer came, there are no more.
        """
        key = order_key(self.order)
        found: list[Found] = []
        cut: list[Any] = []
        for part in parts:
            if len(part) >= limit:
                if not all(self._is_of_kind(each.document) for each in part):
                    return None
                cut.append(max(key(each.document) for each in part))
            found += part
        found.sort(key=lambda each: key(each.document))
        # After the last that is known of a partition, the next may be another one of it.
        return [each for each in found if not cut or key(each.document) <= min(cut)]

    def _is_of_kind(self, document: Document) -> bool:
        return all(type(resolve(document, path)) in types for path, types in self.kinds)


def compile_look(
    query: Query,
    declared: Mapping[Path, IndexType],
    sorted_paths: Collection[tuple[Reference, ...]],
) -> Look | None:
    """The look at the first documents of a query; ``None`` where no index has the order.

    Args:
        query: what is asked for, from its first document on.
        declared: paths of which all values are known to be of one class, or null.
        sorted_paths: the paths of each composite index.
    """
    order = query.order
    paths = tuple(key.path for key in order[:-1])
    kinds = []
    for path in paths:
        if not isinstance(path, Envelope):
            if path not in declared:
                return None
            kinds.append((path, _TYPES[declared[path]]))
    others = [path for path in _pins(query.tree) if path not in paths]
    pinned = next((path for path in others if (path, *paths) in sorted_paths), None)
    if len({key.descending for key in order}) > 1:
        return None
    if pinned is None and not is_sorted_by(order, sorted_paths):
        return None
    return Look(query.tree, order, tuple(kinds), pinned)


def _pins(tree: Node) -> list[Path]:
    """The paths that have one value, a scalar, in all that the filter lets through."""
    if isinstance(tree, And):
        return [path for node in tree.nodes for path in _pins(node)]
    if not isinstance(tree, Eq) or isinstance(tree.path, Envelope):
        return []
    is_scalar = tree.value is not None and not isinstance(tree.value, tuple)
    return [tree.path] if is_scalar and all(isinstance(step, str) for step in tree.path) else []


def share_of(wanted: int, partitions: int) -> int:
    """How many to ask of each partition where so many are wanted: some have more than others."""
    return min(wanted, 1 + wanted * 3 // (2 * max(1, partitions)))


def scattered(found: Sequence[Found], sort: Sequence[SortKey]) -> list[Found]:
    """Sorted documents with those that are equal in what they are sorted by in any order."""
    key = order_key(sort)
    mixed = []
    for _, equal in groupby(found, lambda each: key(each.document)):
        group = list(equal)
        random.shuffle(group)
        mixed += group
    return mixed


class Crowd:
    """How many claim at the same time, as far as one of them can tell."""

    def __init__(self) -> None:
        self._others = 0.0

    @property
    def wanted(self) -> int:
        """How many documents to read for a claim: one, where there are no others."""
        if self._others < _FEW_OTHERS:
            return 1
        return min(_MOST_WANTED, max(_LEAST_WANTED, int(4 * self._others)))

    def met(self, lost: int) -> None:
        """A claim has lost so many documents to others."""
        self._others = max(float(lost), self._others * 0.8)

    def more(self, wanted: int) -> int:
        """How many to read after so many were all lost."""
        return min(_MOST_WANTED, max(_LEAST_WANTED, 2 * wanted))
