"""Tables that others made in PostgreSQL: every type, schemas, views, collations, plans."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest

from interstore._sync.foreign import Foreign
from interstore._sync.store import Store
from interstore.errors import (
    ConfigurationError,
    DuplicateError,
    InvalidDocumentError,
    InvalidQueryError,
    UnsupportedError,
)
from interstore_backends.postgresql._sync.database import PostgreSQLDatabase
from tests.databases import postgresql
from tests.engines.postgresql import support

KEY = UUID("0192d3b4-0000-7000-8000-0123456789ab")


@pytest.fixture
def store(postgresql_url: str) -> Iterator[Store]:
    with Store(postgresql(postgresql_url)) as store:
        yield store


def run(store: Store, sql: str, *values: Any) -> list[Any]:
    database = store.database.database
    assert isinstance(database, PostgreSQLDatabase)
    return support.run(database, sql, *values)


TYPES = {
    # column: (type, what SQL says, what documents have)
    "i2": ("smallint", "-32768", -32768),
    "i8": ("bigint", "9223372036854775807", 2**63 - 1),
    "oid": ("oid", "4294967295", 2**32 - 1),
    "num": ("numeric", "123456789012345678901234567890.1200", "123456789012345678901234567890.12"),
    "num2": ("numeric(10,2)", "1.50", "1.5"),
    "nan": ("numeric", "'NaN'", "NaN"),
    "f8": ("float8", "0.1", 0.1),
    "f8i": ("float8", "3", 3),
    "inf": ("float8", "'-Infinity'", "-Infinity"),
    "f4": ("real", "0.1", 0.1),
    "b": ("boolean", "true", True),
    "t": ("text", "E'é \"\\\\ \\n x'", 'é "\\ \n x'),
    "vc": ("varchar(5)", "'abc'", "abc"),
    "c": ("char(5)", "'abc'", "abc"),
    "nm": ("name", "'abc'", "abc"),
    "tz": ("timestamptz", "'2026-01-31 12:00:00.5+02'", "2026-01-31T10:00:00.500000Z"),
    "tzi": ("timestamptz", "'infinity'", "infinity"),
    "tzb": ("timestamptz", "'0044-03-15 12:00:00+00 BC'", "0044-03-15 12:00:00+00 BC"),
    "ts": ("timestamp", "'2026-01-31 12:00:00'", "2026-01-31T12:00:00.000000"),
    "d": ("date", "'2026-01-31'", "2026-01-31"),
    "dl": ("date", "'12026-01-31'", "12026-01-31"),
    "ti": ("time", "'12:00'", "12:00:00.000000"),
    "iv": ("interval", "'1 month 90 minutes'", "1 mon 01:30:00"),
    "u": ("uuid", f"'{KEY}'", str(KEY)),
    "by": ("bytea", "'\\x00ff5c27'", b64encode(b"\x00\xff\\'").decode()),
    "bl": ("bytea", "decode(repeat('00ff', 200), 'hex')", b64encode(b"\x00\xff" * 200).decode()),
    "j": ("json", "'{\"b\": [1.0, 2e30]}'", {"b": [1, 2e30]}),
    "jb": ("jsonb", "'{\"a\": [18446744073709551617, null, 1.50]}'", {"a": [2**64 + 1, None, 1.5]}),
    "jn": ("jsonb", "'null'", None),
    "a": ("int[]", "'{1,NULL,3}'", [1, None, 3]),
    "aa": ("text[]", '\'{{a,"b,c"},{NULL,""}}\'', [["a", "b,c"], [None, ""]]),
    "an": ("numeric[]", "'{1.50,NaN}'", ["1.5", "NaN"]),
    "at": ("timestamptz[]", "'{2026-01-31 12:00:00+00}'", ["2026-01-31T12:00:00.000000Z"]),
    "ab": ("bytea[]", "ARRAY['\\x00ff5c27'::bytea]", [b64encode(b"\x00\xff\\'").decode()]),
    "aj": ("jsonb[]", "ARRAY['{\"a\": 1}'::jsonb, 'null']", [{"a": 1}, None]),
    "mood": ("mood", "'sad'", "sad"),
    "money": ("money", "'12.34'", "12.34"),
    "ip": ("inet", "'10.0.0.1/8'", "10.0.0.1/8"),
    "r": ("int4range", "'[1,5)'", "[1,5)"),
    "dom": ("positive", "7", 7),
    "comp": ("pair", "'(1,\"x,y\")'", '(1,"x,y")'),
    "bits": ("bit(4)", "B'0101'", "0101"),
}


@pytest.fixture
def types(store: Store) -> Store:
    run(store, "CREATE TYPE mood AS ENUM ('sad', 'ok')")
    run(store, "CREATE DOMAIN positive AS bigint CHECK (value > 0)")
    run(store, "CREATE TYPE pair AS (a int, b text)")
    columns = ",".join(f"{name} {type}" for name, (type, _, _) in TYPES.items())
    run(store, f"CREATE TABLE t (k int PRIMARY KEY, {columns})")
    run(store, f"INSERT INTO t VALUES (1, {','.join(sql for _, sql, _ in TYPES.values())})")
    run(store, "INSERT INTO t VALUES (2)")
    return store


def test_types(types: Store) -> None:
    t = types.foreign("t")
    wanted = {name: value for name, (_, _, value) in TYPES.items()}
    document = t.get(1)
    for name, value in wanted.items():
        assert document[name] == value, name
        assert type(document[name]) is type(value), name
    assert t.get(2) == {"id": "2", **dict.fromkeys(wanted)}


def test_filters_on_types(types: Store) -> None:
    for name, (_, _, value) in TYPES.items():
        if not isinstance(value, (dict, list)):
            _check_filters(types.foreign("t"), name, value)


def _check_filters(t: Foreign, name: str, value: Any) -> None:
    assert t.count({name: value}) == (2 if value is None else 1)
    assert t.count({name: None}) == (2 if value is None else 1)
    assert t.count({name: {"$in": [value, "other", 10**30, 0.3, True]}}) >= 1
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        assert t.count({name: {"$gte": value}}) == 1
        assert t.count({name: {"$lte": value}}) == 1
        assert t.count({name: {"$lt": value}}) == 0
        assert t.count({name: {"$gt": value}}) == 0
    for odd in ("9999-12-31T00:00:00.000000Z", "2026-01-31", "2026-02-30", "x", "", "0", "\x7f"):
        less = isinstance(value, str) and value < odd
        assert t.count({name: {"$lt": odd}}) == less, (name, odd)
        assert t.count({name: odd}) == (1 if value == odd else 0), odd


def test_operands_of_python(types: Store) -> None:
    t = types.foreign("t")
    for name, value in {
        "num2": Decimal("1.500"), "u": KEY, "by": b"\x00\xff\\'", "d": date(2026, 1, 31),
        "ti": time(12), "tz": datetime(2026, 1, 31, 10, 0, 0, 500_000, tzinfo=UTC),
    }.items():  # fmt: skip
        assert t.count({name: value}) == 1, name
    assert t.count({"tz": {"$gt": datetime(2026, 1, 31, tzinfo=UTC), "$lt": "2026-02"}}) == 1
    assert t.count({"ts": {"$gte": datetime(2026, 1, 31, 11, tzinfo=UTC)}}) == 1
    assert t.count({"d": {"$lt": datetime(2026, 1, 31, 11, tzinfo=UTC)}}) == 1
    assert t.count({"f4": {"$lte": 0.1}}) == 1


def test_every_type_is_written_back(types: Store) -> None:
    t = types.foreign("t")
    for name in TYPES.keys() - {"j", "jn"}:
        value = TYPES[name][2]
        assert t.update(2, {name: value})[name] == value
        [[one, other]] = run(
            types, f"SELECT a.{name}::text, b.{name}::text FROM t a, t b WHERE a.k = 1 AND b.k = 2"
        )
        if name not in ("num", "an", "jb", "aj"):  # of which zeros, and kinds of null, are lost
            assert one == other
        assert t.update(1, {name: None})[name] is None


def test_updates_of_python_values(types: Store) -> None:
    at = datetime(2027, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    changes = {
        "num2": Decimal("2.50"), "u": UUID(int=5), "by": b"\xff", "d": date(2027, 1, 2),
        "ti": time(3, 4), "tz": at, "at": [at], "dom": 9, "mood": "ok", "f8": 2**53,
    }  # fmt: skip
    types.foreign("t").update(1, {"$set": changes, "$push": {"a": 2**31 - 1, "j.b": "x"}})
    sql = "SELECT num2::text, by = '\\xff', tz::text, a::text FROM t WHERE k = 1"
    assert run(types, sql) == [
        ("2.50", True, "2027-01-02 03:04:05.000006+00", "{1,NULL,3,2147483647}")
    ]
    t = types.foreign("t")
    assert t.update(1, {"$inc": {"i2": 1, "f4": 0.4, "jb.n": 2**52}})["i2"] == -32767
    with pytest.raises(InvalidDocumentError):
        t.update(1, {"$inc": {"i8": 1}})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"new": 1}, "no column 'new'; it has 'i2'"),
        ({"$unset": ["t"]}, "set it to None"),
        ({"t": 5}, "of type text, which cannot hold 5: it takes a string"),
        ({"i2": "5"}, "takes an integer"),
        ({"i2": 1.5}, "takes an integer"),
        ({"i2": 40000}, "out of range"),
        ({"b": 1}, "takes true or false"),
        ({"vc": "too long"}, "too long"),
        ({"num2": "1.239"}, "does not keep '1.239': it would become '1.24'"),
        ({"f4": 0.123456789}, "does not keep"),
        ({"tz": "2026-01-31T12:00:00"}, "time zone"),
        ({"ts": datetime(2026, 1, 31, tzinfo=UTC)}, "the column has none"),
        ({"u": "x"}, "a UUID"),
        ({"by": "not base64"}, "base64"),
        ({"a": ["x"]}, "takes an integer"),
        ({"a": 5}, "takes a list"),
        ({"mood": "glad"}, "invalid input value for enum"),
        ({"dom": -1}, "positive_check"),
        ({"$set": {"t.a": 1}}, "needs an object"),
        ({"$push": {"jl.b": 1}}, "more digits than a double"),
    ],
    ids=str,
)
def test_what_a_column_does_not_take(types: Store, changes: Any, message: str) -> None:
    run(types, "ALTER TABLE t ADD jl jsonb DEFAULT '{\"v\": 0.12345678901234567890123}'")
    with pytest.raises(InvalidDocumentError, match=message) as refused:
        types.foreign("t").update(1, changes)
    assert (refused.value.model, refused.value.id) == ("t", "1")
    assert types.foreign("t").get(1)["i8"] == 2**63 - 1


def test_a_constraint_is_named(store: Store) -> None:
    run(
        store,
        "CREATE TABLE t (k int PRIMARY KEY, u text UNIQUE, "
        "made int GENERATED ALWAYS AS (1) STORED)",
    )
    run(store, "INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    run(store, "CREATE TABLE child (p int REFERENCES t (k))")
    run(store, "INSERT INTO child VALUES (1)")
    t = store.foreign("t")
    with pytest.raises(DuplicateError) as duplicate:
        t.update(1, {"u": "b"})
    assert duplicate.value.index == "t_u_key"
    with pytest.raises(InvalidDocumentError, match="foreign key"):
        t.delete(1)
    with pytest.raises(InvalidDocumentError, match="'made'"):
        t.update(1, {"made": 5})
    assert t.delete(2)


# Names and ids.


def test_schemas_and_names(store: Store) -> None:
    run(store, "CREATE SCHEMA sales")
    run(store, 'CREATE TABLE sales."Order Details; --" (k int PRIMARY KEY, "a""b\'c" text)')
    run(store, "INSERT INTO sales.\"Order Details; --\" VALUES (1, 'x')")
    t = store.foreign("sales.Order Details; --")
    assert t.find({("a\"b'c",): "x"}).to_list() == [{"id": "1", "a\"b'c": "x"}]
    assert t.update(1, {"a\"b'c": "y"})["a\"b'c"] == "y"
    run(store, 'CREATE TABLE "sales.x" (k int PRIMARY KEY)')
    assert store.foreign("sales.x").count() == 0
    with pytest.raises(ConfigurationError, match=r"did you mean 'sales\.x'\?$"):
        store.foreign("sales.y").find().first()


def test_the_default_id_is_the_primary_key(store: Store) -> None:
    run(store, "CREATE TABLE two (b int, a int, PRIMARY KEY (a, b), id text)")
    with pytest.raises(ConfigurationError, match=r"'a' and 'b'; name one .*'b', 'a', 'id'"):
        store.foreign("two").find().first()
    with pytest.raises(ConfigurationError, match=r"rename=\{'id'"):
        store.foreign("two", id="a").find().first()
    run(store, "CREATE TABLE none (a date, n numeric)")
    for arguments, message in {
        (None, None): "no primary key",
        ("c", None): "'c', which does not exist; there are 'a', 'n'",
        ("a", None): "of type date, which is no id",
        ("n", None): "casts it to bigint",
    }.items():
        with pytest.raises(ConfigurationError, match=message):
            store.foreign("none", id=arguments[0]).find().first()
    run(store, "CREATE TABLE t (k int PRIMARY KEY)")
    with pytest.raises(ConfigurationError, match="of type integer: id_type is 'int', not 'uuid'"):
        store.foreign("t", id_type="uuid").find().first()


def test_uuids(store: Store) -> None:
    run(store, "CREATE TABLE t (k uuid PRIMARY KEY, n int)")
    keys = [UUID(int=n << 100) for n in (3, 1, 2)]
    for key in keys:
        run(store, "INSERT INTO t VALUES ($1::text::uuid, $2::text::int)".replace("$1", f"'{key}'")
            .replace("$2", f"'{key.int >> 100}'"))  # fmt: skip
    t = store.foreign("t")
    assert [each["n"] for each in t.find()] == [1, 2, 3]
    assert t.get(keys[0])["n"] == 3
    assert t.update(str(keys[1]), {"n": 9})["n"] == 9
    assert t.count({"id": {"$gt": str(keys[1])}}) == 2
    with pytest.raises(InvalidQueryError, match="UUID in lower case"):
        t.get("x")


@pytest.mark.parametrize("type", ["text", "varchar(300)", 'text COLLATE "C"', "nocase"])
def test_texts(store: Store, type: str) -> None:
    """In a collation that is not that of code points, in that, and in one that ignores case."""
    if type == "nocase":
        try:
            run(store, "CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', "
                "deterministic = false)")  # fmt: skip
        except psycopg.errors.FeatureNotSupported:
            pytest.skip("a server built without ICU")
        type = "text COLLATE nocase"
    run(store, f"CREATE TABLE t (k {type} NOT NULL, n int)")
    run(store, 'CREATE UNIQUE INDEX by_k ON t (k COLLATE "C")')
    texts = ["a", "A", "B", "b", " odd", "é", "x" * 300, "e", "-", "_a"]
    for n, text in enumerate(texts):
        run(store, f"INSERT INTO t VALUES ('{text}', {n})")
    t = store.foreign("t", id="k")
    walked, token = [], None
    while True:
        page = t.page(limit=1, after=token)
        walked += [each.id for each in page.documents]
        token = page.next
        if token is None:
            break
    assert sorted(walked) == sorted(texts)
    assert walked[::-1] == [each.id for each in t.find(sort="-id")]
    for n, text in enumerate(texts):
        assert t.get(text)["n"] == n
        assert t.count({"id": text}) == 1
        assert t.count({"id": {"$gte": text}}) == len([each for each in texts if each >= text])
    assert t.find_by_id("É") is None
    assert len([each for each in t.find_by_ids(["a", "E", "e"]) if each]) == 2
    t.update("A", {"n": 100})
    assert t.delete("b")
    assert [
        row for (row,) in run(store, "SELECT n FROM t WHERE n IN (0, 100, 2, 3) ORDER BY n")
    ] == [0, 2, 100]


def test_views(store: Store) -> None:
    run(store, "CREATE TABLE t (k int PRIMARY KEY, n int)")
    run(store, "INSERT INTO t VALUES (1, 10), (2, 20)")
    run(store, "CREATE VIEW v AS SELECT k, n * 2 AS twice FROM t")
    run(store, "CREATE MATERIALIZED VIEW m AS SELECT * FROM v")
    for name in ("v", "m"):
        view = store.foreign(name, id="k")
        assert view.find({"twice": {"$gt": 20}}).to_list() == [{"id": "2", "twice": 40}]
        assert len(view.database.partitions("v", 2)) == 2
        with pytest.raises(UnsupportedError, match="it is a view"):
            view.update(1, {"twice": 1})
        with pytest.raises(UnsupportedError, match="it is a view"):
            view.delete(1)
    run(store, "CREATE VIEW nulls AS SELECT NULLIF(k, 2) AS k FROM t")
    with pytest.raises(ConfigurationError, match="holds NULL"):
        store.foreign("nulls", id="k").find().to_list()
    run(store, "CREATE VIEW twice AS SELECT 1 AS k FROM t")
    twice = store.foreign("twice", id="k")
    call: Callable[[], object]
    for call in (lambda: twice.find().to_list(), lambda: twice.page(limit=1), lambda: twice.get(1)):
        with pytest.raises(ConfigurationError, match="'1' stands in more than one row"):
            call()


def test_without_a_unique_index(store: Store) -> None:
    run(store, "CREATE TABLE t (k int NOT NULL, n int)")
    run(store, "INSERT INTO t VALUES (1, 10)")
    t = store.foreign("t", id="k")
    assert t.get(1) == {"id": "1", "n": 10}
    with pytest.raises(UnsupportedError, match="unique index"):
        t.update(1, {"n": 1})


def test_what_is_not_foreign(store: Store) -> None:
    store.create("users", {"id": "a"})
    for name in ("users", "interstore_models", "public.users"):
        with pytest.raises(ConfigurationError, match="Interstore's own"):
            store.foreign(name).find().first()


def test_a_name_with_a_typo(store: Store) -> None:
    run(store, "CREATE SCHEMA sales")
    run(store, "CREATE TABLE sales.orders (id int PRIMARY KEY, n int)")
    store.create("sales_order", {"id": "a"})
    for name in ("sales.order", "Sales.Orders", "orders"):
        with pytest.raises(ConfigurationError, match=r"did you mean 'sales\.orders'\?$"):
            store.foreign(name).get(1)
    with pytest.raises(ConfigurationError, match=r"there are sales\.orders$"):
        store.foreign("x").get(1)
    with pytest.raises(ConfigurationError, match="id= names a column 'nr', which does not exist"):
        store.foreign("sales.orders", id="nr").get(1)


def test_a_row_that_is_refused_is_not_quoted(store: Store) -> None:
    run(store, "CREATE TABLE t (k int PRIMARY KEY, n int NOT NULL, private text)")
    run(store, "INSERT INTO t VALUES (1, 10, 'CANARY')")
    with pytest.raises(InvalidDocumentError, match='null value in column "n"') as caught:
        store.foreign("t").update(1, {"n": None})
    assert "CANARY" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_table_that_is_altered(store: Store) -> None:
    run(store, "CREATE TABLE t (k int PRIMARY KEY, n int)")
    run(store, "INSERT INTO t VALUES (1, 10)")
    t = store.foreign("t")
    assert t.get(1) == {"id": "1", "n": 10}
    run(store, "ALTER TABLE t RENAME n TO m")
    assert t.get(1) == {"id": "1", "m": 10}
    assert t.update(1, {"m": 11})["m"] == 11
    run(store, "DROP TABLE t")
    with pytest.raises(ConfigurationError, match="no such table"):
        t.get(1)


def test_in_a_session(store: Store) -> None:
    run(store, "CREATE TABLE t (k int PRIMARY KEY, n int)")
    run(store, "INSERT INTO t VALUES (1, 10)")
    with store.session() as session:
        assert session.foreign("t").update(1, {"$inc": {"n": 1}})["n"] == 11


# Plans.


@pytest.mark.parametrize(
    ("filter", "plan"),
    [
        ({"id": "5"}, "t_pkey"),
        ({"id": {"$gt": "2990"}}, "t_pkey"),
        ({"name": "name 5"}, "t_name"),
        ({"name": {"$in": ["name 5", "x"]}}, "t_name"),
        ({"name": None}, "t_name"),
        ({"n": {"$gt": 2990.5}, "name": {"$ne": "x"}}, "t_n"),
        ({"at": {"$lt": datetime(2000, 1, 1, 0, 5, tzinfo=UTC)}}, "t_at"),
        ({"name": {"$startsWith": "name 7"}, "n": 5}, "t_n"),
    ],
    ids=str,
)
def test_indexes_are_used(store: Store, filter: Any, plan: str) -> None:
    run(store, "CREATE TABLE t (k int PRIMARY KEY, name text, n bigint, at timestamptz)")
    run(store, "INSERT INTO t SELECT x, 'name ' || x, x, '2000-01-01Z'::timestamptz + x * interval "
        "'1 minute' FROM generate_series(1, 3000) x")  # fmt: skip
    for column in ("name", "n", "at"):
        run(store, f"CREATE INDEX t_{column} ON t ({column})")
    run(store, "ANALYZE t")
    view = store.foreign("t")
    view.count()
    connections = view.database.database._connections  # type: ignore[attr-defined]
    plans: list[str] = []
    read = connections.read

    def explained(sql: str, values: Any = (), **more: Any) -> Any:
        plans.extend(row[0] for row in read(f"EXPLAIN {sql}", values))
        return read(sql, values, **more)

    connections.read = explained
    view.find(filter).to_list()
    del connections.read
    assert any(plan in step for step in plans), plans
