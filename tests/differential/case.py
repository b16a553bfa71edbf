"""What a named case is, and what a database gets wrong of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from interstore._sync.operations import Operations
from interstore.changes_parse import parse_changes
from interstore.document import Document
from interstore.errors import InterstoreError, InvalidDocumentError
from interstore.filters.arguments import parse_sort
from interstore.filters.order import position_of
from interstore.filters.parse import parse_filter
from interstore.filters.tree import ALL
from interstore.prepared import Query, Write
from interstore.testing.checks import exact, ids
from interstore.values import canonical_fields

__all__ = ["AT", "Case", "problems", "store_in", "walked"]

AT = "2026-01-31T12:00:00.000000Z"


class Finds(Protocol):
    """A database, or every operation of one."""

    def find(self, model: str, query: Query) -> Iterable[Document]: ...


@dataclass(frozen=True)
class Case:
    """Documents, and literally what is to be found of them.

    Attributes:
        name: of the divergence that it stands for.
        documents: fields by id. The first has version 1, the next 2, and so on.
        finds: filters, each with the ids that it finds, in order, separated by spaces.
        sorts: sorts with the ids in order. They are walked in pages of one and of two, too.
        updates: changes to one document, one after the other, each with the fields after it;
            ``None`` if they are refused.
        afterwards: filters as in `finds`, after the updates.
    """

    name: str
    documents: Mapping[str, Mapping[str, Any]]
    finds: Sequence[tuple[Any, str]] = ()
    sorts: Sequence[tuple[Any, str]] = ()
    updates: Sequence[tuple[str, Any, Mapping[str, Any] | None]] = ()
    afterwards: Sequence[tuple[Any, str]] = ()

    @property
    def writes(self) -> list[Write]:
        """The documents as they are to be stored."""
        return [
            Write(id, canonical_fields(fields), version=version, created=AT, updated=AT)
            for version, (id, fields) in enumerate(self.documents.items(), 1)
        ]


def problems(database: Operations, model: str, case: Case) -> Iterator[str]:
    """What is found and must not be, and what is missing."""
    try:
        database.delete_many(model, ALL)
        for write in case.writes:
            store_in(database, model, write)
        yield from _misread(database, model, case)
        yield from _misfound(database, model, case, case.finds)
        yield from _missorted(database, model, case)
        yield from _misput(database, model, case)
        yield from _misupdated(database, model, case)
        yield from _misfound(database, model, case, case.afterwards)
    except InterstoreError as error:
        yield f"{case.name}: raises {error!r}"


def store_in(database: Operations, model: str, write: Write) -> None:
    """Store the document in its version."""
    if database.capabilities.write_page:
        database.write_page(model, [write], "upsert")
        return
    version, write.version = write.version, 1
    for _ in range(version):
        database.put(model, write)


def _misread(database: Operations, model: str, case: Case) -> Iterator[str]:
    for write in case.writes:
        found = database.find_by_id(model, write.id)
        expected = exact({**write.fields, "id": write.id})
        if found is None or exact(found) != expected:
            yield f"{case.name}: {write.id!r} reads as {found!r}, not as {expected!r}"


def _misfound(
    database: Operations, model: str, case: Case, finds: Sequence[tuple[Any, str]]
) -> Iterator[str]:
    for filter, wanted in finds:
        expected = wanted.split()
        tree = parse_filter(filter)
        found = ids(database.find(model, Query(tree)))
        if found != expected:
            yield f"{case.name}: {filter!r} finds {found}, not {expected}"
        counted = database.count(model, tree)
        if counted != len(expected):
            yield f"{case.name}: {filter!r} counts {counted}, not {len(expected)}"
        rest = ids(database.find(model, Query(parse_filter({"$nor": [filter]}))))
        if rest != [id for id in sorted(case.documents) if id not in expected]:
            yield f"{case.name}: what {filter!r} does not find is {rest}"


def _missorted(database: Operations, model: str, case: Case) -> Iterator[str]:
    can = database.capabilities
    several = can.multi_key_sort_undeclared or can.filter == "core"
    for sort, wanted in case.sorts:
        query = Query(sort=parse_sort(sort))
        expected = wanted.split()
        if len(query.sort) > 1 and not several:
            continue
        for size in (len(expected) + 1, 1, 2):
            found = walked(database, model, query, size)
            if found != expected:
                yield f"{case.name}: by {sort!r}, pages of {size}: {found}, not {expected}"


def walked(database: Finds, model: str, query: Query, size: int) -> list[str]:
    """The ids of all pages of that size."""
    found: list[str] = []
    page = query.only(limit=size)
    for _ in range(1000):
        documents = list(database.find(model, page))
        found += ids(documents)
        if len(documents) < size:
            break
        page = page.only(after=position_of(documents[-1], query.order))
    return found


def _misput(database: Operations, model: str, case: Case) -> Iterator[str]:
    """Documents that are put over themselves."""
    for write in case.writes:
        expected, version = exact({**write.fields, "id": write.id}), write.version + 1
        write.version = 1
        put = database.put(model, write)
        found = database.find_by_id(model, write.id)
        if found is None or exact(found) != expected or exact(put) != expected:
            yield f"{case.name}: {write.id!r}, put, is {found!r}, not {expected!r}"
        if put.version != version:
            yield f"{case.name}: {write.id!r}, put, has version {put.version}, not {version}"


def _misupdated(database: Operations, model: str, case: Case) -> Iterator[str]:
    for id, step, wanted in case.updates:
        before = database.find_by_id(model, id)
        assert before is not None
        expected = exact(before.fields() if wanted is None else wanted)
        try:
            updated = database.update(model, id, parse_changes(id, step, AT))
        except InvalidDocumentError:
            refused = True
        else:
            refused = False
            if exact(updated.fields()) != expected or updated.version != before.version + 1:
                yield f"{case.name}: {step!r} returns {updated!r}, version {updated.version}"
        if refused is not (wanted is None):
            yield f"{case.name}: {step!r} of {before!r} is {'' if refused else 'not '}refused"
        after = database.find_by_id(model, id)
        if after is None or exact(after.fields()) != expected:
            yield f"{case.name}: after {step!r} of {before!r}: {after!r}, not {expected!r}"
