"""Transactions on SQLite: who waits, what a fork inherits, and what an error of the disk leaves."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from interstore._sync.store import Store
from interstore.errors import (
    DuplicateError,
    OperationTimeoutError,
    UnavailableError,
    UnsupportedError,
)
from interstore_backends.sqlite.database import SQLiteDatabase
from interstore_backends.sqlite.settings import SQLiteSettings
from tests.engines.sqlite.support import Open
from tests.forking import in_a_fork
from tests.patience import no_hang


def store_of(database: SQLiteDatabase) -> Store:
    store = Store(database)
    store.connect()
    return store


def test_other_writers_wait(opened: Open) -> None:
    store = store_of(opened())
    store.create("m", {"id": "a", "n": 0})
    begun = threading.Event()

    def write() -> None:
        begun.wait(30)
        store.update("m", "a", {"$inc": {"n": 10}})

    thread = threading.Thread(target=write)
    thread.start()
    with store.transaction() as tx:
        seen = tx.get("m", "a")["n"]
        begun.set()
        assert store.get("m", "a")["n"] == 0, "reading waits for nobody"
        tx.update("m", "a", {"n": seen + 1})
    thread.join()
    assert store.get("m", "a")["n"] == 11


def test_who_waits_too_long(opened: Open) -> None:
    store = store_of(opened(timeout=0.3))
    store.create("m", {"id": "a"})

    def nothing() -> None:
        with store.transaction():
            pass

    with store.transaction() as tx:
        tx.create("m", {"id": "b"})
        with no_hang(), pytest.raises(OperationTimeoutError, match="locked by other writers"):
            store.create("m", {"id": "c"})
        with no_hang(), pytest.raises(OperationTimeoutError, match="locked by other writers"):
            nothing()
    assert store.count("m") == 2


def test_a_database_in_memory_has_none(opened: Open) -> None:
    store = store_of(opened(path=":memory:"))
    with pytest.raises(UnsupportedError, match="sqlite does not support transaction"):
        store.transaction()


def test_what_an_index_refuses(opened: Open) -> None:
    store = store_of(opened())
    store.ensure_index("m", "email", type="string", unique=True)
    with store.transaction() as tx:
        tx.create("m", {"id": "a", "email": "a@b"})
        with pytest.raises(DuplicateError):
            tx.create("m", {"id": "b", "email": "a@b"})
        result = tx.put_many(
            "m", [{"id": "c", "email": "c@b"}, {"id": "d", "email": "a@b"}], on_error="report"
        )
        assert [outcome.error is None for outcome in result.outcomes] == [True, False]
    assert [document.id for document in store.find("m")] == ["a", "c"]


def test_a_model_that_was_undone(opened: Open) -> None:
    store, other = store_of(opened()), store_of(opened())

    def fail() -> None:
        with store.transaction() as tx:
            tx.create("m", {"id": "a"})
            assert tx.models() == ["m"]
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert store.models() == []
    other.create("m", {"id": "b"})
    with store.transaction() as tx:
        tx.create("m", {"id": "a"})
    assert store.count("m") == 2


def test_a_full_disk_undoes_it(opened: Open) -> None:
    store = store_of(opened())
    store.create("m", {"id": "a"})

    def fill() -> None:
        with store.transaction() as tx:
            tx.create("m", {"id": "b"})
            cursor = tx.database.database._connections.take()  # type: ignore[attr-defined]
            cursor.execute("PRAGMA max_page_count = 20")
            tx.database.database._connections.give(cursor)  # type: ignore[attr-defined]
            for _ in range(2):
                with pytest.raises(UnavailableError):
                    tx.create_many("m", [{"text": "x" * 5000} for _ in range(100)])

    try:
        fill()
    except UnavailableError as error:
        assert "nothing of it is applied" in str(error)  # noqa: PT017 (it may have gone on)
        assert store.count("m") == 1
    else:
        assert store.count("m") == 2


def test_a_fork_within(opened: Open, path: str) -> None:
    store = store_of(opened())
    store.create("m", {"id": "a"})
    with store.transaction() as tx:
        tx.create("m", {"id": "b"})

        def child() -> None:
            for each in (tx, store):
                with pytest.raises(UnavailableError, match="transaction"):
                    each.count("m")

        assert in_a_fork(child) == 0
        tx.create("m", {"id": "c"})
    assert store.count("m") == 3
    assert in_a_fork(lambda: _check_count(store, 3)) == 0
    with store_of_path(path) as other:
        assert other.count("m") == 3


def _check_count(store: Store, number: int) -> None:
    with store.transaction() as tx:
        assert tx.count("m") == number


def store_of_path(path: str) -> Store:
    assert Path(path).exists()
    return Store(SQLiteDatabase(SQLiteSettings(path=path)))
