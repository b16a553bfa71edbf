"""Which entries of an index can match a filter, and how an index gives an order."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from interstore.filters.intervals import merge_ranges, range_class, succ
from interstore.filters.tree import ALL, And, Eq, Has, In, Node, Range, Text
from interstore.paths import Reference
from interstore.prepared import Query
from interstore_backends._table.entries import HIGHEST, Entries, Entry, Key, key_of

__all__ = ["Found", "best", "in_order", "ordering"]

Interval: TypeAlias = tuple[Key, Key]
"""A lower bound that belongs to it, and an upper one that does not."""

_MOST: Final = 0.7
"""An index that leaves more of the table than this is not worth the detour."""

_FEW: Final = 256
"""So few documents are sorted rather than looked for in the order of another index."""

_RANKS: Final = {"number": 1, "string": 2}


@dataclass(slots=True)
class Found:
    """The ids that an index leaves of a table, a superset of those that match.

    Attributes:
        entries: the index.
        ids: the ids.
        span: where its entries are, if they are one stretch.
        prefix: the beginning of their keys, behind which the order begins.
    """

    entries: Entries
    ids: Sequence[str]
    span: tuple[int, int] | None = None
    prefix: Key = ()


def best(indexes: Iterable[Entries], records: Mapping[str, bytes], tree: Node) -> Found | None:
    """What the most selective index leaves; ``None`` if none helps."""
    leaves = _leaves(tree)
    chosen: Found | None = None
    most = len(records) * _MOST
    for entries in indexes:
        found = _of_list(entries, records, leaves) if entries.index.list else None
        if not entries.index.list:
            found = _of_intervals(entries, records, leaves, most)
        if found is not None and len(found.ids) <= most:
            chosen, most = found, len(found.ids)
    return chosen


def _leaves(tree: Node) -> dict[Reference, list[Node]]:
    """The leaves that must all be true, by what they are about."""
    nodes = merge_ranges(tree.nodes) if isinstance(tree, And) else (tree,)
    leaves: dict[Reference, list[Node]] = {}
    for node in nodes:
        if isinstance(node, (Eq, In, Range, Text, Has)):
            leaves.setdefault(node.path, []).append(node)
    return leaves


def _of_list(
    entries: Entries, records: Mapping[str, bytes], leaves: Mapping[Reference, list[Node]]
) -> Found | None:
    asked = [node for node in leaves.get(entries.references[0], ()) if isinstance(node, Has)]
    if not asked:
        return None
    elements = entries.elements(records)
    sets = [elements.get(key_of(node.value), set[str]()) for node in asked]
    fewest: set[str] = min(sets, key=len)
    return Found(entries, list(fewest))


def _of_intervals(
    entries: Entries,
    records: Mapping[str, bytes],
    leaves: Mapping[Reference, list[Node]],
    most: float,
) -> Found | None:
    intervals = _intervals(entries.references, leaves)
    if intervals is None:
        return None
    ordered = entries.ordered(records)
    spans = [
        (bisect_left(ordered, lower), bisect_left(ordered, upper)) for lower, upper in intervals
    ]
    if sum(end - begin for begin, end in spans) > most:
        return None
    ids = [entry[-1] for begin, end in spans for entry in ordered[begin:end]]
    return Found(entries, ids, spans[0] if len(spans) == 1 else None)


def _intervals(
    references: Sequence[Reference], leaves: Mapping[Reference, list[Node]]
) -> list[Interval] | None:
    """Where the entries lie that can match: equalities first, then one leaf of any kind."""
    prefix: Key = ()
    for reference in references:
        found = min(
            filter(None, map(_leaf_intervals, leaves.get(reference, ()))), key=len, default=None
        )
        if found is None:
            break
        lower, upper = found[0]
        if len(found) == 1 and len(lower) == 2 and upper == (*lower, HIGHEST):  # one value
            prefix += lower
            continue
        return [(prefix + lower, prefix + upper) for lower, upper in found]
    return [(prefix, (*prefix, HIGHEST))] if prefix else None


def _leaf_intervals(node: Node) -> list[Interval] | None:
    """Where the values lie that satisfy the leaf; ``None`` if it does not say."""
    match node:
        case Eq(value=value) if not isinstance(value, tuple):
            return [_point(key_of(value))]
        case In(values=values) if values:
            return [_point(key) for key in sorted({key_of(value) for value in values})]
        case Range():
            return [_range(node)]
        case Text(kind="startsWith", value=text) if text:
            return [((2, text), (2, succ(text) or HIGHEST))]
        case _:
            return None


def _point(key: Key) -> Interval:
    return key, (*key, HIGHEST)


def _range(node: Range) -> Interval:
    rank = _RANKS[range_class(node)]
    lower: Key = (rank,)
    upper: Key = (rank, HIGHEST)
    if node.lower is not None:
        lower = (
            (rank, node.lower.value) if node.lower.inclusive else (rank, node.lower.value, HIGHEST)
        )
    if node.upper is not None:
        upper = (
            (rank, node.upper.value, HIGHEST) if node.upper.inclusive else (rank, node.upper.value)
        )
    return lower, upper


def in_order(
    indexes: Iterable[Entries], records: Mapping[str, bytes], query: Query
) -> list[bytes] | None:
    """The records in the query's order, those that an index can tell to be of no use left out.

    If the index says all that the filter does, only those that `limit` and `skip` ask for.
    ``None`` if no index has the order, or another one leaves so few that they are better sorted.
    """
    found = ordering(indexes, records, query)
    if found is None:
        return None
    ordered = found.entries.ordered(records)
    begin, end = found.span or (0, len(ordered))
    if query.after is not None:
        begin, end = _past(ordered, query, found.prefix, begin, end)
    exact = query.tree == ALL or _says_no_more(query.tree, found.prefix)
    wanted = _slice(ordered, query, begin, end, exact=exact)
    return [records[entry[-1]] for entry in wanted]


def ordering(
    indexes: Iterable[Entries], records: Mapping[str, bytes], query: Query
) -> Found | None:
    """The index that gives the query's order, with the span that its filter leaves of it.

    An index has the order, too, behind paths at which the filter wants one value each.
    """
    order = query.order
    paths = tuple(key.path for key in order[:-1])
    if any(key.descending is not order[0].descending for key in order):
        return None
    found = best(indexes, records, query.tree)
    for entries in indexes:
        lead = len(entries.references) - len(paths)
        if entries.index.list or lead < 0 or entries.references[lead:] != paths:
            continue
        prefix = _pinned(entries.references[:lead], query.tree) if lead else ()
        if prefix is None:
            continue
        if found is not None and found.entries is entries and not lead:
            return found
        if found is not None and found.entries is not entries and len(found.ids) <= _FEW:
            return None
        return Found(entries, (), _span(entries.ordered(records), prefix), prefix)
    return None


def _pinned(paths: Sequence[Reference], tree: Node) -> Key | None:
    """The beginning of the keys with the values that the filter wants; ``None`` if it does not
    want one at each path."""
    leaves = _leaves(tree)
    prefix: list[Any] = []
    for path in paths:
        values = [node.value for node in leaves.get(path, ()) if isinstance(node, Eq)]
        if not values or isinstance(values[0], tuple):
            return None
        prefix += key_of(values[0])
    return tuple(prefix)


def _span(ordered: list[Entry], prefix: Key) -> tuple[int, int] | None:
    if not prefix:
        return None
    begin = bisect_left(ordered, prefix)
    return begin, bisect_left(ordered, (*prefix, HIGHEST), begin)


def _says_no_more(tree: Node, prefix: Key) -> bool:
    """Whether all entries with the prefix match: a filter for null says more than its key."""
    conditions = len(tree.nodes) if isinstance(tree, And) else 1
    return conditions * 2 == len(prefix) and 0 not in prefix[::2]


def _past(ordered: list[Entry], query: Query, prefix: Key, begin: int, end: int) -> tuple[int, int]:
    assert query.after is not None
    *values, id = query.after
    position = (*prefix, *(part for value in values for part in key_of(value)), id)
    if query.order[0].descending:
        return begin, min(end, bisect_left(ordered, position))
    return max(begin, bisect_right(ordered, position)), end


def _slice(ordered: list[Entry], query: Query, begin: int, end: int, *, exact: bool) -> list[Entry]:
    """The entries that are wanted; of `exact` ones, which all match, only as many as are."""
    most = max(end - begin, 0)
    if exact and query.limit is not None:
        most = min(most, query.skip + query.limit)
    if query.order[0].descending:
        return ordered[end - most : end][::-1]
    return ordered[begin : begin + most]
