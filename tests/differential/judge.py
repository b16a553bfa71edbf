"""What a database gets wrong of the named cases, and of random questions."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from interstore._sync.operations import Operations
from interstore.changes_parse import parse_changes
from interstore.errors import InvalidDocumentError
from interstore.filters.arguments import parse_sort
from interstore.filters.parse import parse_filter
from interstore.filters.tree import ALL
from interstore.prepared import Query, Write
from interstore.testing.checks import ids
from interstore.values import canonical_fields
from tests.differential.case import AT, problems, store_in, walked
from tests.differential.cases import CASES, TABLES
from tests.differential.engines import Place
from tests.tiny import TinyDatabase

__all__ = ["Program", "Verdict", "judged"]


@dataclass(frozen=True)
class Program:
    """Random questions with the reference's answers: plain data.

    Attributes:
        documents: with their ids; the first has version 1, the next 2, the next 3.
        filters: with the ids that each finds.
        sorts: with all ids in order.
        updates: fields, changes, and the fields after them; ``None`` where they are refused.
    """

    documents: list[dict[str, Any]]
    filters: list[tuple[Any, list[str]]]
    sorts: list[tuple[Any, list[str]]]
    updates: list[tuple[dict[str, Any], Any, dict[str, Any] | None]]

    def __len__(self) -> int:
        return len(self.filters) + len(self.sorts) + len(self.updates)


@dataclass(frozen=True)
class Verdict:
    """What noticed that something is wrong.

    Attributes:
        cases: the named cases, and the tables of the truth.
        random: how many of the random questions.
    """

    cases: list[str]
    random: int


def judged(name: str, where: Any, program: Program | None) -> Verdict:
    """Judge an engine; ``"core"`` is the reference.

    Without random questions, the first case that notices anything is enough.
    """
    with _opened(name, where) as database:
        noticing = (
            case.name
            for case in (*CASES, *TABLES)
            if _raises_or(lambda case=case: any(problems(database, "cases", case)))
        )
        if program is None:
            return Verdict(list(islice(noticing, 1)), 0)
        return Verdict(list(noticing), sum(_differences(database, program)))


@contextmanager
def _opened(name: str, where: Any) -> Generator[Operations]:
    if name == "core":
        yield Operations(TinyDatabase())
        return
    place = Place(name, where)
    with place.store() as store:
        for model in ("cases", "random", "updates"):
            store.drop(model)
        place.engine.prepare(store, "cases")
        yield store.database


def _raises_or(what: Any) -> bool:
    """Whether it is true, or fails: a rule may be what keeps a statement from failing."""
    try:
        return bool(what())
    except Exception:  # noqa: BLE001
        return True


def _differences(database: Operations, program: Program) -> Iterator[bool]:
    model = "random"
    if _raises_or(lambda: _load(database, model, program.documents)):
        yield True
        return
    for filter, expected in program.filters:
        yield _raises_or(lambda f=filter, e=expected: _found(database, model, f) != e)
    for sort, expected in program.sorts:
        query = Query(sort=parse_sort(sort))
        yield _raises_or(lambda q=query, e=expected: walked(database, model, q, 40) != e)
    for fields, step, after in program.updates:
        yield _raises_or(lambda f=fields, s=step, a=after: _updated(database, f, s) != a)


def _load(database: Operations, model: str, documents: list[dict[str, Any]]) -> None:
    database.delete_many(model, ALL)
    for place, document in enumerate(documents):
        fields = dict(document)
        id = fields.pop("id")
        store_in(database, model, _write(id, fields, 1 + place % 3))


def _found(database: Operations, model: str, filter: Any) -> Sequence[str]:
    return ids(database.find(model, Query(parse_filter(filter))))


def _updated(database: Operations, fields: dict[str, Any], step: Any) -> dict[str, Any] | None:
    database.put("updates", _write("a", fields, 1))
    try:
        return database.update("updates", "a", parse_changes("a", step, AT)).fields()
    except InvalidDocumentError:
        return None


def _write(id: str, fields: dict[str, Any], version: int) -> Write:
    return Write(id, canonical_fields(fields), version=version, created=AT, updated=AT)
