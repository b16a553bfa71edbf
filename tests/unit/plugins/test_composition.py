"""The rule of composition: nothing bypasses a wrapper, and what only delegates is not there."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import pytest

import interstore
from interstore import Capabilities, Document, UnsupportedError
from interstore._sync.operations import Operations
from interstore.changes import Changes
from interstore.filters.tree import ALL
from interstore.plugins import Interceptor, Wrapper
from interstore.plugins.composition import BASIS, OPERATIONS, PASSING, SEVEN, WITHDRAWN, derived
from interstore.prepared import Query, Write
from tests.databases import memory, sqlite
from tests.tiny import TinyDatabase

SCOPES = {"session", "transaction", "snapshot", "foreign", "native"}
ANSWERS = {"check_transaction", "check_snapshot", "check_watch", "unsupported"}


def public(kind: type[Any]) -> set[str]:
    return {name for name, _ in inspect.getmembers(kind) if not name.startswith("_")}


def test_every_operation_has_its_place() -> None:
    """Whoever adds an operation decides what it stands for."""
    assert public(Operations) - SCOPES - ANSWERS <= {*OPERATIONS}
    assert len(OPERATIONS) == len(set(OPERATIONS))


def noted(call: Callable[[Operations], object]) -> set[str]:
    """The operations that a call is made of, on an engine that has no more than the seven."""
    found: set[str] = set()

    class Noting(Operations):
        def __getattribute__(self, name: str) -> Any:
            if name in BASIS or name in SEVEN:
                found.add(name)
            return super().__getattribute__(name)

    operations = Noting(TinyDatabase())
    operations.create("m", _write("a"))
    found.clear()
    call(operations)
    return found


def _write(id: str) -> Write:
    now = "2026-01-01T00:00:00.000000Z"
    return Write(id, {"n": 1}, version=1, created=now, updated=now)


CALLS: dict[str, Callable[[Operations], object]] = {
    "find_by_ids": lambda db: db.find_by_ids("m", ["a"]),
    "count": lambda db: db.count("m", ALL),
    "exists": lambda db: db.exists("m", ALL),
    "put": lambda db: [db.put("m", _write("a")), db.put("m", _write("b"))],
    "create_many": lambda db: db.create_many("m", [_write("b")]),
    "put_many": lambda db: db.put_many("m", [_write("b")]),
    "update_many": lambda db: db.update_many("m", ALL, Changes((), "")),
    "delete_many": lambda db: db.delete_many("m", ALL),
    "find_one_and_update": lambda db: db.find_one_and_update("m", Query(limit=1), Changes((), "")),
    "find_one_and_delete": lambda db: db.find_one_and_delete("m", Query(limit=1)),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_an_operation_is_made_of(name: str) -> None:
    """The table says no less than what the defaults do."""
    made_of = noted(CALLS[name]) - {name}
    assert made_of
    assert made_of <= {
        *BASIS[name],
        *(each for part in BASIS[name] for each in BASIS.get(part, ())),
    }


def test_what_is_derived() -> None:
    assert derived({"create"}, ()) == {"create_many", "put", "put_many"}
    assert derived({"create", "create_many"}, ()) == {"put", "put_many"}
    assert derived({"create"}, {"put"}) == {"create_many"}
    assert derived({"put"}, ()) == {"put_many"}
    assert derived({"delete"}, ()) == {"delete_many", "find_one_and_delete"}
    assert {"scan", "partitions", "count", "aggregate"} <= derived({"find"}, ())
    assert derived({"find", "scan"}, ()).isdisjoint({"scan", "partitions"})
    assert derived({"drop"}, ()) == set()


class Shouting(Wrapper):
    """Its documents are created with a field more."""

    def create(self, model: str, write: Write) -> Document:
        changed = write.with_fields({**write.fields, "loud": True})
        return self.inner.create(model, changed)


def test_nothing_bypasses_a_wrapper(tmp_path: Any) -> None:
    """SQLite has a native bulk call; it is not used past a wrapper that overrides `create`."""
    with interstore.connect(database=Shouting(sqlite(tmp_path))) as store:
        store.create("m", {"id": "a"})
        store.create_many("m", [{"id": "b"}, {"id": "c"}])
        store.put("m", {"id": "d"})
        store.put_many("m", [{"id": "e"}])
        with store.transaction() as tx:
            tx.create_many("m", [{"id": "f"}])
        with store.session() as session:
            session.create("m", {"id": "g"})
        assert store.count("m", {"loud": True}) == 7
        assert not store.capabilities.write_page
        with pytest.raises(UnsupportedError, match="write_page"):
            store.database.write_page("m", [], "upsert")


def test_what_is_not_overridden_costs_nothing() -> None:
    engine: Any = memory()
    wrapped = Operations(Shouting(Shouting(engine)))
    assert wrapped.find_by_id == engine.find_by_id
    assert wrapped.find == engine.find
    assert wrapped.drop == engine.drop
    assert wrapped.create != engine.create


class Passing(Shouting):
    passes = frozenset({"create_many", "write_page"})


def test_what_a_wrapper_lets_pass(tmp_path: Any) -> None:
    with interstore.connect(database=Passing(sqlite(tmp_path))) as store:
        store.create_many("m", [{"id": "b"}])
        store.put_many("m", [{"id": "c"}])
        assert [each.id for each in store.find("m", {"loud": True})] == ["c"]
        assert store.capabilities.write_page


class Nothing(Wrapper):
    pass


class Everything(Interceptor):
    def intercept(self, operation: str, call: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        return call(*args, **kwargs)


class Scoped(Wrapper):
    def around(self, database: Any) -> Any:
        return database


def test_what_only_delegates() -> None:
    assert Nothing(memory()).only_delegates
    assert not Shouting(memory()).only_delegates
    assert not Everything(memory()).only_delegates
    assert not Scoped(memory()).only_delegates


class Finding(Wrapper):
    def find(self, model: str, query: Query) -> Iterable[Document]:
        return self.inner.find(model, query)


def test_an_engine_that_filters_in_core() -> None:
    """What a wrapper finds there is filtered already: once, not twice."""
    engine = TinyDatabase()
    assert engine.capabilities.filter == "core"
    assert Shouting(engine).capabilities.filter == "core"
    assert Finding(engine).capabilities.filter == "native"
    with interstore.connect(database=Finding(engine)) as store:
        store.create_many("m", [{"id": str(n), "n": n} for n in range(9)])
        found = store.find("m", {"n": {"$gt": 2}}, sort="-n", skip=1, limit=2).to_list()
        assert [each["n"] for each in found] == [7, 6]
        assert store.count("m", {"n": {"$gt": 2}}) == 6


def test_capabilities_that_cannot_be_derived() -> None:
    class Every(TinyDatabase):
        capabilities = Capabilities(watch=True, watch_deletes=True, write_page=True)

    assert Finding(Every()).capabilities == Capabilities(write_page=True)
    assert Shouting(Every()).capabilities == Capabilities(watch=True, watch_deletes=True)
    assert Everything(Every()).capabilities == Every.capabilities
    streams = {name for name, _ in WITHDRAWN.values()}
    assert streams | set(PASSING) | set(SEVEN) | set(BASIS) == set(OPERATIONS)
