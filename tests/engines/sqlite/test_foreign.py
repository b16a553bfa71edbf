"""Tables that others made in a SQLite file: every type, views, collations, plans."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from interstore._sync.store import Store
from interstore.errors import (
    ConfigurationError,
    DuplicateError,
    InterstoreError,
    InvalidDocumentError,
    InvalidQueryError,
    UnsupportedError,
)
from tests.databases import sqlite

KEY = UUID("0192d3b4-0000-7000-8000-0123456789ab")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(sqlite(tmp_path)) as store:
        yield store


def run(store: Store, sql: str, *values: Any) -> list[Any]:
    rows: list[Any] = store.native.execute(sql, values).fetchall()
    return rows


def table(store: Store, columns: str, *rows: tuple[Any, ...]) -> None:
    run(store, f"CREATE TABLE t ({columns})")
    for row in rows:
        names = ",".join(column.split()[0] for column in columns.split(", ")[: len(row)])
        run(store, f"INSERT INTO t ({names}) VALUES ({','.join('?' * len(row))})", *row)


def test_types(store: Store) -> None:
    table(
        store,
        "k INTEGER PRIMARY KEY, big BIGINT, f REAL, inf REAL, b BOOLEAN, odd BOOLEAN, blob BLOB, "
        "j JSON, n JSON, u UUID, ub UUID, d DECIMAL(10,2), day DATE, x, "
        "made INT GENERATED ALWAYS AS (big + 1)",
    )
    listed = "k,big,f,inf,b,odd,blob,j,n,u,ub,d,day,x"
    values = (
        1, -(2**63), 1.0, float("-inf"), 1, 7, b"\x00\xff", '{"a": [1.0, 9007199254740993, null]}',
        "5", str(KEY), KEY.bytes, 1.5, "2026-01-31", "NUL \0 and é",
    )  # fmt: skip
    run(store, f"INSERT INTO t ({listed}) VALUES ({','.join('?' * 14)})", *values)
    document = store.foreign("t").get(1)
    assert dict(document) == {
        "id": "1", "big": -(2**63), "f": 1, "inf": "-Infinity", "b": True, "odd": 7,
        "blob": b64encode(b"\x00\xff").decode(), "j": {"a": [1, 9007199254740993, None]},
        "n": 5, "u": str(KEY), "ub": str(KEY), "d": 1.5, "day": "2026-01-31",
        "x": "NUL \0 and é", "made": -(2**63) + 1,
    }  # fmt: skip
    for name, value in document.items():
        if name not in ("j", "x"):
            assert store.foreign("t").count({name: value}) == 1, name
    assert store.foreign("t").count({"blob": b"\x00\xff"}) == 1
    assert store.foreign("t").count({"ub": KEY}) == 1
    assert store.foreign("t").count({"blob": {"$gte": "A"}, "inf": {"$lt": "A"}}) == 1


def test_updates_keep_types(store: Store) -> None:
    table(
        store,
        "k INTEGER PRIMARY KEY, blob BLOB, u UUID, j JSON, f REAL, b BOOLEAN, t TEXT, n NUMERIC",
        (1, b"\x01", KEY.bytes, None, 1.5, 0, "x", 5),
    )
    other = UUID(int=5)
    t = store.foreign("t")
    t.update(1, {"blob": b"\xff", "u": other, "j": {"a": 2**70}, "f": "Infinity", "b": True})
    [row] = run(store, "SELECT * FROM t")
    assert row == (
        1,
        b"\xff",
        other.bytes,
        '{"a": 1180591620717411303424}',
        float("inf"),
        1,
        "x",
        5,
    )
    t.update(1, {"$inc": {"j.a": 1}})
    assert t.get(1)["j"] == {"a": 2**70 + 1}
    t.update(1, {"j": None})
    assert run(store, "SELECT j IS NULL FROM t") == [(1,)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"new": 1}, "no column 'new'; it has 'blob'"),
        ({"$unset": ["t"]}, "set it to None"),
        ({"t": 5}, "does not keep 5: it would become '5'"),
        ({"t": True}, "does not keep True"),
        ({"n": "7"}, "does not keep '7'"),
        ({"t": {"a": 1}}, "only a column declared JSON"),
        ({"blob": "no base64!"}, "base64"),
        ({"n": 2**63}, "64 bits"),
        ({"made": 7}, "the database computes it"),
        ({"req": None}, "constraint"),
        ({"pos": -1}, "constraint"),
        ({"$set": {"t.a": 1}}, "needs an object"),
        ({"$push": {"j.deep": 1}}, "more digits than a double"),
    ],
)
def test_what_a_column_does_not_take(store: Store, changes: Any, message: str) -> None:
    table(
        store,
        "k INTEGER PRIMARY KEY, blob BLOB, t TEXT, n NUMERIC, req INT NOT NULL, "
        "pos INT CHECK (pos > 0), j JSON, made AS (n + 1)",
        (1, b"\x01", "x", 5, 1, 1, '{"v": 0.12345678901234567890123}'),
    )
    before = run(store, "SELECT * FROM t")
    with pytest.raises(InvalidDocumentError, match=message) as refused:
        store.foreign("t").update(1, changes)
    assert (refused.value.model, refused.value.id) == ("t", "1")
    assert run(store, "SELECT * FROM t") == before


def test_a_constraint_is_named(store: Store) -> None:
    table(store, "k INTEGER PRIMARY KEY, u TEXT UNIQUE", (1, "a"), (2, "b"))
    with pytest.raises(DuplicateError) as duplicate:
        store.foreign("t").update(1, {"u": "b"})
    assert duplicate.value.index == "t.u"
    run(store, "CREATE TABLE child (p INT REFERENCES t (k))")
    run(store, "INSERT INTO child VALUES (1)")
    with pytest.raises(InvalidDocumentError, match="FOREIGN KEY"):
        store.foreign("t").delete(1)
    assert store.foreign("t").delete(2)


def test_triggers_are_seen(store: Store) -> None:
    table(store, "k INTEGER PRIMARY KEY, n INT, seen INT", (1, 1, 0))
    run(
        store,
        "CREATE TRIGGER counts AFTER UPDATE OF n ON t BEGIN UPDATE t SET seen = seen + 1; END",
    )
    assert store.foreign("t").update(1, {"n": 2}) == {"id": "1", "n": 2, "seen": 1}


# Ids.


def test_the_default_id_is_the_primary_key(store: Store) -> None:
    run(store, "CREATE TABLE two (a INT, b INT, PRIMARY KEY (a, b))")
    with pytest.raises(ConfigurationError, match=r"'a' and 'b'; name one .*'a', 'b'"):
        store.foreign("two").find().first()
    run(store, "CREATE TABLE none (a INT)")
    with pytest.raises(ConfigurationError, match="no primary key"):
        store.foreign("none").find().first()
    with pytest.raises(ConfigurationError, match="'c', which does not exist; there are 'a'"):
        store.foreign("none", id="c").find().first()
    with pytest.raises(ConfigurationError, match="rename= names a column 'c'"):
        store.foreign("none", id="a", rename={"c": "d"}).find().first()
    with pytest.raises(ConfigurationError, match="leave it out of rename"):
        store.foreign("none", id="a", rename={"a": "d"}).find().first()


def test_a_column_named_id(store: Store) -> None:
    table(store, "number INTEGER PRIMARY KEY, id TEXT", (1, "x"))
    with pytest.raises(ConfigurationError, match=r"rename=\{'id': \.\.\.\}"):
        store.foreign("t").get(1)
    assert store.foreign("t", rename={"id": "ext_id"}).get(1) == {"id": "1", "ext_id": "x"}
    run(store, "CREATE UNIQUE INDEX by_id ON t (id)")
    other = store.foreign("t", id="id")
    assert other.get("x") == {"id": "x", "number": 1}
    assert other.update("x", {"$inc": {"number": 1}})["number"] == 2


def test_ids_of_another_type(store: Store) -> None:
    table(store, "k PRIMARY KEY, n INT", (1, 1), ("a", 2))
    t = store.foreign("t")
    with pytest.raises(ConfigurationError, match=r"'k' holds 'a', a text, .* type 'int'"):
        t.find().to_list()
    assert t.get(1)["n"] == 1
    run(store, "INSERT INTO t VALUES (NULL, 3)")
    for sort in ("id", "-id"):
        with pytest.raises(ConfigurationError, match="holds NULL"):
            t.find({"n": 1}, sort=sort).to_list()
    with pytest.raises(ConfigurationError, match="no ObjectIds"):
        store.foreign("t", id_type="objectid").find().first()


@pytest.mark.parametrize("stored", [str, lambda key: key.bytes], ids=["text", "blob"])
def test_uuids(store: Store, stored: Any) -> None:
    keys = [UUID(int=n << 100) for n in (3, 1, 2)]
    table(store, "k BLOB PRIMARY KEY, n INT", *((stored(key), key.int >> 100) for key in keys))
    t = store.foreign("t", id_type="uuid")
    assert [each["n"] for each in t.find()] == [1, 2, 3]
    assert t.get(keys[0])["n"] == 3
    assert t.get(str(keys[0]))["n"] == 3
    assert t.update(keys[1], {"n": 9})["n"] == 9
    assert t.count({"id": keys[2]}) == 1
    with pytest.raises(InvalidQueryError, match="UUID in lower case"):
        t.get(str(keys[0]).upper() + "A")


def test_texts_in_another_collation(store: Store) -> None:
    table(
        store,
        "k TEXT COLLATE NOCASE, n INT",
        *((text, n) for n, text in enumerate(["a", "A", "B", "b", " odd", "é", "x" * 300])),
    )
    run(store, "CREATE UNIQUE INDEX exact ON t (k COLLATE BINARY)")
    t = store.foreign("t", id="k")
    walked, token = [], None
    while True:
        page = t.page(limit=1, after=token)
        walked += [each.id for each in page.documents]
        token = page.next
        if token is None:
            break
    assert walked == [" odd", "A", "a", "B", "b", "x" * 300, "é"]
    assert walked[::-1] == [each.id for each in t.find(sort="-id")]
    assert t.get("A")["n"] == 1
    assert t.get(" odd")["n"] == 4
    assert t.find_by_id("É") is None
    t.update("A", {"n": 100})
    assert t.delete("b")
    assert run(store, "SELECT n FROM t WHERE n IN (0, 100, 2, 3)") == [(0,), (100,), (2,)]
    assert t.count({"id": {"$gte": "a"}}) == 3


def test_an_id_that_stands_twice(store: Store) -> None:
    table(store, "k INT, n INT", (1, 1), (2, 1), (2, 2), (3, 1))
    t = store.foreign("t", id="k")
    call: Callable[[], object]
    for call in (lambda: t.find().to_list(), lambda: t.page(limit=2), lambda: t.get(2)):
        with pytest.raises(ConfigurationError, match="'2' stands in more than one row"):
            call()
    for call in (lambda: t.update(1, {"n": 5}), lambda: t.delete(1)):
        with pytest.raises(UnsupportedError, match="unique index"):
            call()


# What is opened.


def test_views_are_read(store: Store) -> None:
    table(store, "k INTEGER PRIMARY KEY, n INT", (1, 10), (2, 20))
    run(store, "CREATE VIEW v AS SELECT k, n * 2 AS twice FROM t")
    view = store.foreign("v", id="k")
    assert view.find({"twice": {"$gt": 20}}).to_list() == [{"id": "2", "twice": 40}]
    for call in (lambda: view.update(1, {"twice": 1}), lambda: view.delete(1)):
        with pytest.raises(UnsupportedError, match="it is a view"):
            call()


def test_what_is_not_foreign(store: Store) -> None:
    store.create("users", {"id": "a"})
    for name in ("users", "interstore_models"):
        with pytest.raises(ConfigurationError, match="Interstore's own"):
            store.foreign(name).find().first()
    with pytest.raises(ConfigurationError, match=r"no such table or view; there are none$"):
        store.foreign("x").find().first()
    table(store, "k INTEGER PRIMARY KEY, id TEXT", (1, "x"))
    with pytest.raises(ConfigurationError, match="no such table or view; did you mean 't'"):
        store.foreign("T").find().first()
    with pytest.raises(ConfigurationError, match="id= names a column 'nr', which does not exist"):
        store.foreign("t", id="nr").get(1)


def test_a_table_that_is_altered(store: Store) -> None:
    table(store, "k INTEGER PRIMARY KEY, n INT", (1, 1))
    t = store.foreign("t")
    assert t.get(1) == {"id": "1", "n": 1}
    run(store, "ALTER TABLE t ADD COLUMN more TEXT DEFAULT 'x'")
    assert t.get(1) == {"id": "1", "n": 1, "more": "x"}
    run(store, "ALTER TABLE t RENAME COLUMN n TO m")
    assert t.get(1) == {"id": "1", "m": 1, "more": "x"}


def test_names_of_any_kind(store: Store) -> None:
    name, column = "Order Details; --", "a\"b'c; DROP TABLE t"
    quoted, of = name.replace('"', '""'), column.replace('"', '""')
    run(store, f'CREATE TABLE "{quoted}" ("k" INTEGER PRIMARY KEY, "{of}" TEXT)')
    run(store, f'INSERT INTO "{quoted}" VALUES (1, ?)', "x")
    t = store.foreign(name)
    assert t.find({(column,): "x"}).to_list() == [{"id": "1", column: "x"}]
    assert t.update(1, {column: "y"})[column] == "y"


def test_invalid_json(store: Store) -> None:
    table(store, "k INTEGER PRIMARY KEY, j JSON", (1, "{oops"))
    with pytest.raises(InterstoreError, match=r"'j' is declared JSON and holds '\{oops'"):
        store.foreign("t").get(1)


# Plans.


@pytest.mark.parametrize(
    ("filter", "plan"),
    [
        ({"id": "5"}, "SEARCH t USING INTEGER PRIMARY KEY"),
        ({"id": {"$gt": "5"}}, "SEARCH t USING INTEGER PRIMARY KEY"),
        ({"name": "x"}, "SEARCH t USING INDEX t_name (name=?)"),
        ({"name": {"$in": ["x", "y"]}}, "SEARCH t USING INDEX t_name (name=?)"),
        ({"name": None}, "SEARCH t USING INDEX t_name (name=?)"),
    ],
    ids=str,
)
def test_indexes_are_used(store: Store, filter: Any, plan: str) -> None:
    table(store, "k INTEGER PRIMARY KEY, name TEXT, n INT")
    run(store, "CREATE INDEX t_name ON t (name)")
    run(store, "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 3000) "
        "INSERT INTO t SELECT x, 'name ' || x, x FROM c")  # fmt: skip
    run(store, "ANALYZE")
    seen: list[str] = []
    view = store.foreign("t")
    view.count()
    statements: list[str] = []
    cursor = view.database.database._connections.take()  # type: ignore[attr-defined]
    cursor.connection.set_trace_callback(statements.append)
    view.database.database._connections.give(cursor)  # type: ignore[attr-defined]
    view.find(filter, limit=5).to_list()
    cursor.connection.set_trace_callback(None)
    for statement in statements:
        if statement.startswith("SELECT"):
            seen += [row[3] for row in run(store, f"EXPLAIN QUERY PLAN {statement}")]
    assert any(plan in step for step in seen), seen
