"""The operations, as a table: each is a method of a contender and the arguments to call it with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from tests.benchmarks.data import COUNTRY, FIRST, LAST, ZONE, Dataset

__all__ = ["BULK", "INDEXED", "PAGE", "PAGES", "READS", "WRITES", "Call", "Kind", "Workload"]

Kind = Literal["write", "read", "bulk", "scan"]
"""What aims are set for: single writes, single reads, many documents by id, queries."""

Call = tuple[Any, ...]
"""The arguments of one call."""

BULK: Final = 1000
"""Documents of one bulk write."""

IDS: Final = 100
"""Documents of one read by ids."""

PAGE, PAGES = 100, 20
"""Documents of one page, pages of one walk."""


@dataclass(frozen=True, slots=True)
class Workload:
    """One operation.

    Attributes:
        name: as the report has it.
        method: of a contender. One that has no such method sits out.
        calls: the arguments of so many calls.
        kind: which aim applies.
        documents: what one call handles; ``None`` for the whole data set.
        removes: the calls are with whole documents, which are stored before, untimed; then
            each is called with the id alone.
    """

    name: str
    method: str
    calls: Callable[[Dataset, int], list[Call]]
    kind: Kind
    documents: int | None = 1
    removes: bool = False

    def size(self, dataset: Dataset) -> int:
        """How many documents one call handles."""
        whole = len(dataset)
        return whole if self.documents is None else min(self.documents, whole)


def _same(*call: Any) -> Callable[[Dataset, int], list[Call]]:
    return lambda _, n: [call] * n


READS: Final = (
    Workload("find_by_id", "find_by_id", lambda data, n: [(id,) for id in data.ids(n)], "read"),
    Workload(
        f"find_by_ids, of {IDS}, each",
        "find_by_ids",
        lambda data, n: [(data.different_ids(IDS),) for _ in range(n)],
        "bulk",
        IDS,
    ),
    Workload("find by a range of ids", "find_range", _same(FIRST, LAST), "scan"),
    Workload("find by a field, no index", "find", _same(COUNTRY), "scan"),
    Workload("count by a field, no index", "count", _same(COUNTRY), "scan"),
    Workload("iterate over all, each", "scan", _same(), "scan", None),
    Workload("all in one list, each", "read_all", _same(), "scan", None),
    Workload(f"page by page of {PAGE}, each", "pages", _same(PAGE, PAGES), "scan", PAGE * PAGES),
)

INDEXED: Final = (Workload("find by a field, indexed", "find_indexed", _same(ZONE), "scan"),)
"""Of contenders that have an index on `tz`."""

WRITES: Final = (
    Workload("create", "create", lambda data, n: [(each,) for each in data.fresh(n)], "write"),
    Workload("put over another", "put", lambda data, n: [(d,) for d in data.stored(n)], "write"),
    Workload("update a field", "update", lambda data, n: [*data.changes(n)], "write"),
    Workload(
        "delete",
        "delete",
        lambda data, n: [(document,) for document in data.fresh(n)],
        "write",
        removes=True,
    ),
    Workload(
        f"create_many, of {BULK}, each",
        "create_many",
        lambda data, n: [(data.fresh(BULK),) for _ in range(n)],
        "bulk",
        BULK,
    ),
    Workload(
        f"put_many, half over others, of {BULK}, each",
        "put_many",
        lambda data, n: [
            ([*data.fresh(BULK // 2), *_different(data, BULK // 2)],) for _ in range(n)
        ],
        "bulk",
        BULK,
    ),
)


def _different(data: Dataset, n: int) -> list[dict[str, Any]]:
    return list({document["id"]: document for document in data.stored(n)}.values())
