"""The reads of a table."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice, pairwise
from operator import itemgetter
from typing import Final

from interstore import plans
from interstore.document import Document
from interstore.filters.order import sort_value
from interstore.filters.select import select
from interstore.filters.tree import ALL, Node
from interstore.prepared import Partition, Query, ScanPage
from interstore_backends._table.order import EVERYTHING
from interstore_backends._table.plan import Plan, plan
from interstore_backends._table.projection import SortValues, matcher, sort_key
from interstore_backends._table.records import decode_document, decode_head, write_of
from interstore_backends._table.table import Table

__all__ = [
    "count",
    "exists",
    "explain",
    "find",
    "matching",
    "named",
    "partitions",
    "scan",
    "stream",
]

_HEAP_LIMIT: Final = 10_000
"""Beyond so many, sorting everything is faster than keeping the best in a heap."""

_STEPS: Final[dict[plans.Access, str]] = {
    "ids": "look at the documents that the filter names by their ids",
    "scan": "look at every document",
    "index": "look at the documents that the index finds",
}

_id: Final = itemgetter("id")


def named(table: Table, ids: Iterable[str]) -> list[Document]:
    """The documents that exist among `ids`."""
    get = table.records.get
    return [decode_document(record) for id in ids if (record := get(id)) is not None]


def find(table: Table, query: Query) -> list[Document]:
    """The documents that the query asks for, in its order."""
    if query.limit == 0:
        return []
    if len(query.order) == 1:
        if query.limit is None and query.after is None:
            return _all(table, query)
        return list(map(decode_document, matching(table, query)))
    if (ordered := table.in_order(query)) is not None:
        keep = matcher(query.tree)
        chunks = ordered if keep is None else chain.from_iterable(map(keep, _chunks(ordered)))
        end = None if query.limit is None else query.skip + query.limit
        return list(map(decode_document, islice(chunks, query.skip, end)))
    records = chain.from_iterable(_kept(table, _planned(table, query.tree)))
    key = sort_key(query.order)
    if key is None:
        return select(map(decode_document, records), query.only(tree=ALL))
    return list(map(decode_document, _sorted(records, key, query)))


def _all(table: Table, query: Query) -> list[Document]:
    """Every document that matches, sorted at the end.

    Records are looked at in the order in which they lie in memory: in two thirds of the time.
    """
    documents = list(
        map(decode_document, chain.from_iterable(_kept(table, _planned(table, query.tree))))
    )
    documents.sort(key=_id, reverse=query.order[0].descending)
    return documents[query.skip :] if query.skip else documents


def _sorted(
    records: Iterable[bytes], key: Callable[[bytes], SortValues], query: Query
) -> list[bytes]:
    """The records that the query asks for, in its order; its filter is not looked at."""
    rows = ((key(record), record) for record in records)
    descending = query.order[0].descending
    if query.after is not None:
        start = tuple(sort_value(value) for value in query.after)
        rows = (row for row in rows if (row[0] < start if descending else row[0] > start))
    end = None if query.limit is None else query.skip + query.limit
    if end is None or end > _HEAP_LIMIT:
        found = sorted(rows, reverse=descending)
    else:
        found = heapq.nlargest(end, rows) if descending else heapq.nsmallest(end, rows)
    return [record for _, record in found[query.skip : end]]


def matching(table: Table, query: Query) -> Iterator[bytes]:
    """The records of the documents that a query in the order of ids asks for."""
    planned = _planned(table, query.tree)
    descending = query.order[0].descending
    span = planned.span
    if query.after is not None:
        last = str(query.after[-1])
        span = span.below(last, False) if descending else span.above(last, False)
    stop = None if query.limit is None else query.skip + query.limit
    chunks: Iterable[list[bytes]]
    if planned.ids is not None:
        ids = [id for id in planned.ids if id in span]
        chunks = [_named(table, ids[::-1] if descending else ids)]
    else:
        chunks = table.walk(span, descending=descending, first=stop)
    keep = matcher(planned.rest)
    if keep is not None:
        chunks = map(keep, chunks)
    return islice(chain.from_iterable(chunks), query.skip, stop)


def _planned(table: Table, tree: Node) -> Plan:
    """How to find the records that match: by their ids, or by an index."""
    planned = plan(tree)
    if planned.ids is None and planned.rest != ALL:
        ids = table.candidates(planned.rest)
        if ids is not None:
            within = ids if planned.span == EVERYTHING else [id for id in ids if id in planned.span]
            return Plan(tuple(sorted(within)), planned.span, planned.rest)
    return planned


def explain(table: Table, query: Query, engine: str) -> plans.Plan:
    """How `find` would answer the query."""
    found = table.ordering(query) if query.sort else None
    planned = plan(query.tree)
    named = planned.ids is not None or planned.span != EVERYTHING
    narrowing = None if named or planned.rest == ALL else table.narrowing(planned.rest)
    access: plans.Access = "ids" if named else "scan"
    if found is not None:
        access = "index" if found.span is not None else "scan"
    elif narrowing is not None:
        access = "index"
    used = found or narrowing
    in_order = found is not None or (len(query.order) == 1 and narrowing is None)
    return plans.Plan(
        engine=engine,
        access=access,
        indexes=() if used is None else (used.entries.index.name,),
        sort="index" if in_order else "memory",
        steps=(*(() if in_order else ("sort",)), _STEPS[access]),
    )


def _chunks(records: list[bytes]) -> Iterator[list[bytes]]:
    """The same in lists that grow: a limit may need but the first of them."""
    begin, size = 0, 32
    while begin < len(records):
        yield records[begin : begin + size]
        begin, size = begin + size, min(size * 4, 4_096)


def count(table: Table, tree: Node) -> int:
    """How many documents match."""
    planned = _planned(table, tree)
    if planned.rest == ALL and planned.ids is None and planned.span == EVERYTHING:
        return len(table.records)
    return sum(map(len, _kept(table, planned)))


def stream(table: Table, tree: Node) -> Iterator[Document]:
    """The documents that match, in no particular order, made one after the other."""
    return map(decode_document, chain.from_iterable(_kept(table, _planned(table, tree))))


def exists(table: Table, tree: Node) -> bool:
    """Whether any document matches."""
    return any(True for _ in matching(table, Query(tree, limit=1)))


def _kept(table: Table, planned: Plan) -> Iterable[list[bytes]]:
    """The records that match, in no particular order, in lists."""
    chunks: Iterable[list[bytes]]
    if planned.ids is not None:
        chunks = [_named(table, planned.ids)]
    elif planned.span == EVERYTHING:
        chunks = [table.all()]
    else:
        chunks = table.walk(planned.span)
    keep = matcher(planned.rest)
    return chunks if keep is None else map(keep, chunks)


def _named(table: Table, ids: Sequence[str]) -> list[bytes]:
    get = table.records.get
    return [record for id in ids if (record := get(id)) is not None]


def scan(table: Table, partition: Partition, after: str | None, limit: int) -> ScanPage:
    """One page of a partition, in the order of ids."""
    lower = after if after is not None else partition.after
    span = EVERYTHING.above(lower, False).below(partition.until, True)
    records = list(islice(chain.from_iterable(table.walk(span, first=limit)), limit))
    return ScanPage.later(
        lambda: list(map(decode_document, records)),
        lambda: list(map(write_of, records)),
        decode_head(records[-1]).id if len(records) == limit else None,
    )


def partitions(table: Table, n: int) -> list[Partition]:
    """At most `n` shares of about the same number of documents."""
    ids = table.ids()
    bounds = [ids[len(ids) * i // n] for i in range(1, n)] if ids else []
    ends: list[str | None] = [None, *dict.fromkeys(bounds), None]
    return [Partition(after=after, until=until) for after, until in pairwise(ends)]
