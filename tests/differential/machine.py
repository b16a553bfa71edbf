"""One state machine for every engine: whatever is done in whatever order, it is a dict."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from interstore._sync.store import Store
from interstore.changes_parse import parse_changes
from interstore.document import Document
from interstore.errors import (
    ConflictError,
    DuplicateError,
    InterstoreError,
    InvalidDocumentError,
    NotFoundError,
)
from interstore.filters.arguments import parse_sort
from interstore.filters.parse import parse_filter
from interstore.filters.select import select
from interstore.prepared import Query
from interstore.testing.checks import exact, refuses
from tests.differential.counts import count
from tests.differential.engines import Subject

__all__ = ["StoreMachine"]

Row = tuple[int, dict[str, Any]]
"""Version and fields."""

IDS = st.sampled_from(("a", "b", "A", "é", "%", "0"))
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "n": st.sampled_from((0, 1, 2, 0.5, "1", None, True)),
        "l": st.sampled_from(([], [1], ["x", None])),
        "o": st.sampled_from(({}, {"p": 1}, {"p": {"q": "$x"}})),
    },
)
VERSIONS = st.sampled_from((None, None, 0, 0, -1, 1))
"""``None``, or how far from the current version."""
CHANGES = st.one_of(
    FIELDS,
    st.sampled_from(
        (
            {"$inc": {"n": 1}},
            {"$inc": {"n": 0.5}},
            {"$push": {"l": 2}},
            {"$set": {"o.p": 2}},
            {"$unset": ["o.p", "n"]},
            {"$set": {"o.p.q": 1}, "$inc": {"n": -1}},
        )
    ),
)
FILTERS = st.sampled_from(
    (
        {}, {"n": 1}, {"n": {"$gte": 0.5}}, {"n": None}, {"n": {"$ne": 1}},
        {"o.p": {"$exists": True}}, {"l": {"$has": 1}}, {"id": {"$gt": "A"}},
        {"@version": {"$lte": 2}}, {"l": {"$size": 1}},
        {"$nor": [{"n": True}, {"o.p": 1}]},
    )
)  # fmt: skip
SORTS = st.sampled_from(([], [("n", 1)], [("n", -1)], [("@version", -1)], [("n", 1), ("id", -1)]))


class StoreMachine(RuleBasedStateMachine):
    """Operations on one model. `subject` is set by what runs it."""

    subject: Subject

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, Row] = {}
        self.unique = False
        self.own: Store | None = None

    @property
    def store(self) -> Store:
        return self.own or self.subject.store

    @initialize()
    def start(self) -> None:
        self.model = f"m{uuid4().hex[:12]}"

    def teardown(self) -> None:
        count(self.subject.name, "state machine runs")
        if self.subject.store.capabilities.drop:
            self.subject.store.drop(self.model)
        else:
            self.subject.store.delete_many(self.model, {})
        if self.own is not None:
            self.own.close()

    # What is expected, in terms of the dict.

    def held(self, id: str) -> Document:
        version, fields = self.rows[id]
        return Document(fields, id=id, version=version, created="", updated="")

    def matching(self, filter: Any, sort: Any = ()) -> list[str]:
        query = Query(parse_filter(filter), parse_sort(list(sort)))
        return [each.id for each in select([self.held(id) for id in self.rows], query)]

    def clashes(self, id: str, fields: dict[str, Any]) -> bool:
        """Whether the unique index would refuse it."""
        number = fields.get("u")
        return self.unique and number is not None and any(
            row[1].get("u") == number for other, row in self.rows.items() if other != id
        )  # fmt: skip

    def unmet(self, id: str, if_version: int | None) -> type[InterstoreError] | None:
        if id not in self.rows:
            return NotFoundError
        return ConflictError if if_version not in (None, self.rows[id][0]) else None

    def demanded(self, id: str, offset: int | None) -> int | None:
        if offset is None:
            return None
        return max(1, (self.rows[id][0] if id in self.rows else 1) + offset)

    def after(self, id: str, changes: Any) -> dict[str, Any] | None:
        """The fields after the changes; ``None`` if they do not fit."""
        parsed = parse_changes(id, changes, "2026-01-31T12:00:00.000000Z")
        try:
            return parsed.apply_to(self.rows[id][1])
        except InvalidDocumentError:
            return None

    def expect(
        self, error: type[InterstoreError] | None, call: Any, *args: Any, **more: Any
    ) -> Any:
        """Make the call, which must raise that error, or none."""
        count(self.subject.name, "operations")
        if error is None:
            return call(*args, **more)
        with refuses(error, f"{call.__name__}{args}") as refusal:
            call(*args, **more)
        assert type(refusal.error) is error
        return None

    # One document.

    @rule(id=IDS, fields=FIELDS, u=st.none() | st.integers(0, 1))
    def create(self, id: str, fields: dict[str, Any], u: int | None) -> None:
        fields = fields if u is None else {**fields, "u": u}
        error = DuplicateError if id in self.rows or self.clashes(id, fields) else None
        self.expect(error, self.store.create, self.model, {**fields, "id": id})
        if error is None:
            self.rows[id] = (1, fields)

    @rule(id=IDS, fields=FIELDS, u=st.none() | st.integers(0, 1), offset=VERSIONS)
    def put(self, id: str, fields: dict[str, Any], u: int | None, offset: int | None) -> None:
        fields = fields if u is None else {**fields, "u": u}
        demanded = self.demanded(id, offset)
        error: type[InterstoreError] | None
        error = None if demanded is None else self.unmet(id, demanded)
        if error is None and self.clashes(id, fields):
            error = DuplicateError
        put = self.expect(error, self.store.put, self.model, {**fields, "id": id},
                          if_version=demanded)  # fmt: skip
        if error is None:
            self.rows[id] = (self.rows[id][0] + 1 if id in self.rows else 1, fields)
            assert put.version == self.rows[id][0]

    @rule(id=IDS, changes=CHANGES, offset=VERSIONS)
    def update(self, id: str, changes: Any, offset: int | None) -> None:
        demanded = self.demanded(id, offset)
        error = self.unmet(id, demanded)
        after = None if error else self.after(id, changes)
        if error is None and after is None:
            error = InvalidDocumentError
        updated = self.expect(error, self.store.update, self.model, id, changes,
                              if_version=demanded)  # fmt: skip
        if after is not None:
            self.rows[id] = (self.rows[id][0] + bool(changes), after)
            assert (updated.version, exact(updated.fields())) == (self.rows[id][0], exact(after))

    @rule(id=IDS, offset=VERSIONS)
    def delete(self, id: str, offset: int | None) -> None:
        demanded = self.demanded(id, offset)
        error = None if demanded is None else self.unmet(id, demanded)
        deleted = self.expect(error, self.store.delete, self.model, id, if_version=demanded)
        if error is None:
            assert deleted is (self.rows.pop(id, None) is not None)

    @rule(filter=FILTERS, changes=CHANGES, sort=SORTS)
    def find_one_and_update(self, filter: Any, changes: Any, sort: Any) -> None:
        sort = self.subject.sort_of(sort)
        first = next(iter(self.matching(filter, sort)), None)
        after = None if first is None else self.after(first, changes)
        error = InvalidDocumentError if first is not None and after is None else None
        found = self.expect(error, self.store.find_one_and_update, self.model, filter, changes,
                            sort=sort)  # fmt: skip
        if first is not None and after is not None:
            self.rows[first] = (self.rows[first][0] + bool(changes), after)
            assert (found.id, found.version) == (first, self.rows[first][0])

    # Many.

    @rule(many=st.dictionaries(IDS, FIELDS, max_size=4))
    def create_many(self, many: dict[str, Any]) -> None:
        documents = [{**fields, "id": id} for id, fields in many.items()]
        result = self.store.create_many(self.model, documents, on_error="report")
        expected = [0 if id in self.rows else 1 for id in many]
        assert [outcome.version for outcome in result.outcomes] == expected
        self.rows.update({id: (1, each) for id, each in many.items() if id not in self.rows})

    @rule(many=st.dictionaries(IDS, FIELDS, max_size=4))
    def put_many(self, many: dict[str, Any]) -> None:
        documents = [{**fields, "id": id} for id, fields in many.items()]
        result = self.store.put_many(self.model, documents)
        for id, fields in many.items():
            self.rows[id] = (self.rows[id][0] + 1 if id in self.rows else 1, fields)
        assert [outcome.version for outcome in result.outcomes] == [self.rows[id][0] for id in many]

    @rule(filter=FILTERS, changes=CHANGES)
    def update_many(self, filter: Any, changes: Any) -> None:
        after = {id: self.after(id, changes) for id in self.matching(filter)}
        result = self.store.update_many(self.model, filter, changes, on_error="report")
        fits = {id: fields for id, fields in after.items() if fields is not None}
        if changes:
            assert (result.updated, result.failed) == (len(fits), len(after) - len(fits))
        for id, fields in fits.items():
            self.rows[id] = (self.rows[id][0] + bool(changes), fields)

    @rule(filter=FILTERS)
    def delete_many(self, filter: Any) -> None:
        doomed = self.matching(filter)
        assert self.store.delete_many(self.model, filter).deleted == len(doomed)
        for id in doomed:
            del self.rows[id]

    # Reads.

    @rule(filter=FILTERS, sort=SORTS, size=st.integers(1, 4))
    def pages(self, filter: Any, sort: Any, size: int) -> None:
        sort = self.subject.sort_of(sort)
        expected = self.matching(filter, sort)
        found: list[str] = []
        token: str | None = None
        while True:
            page = self.store.page(self.model, filter, sort=sort, limit=size, after=token)
            found += [document.id for document in page.documents]
            token = page.next
            if token is None or len(found) > len(expected):
                break
        assert found == expected

    @rule(filter=FILTERS, id=IDS)
    def counts(self, filter: Any, id: str) -> None:
        expected = self.matching(filter)
        assert self.store.count(self.model, filter) == len(expected)
        assert self.store.exists(self.model, filter) is bool(expected)
        found = self.store.find_by_ids(self.model, [id, "z", "a"])
        asked = [id, "z", "a"]
        assert [each and each.version for each in found] == [
            self.rows[each][0] if each in self.rows else None for each in asked
        ]

    # The place itself.

    @precondition(lambda self: not self.unique)
    @rule()
    def ensure_unique(self) -> None:
        if "unique" not in self.store.capabilities.ensure_index:
            return
        values = [row[1]["u"] for row in self.rows.values() if row[1].get("u") is not None]
        error = DuplicateError if len(values) > len(set(values)) else None
        self.expect(error, self.store.ensure_index, self.model, "u", unique=True)
        self.unique = error is None

    @precondition(lambda self: self.unique)
    @rule()
    def drop_unique(self) -> None:
        [index] = self.store.indexes(self.model)
        assert self.store.drop_index(self.model, index)
        self.unique = False

    @rule()
    def reconnect(self) -> None:
        if not self.store.capabilities.persistent:
            return
        old, self.own = self.own, self.subject.place.store()
        self.own.connect()
        if old is not None:
            old.close()

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "model"):
            return
        found = [(d.id, d.version, exact(d.fields())) for d in self.store.find(self.model)]
        assert found == [
            (id, self.rows[id][0], exact(self.rows[id][1])) for id in sorted(self.rows)
        ]
