"""Indexes are built while others write, by one at a time, whatever interrupts it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from threading import Event
from typing import Any
from unittest.mock import patch

import psycopg
import pytest

from interstore.errors import (
    ConfigurationError,
    DuplicateError,
    InvalidDocumentError,
    OperationTimeoutError,
    PermissionDeniedError,
    UnavailableError,
)
from interstore.filters.tree import ALL
from interstore.indexes import Index, parse_index
from interstore.prepared import Write, WriteMode
from interstore_backends.postgresql._sync.building import Builder
from interstore_backends.postgresql._sync.database import PostgreSQLDatabase
from interstore_backends.postgresql.schema import Registry
from interstore_backends.postgresql.values import Indexed
from tests.databases import postgresql, postgresql_async
from tests.engines.postgresql.support import Open, changes, fill, ids, query, run, write
from tests.engines.postgresql.test_concurrency import at_once


def index(*paths: Any, type: Any = None, unique: bool = False, list: bool = False) -> Index:
    return parse_index(paths, type, unique, list)


def built(database: PostgreSQLDatabase) -> dict[str, bool]:
    """The indexes in the schema by name, without the keys; whether each can be used."""
    rows = run(
        database,
        "SELECT relname, indisvalid FROM pg_index JOIN pg_class c ON c.oid = indexrelid "
        "WHERE relnamespace = 'public'::regnamespace AND NOT indisprimary ORDER BY 1",
    )
    return dict(rows)


def traces(database: PostgreSQLDatabase) -> tuple[int, int, int]:
    """How many indexes, constraints and declarations there are."""
    [[constraints]] = run(database, "SELECT count(*) FROM pg_constraint WHERE contype = 'c'"
                          " AND conrelid = to_regclass('m')")  # fmt: skip
    [[declared]] = run(database, "SELECT count(*) FROM interstore_indexes")
    return len(built(database)), constraints, declared


def until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def until_it_waits(database: PostgreSQLDatabase) -> None:
    """Until a build is as good as done, and waits for an old snapshot."""
    sql = "SELECT 1 FROM pg_stat_progress_create_index WHERE phase = 'waiting for old snapshots'"
    until(lambda: bool(run(database, sql)))


@contextmanager
def held_up(
    url: str, database: PostgreSQLDatabase, build: Callable[[], Any]
) -> Generator[tuple[psycopg.Connection[Any], Future[Any]]]:
    """A build that waits for a transaction of another program, which locks nothing."""
    # The transaction is over before anybody waits for the build to end.
    with ThreadPoolExecutor(1) as threads, psycopg.connect(url) as other:
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT 1")
        building = threads.submit(build)
        until_it_waits(database)
        yield other, building


# Building.


def test_nobody_waits_for_a_build(opened: Open, postgresql_url: str) -> None:
    """Writers write, while a build takes longer than an operation may."""
    database, impatient = opened(), opened(timeout=1.5)
    outcomes = database.create_many("m", [write(f"{n:05}", {"n": n}) for n in range(5_000)])
    assert outcomes == [1] * 5_000
    wanted = index("n", type="number", unique=True)
    build = partial(impatient.ensure_index, "m", wanted)
    with held_up(postgresql_url, database, build) as (other, building):
        time.sleep(1.6)
        assert database.create("m", write("new", {"n": -1})).version == 1
        assert database.update("m", "00001", changes({"n": -2})).version == 2
        assert database.delete("m", "00002")
        assert database.update_many("m", ALL, changes({"$inc": {"m": 1}})).updated == 5_000
        # What is declared holds already, although it is not there yet.
        assert database.indexes("m") == []
        with pytest.raises(InvalidDocumentError, match="not a number"):
            database.create("m", write("bad", {"n": "x"}))
        with pytest.raises(DuplicateError) as clash:
            database.create("m", write("bad", {"n": -1}))
        assert clash.value.index == wanted.name
        other.rollback()
        building.result(60)
    assert database.indexes("m") == [wanted]
    assert list(built(database).values()) == [True, True]
    assert ids(database, {"n": {"$lt": 0}}) == ["00001", "new"]


def test_all_want_the_same_at_once(opened: Open) -> None:
    databases = [opened(pool_size=1) for _ in range(4)]
    wanted = [index("n"), index("n", "s"), index("tags", list=True)]
    at_once([partial(d.ensure_index, "m", each) for d in databases for each in wanted])
    assert sorted(databases[0].indexes("m"), key=str) == sorted(wanted, key=str)
    assert list(built(databases[0]).values()) == [True] * 3
    dropped = at_once([partial(d.drop_index, "m", wanted[0].name) for d in databases])
    assert dropped.count(True) == 1
    assert len(built(databases[0])) == 2


def test_who_waits_is_not_waited_for(opened: Open) -> None:
    """A build waits for transactions that ran a statement; theirs, who ask for their turn, end."""
    databases = [opened() for _ in range(3)]
    fill(databases[0], a={"n": 1})
    try_lock = Registry.try_lock

    def slowly(registry: Registry, model: str) -> str:
        return f"{try_lock(registry, model)} FROM pg_sleep(1)"

    with patch.object(Registry, "try_lock", slowly):
        at_once(
            [
                partial(database.ensure_index, "m", index(path))
                for database, path in zip(databases, "nop", strict=True)
            ]
        )
    assert len(databases[0].indexes("m")) == 3


def test_another_uses_the_table_all_the_time(opened: Open, postgresql_url: str) -> None:
    """Nobody waits long behind a build that needs the table for a moment."""
    database, impatient = opened(), opened(timeout=2)
    fill(database, a={"n": 1})
    with ThreadPoolExecutor(1) as threads, psycopg.connect(postgresql_url) as other:
        other.execute("SELECT count(*) FROM m")
        with pytest.raises(OperationTimeoutError, match="end their transactions"):
            impatient.ensure_index("m", index("n"))
        assert traces(database) == (0, 0, 0)
        building = threads.submit(database.ensure_index, "m", index("n"))
        for n in range(20):
            database.update("m", "a", changes({"n": n}))
            time.sleep(0.03)
        assert not building.done()
        other.rollback()
        building.result(60)
    assert database.indexes("m") == [index("n")]


def test_what_is_stored_while_it_is_looked_at(database: PostgreSQLDatabase) -> None:
    """Between the look at what is stored and the build, others write; then it is looked again."""
    fill(database, a={"u": 1}, b={"u": 2})
    look = Builder._check_stored
    for wanted, stored, error in (
        (index("u", unique=True), 1, DuplicateError),
        (index("u", type="number"), "text", InvalidDocumentError),
    ):
        late = [write("c", {"u": stored})]

        def look_and_lose(builder: Builder, *arguments: Any, late: list[Write] = late) -> None:
            look(builder, *arguments)
            database.put_many("m", [late.pop() for _ in late[:1]])

        with patch.object(Builder, "_check_stored", look_and_lose), pytest.raises(error) as found:
            database.ensure_index("m", wanted)
        assert " of m " in str(found.value)
        assert traces(database) == (0, 0, 0)
        database.delete("m", "c")
        database.ensure_index("m", wanted)
        assert database.drop_index("m", wanted.name)


def test_a_model_that_is_dropped_and_made_again_during_a_build(opened: Open) -> None:
    one, other = opened(), opened()
    fill(one, a={"n": 1})
    look = Builder._check_stored
    turns = [1, 2]

    def look_and_lose(builder: Builder, *arguments: Any) -> None:
        look(builder, *arguments)
        if turns.pop() == 2:
            assert other.drop("m")
            fill(other, b={"n": 2})

    with patch.object(Builder, "_check_stored", look_and_lose):
        one.ensure_index("m", index("n", unique=True))
    assert traces(one) == (2, 1, 1)
    assert ids(one, {"n": 2}) == ["b"]

    registry = one._models.registry
    with (
        patch.object(registry, "finish", registry.finish.replace("$2", "$2 || 'x'")),
        pytest.raises(UnavailableError, match="again and again"),
    ):
        one.ensure_index("m", index("n"))
    assert traces(one) == (2, 1, 1)


def test_what_an_interrupted_build_leaves(opened: Open, postgresql_url: str) -> None:
    database = opened()
    fill(database, a={"u": 1}, b={"u": 2})
    wanted = index("u", type="number", unique=True)
    for removed_by in ("the same", "another", "drop_index"):
        build = partial(opened().ensure_index, "m", wanted)
        with held_up(postgresql_url, database, build) as (_, building):
            run(
                database,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE starts_with(query, 'CREATE UNIQUE INDEX')",
            )
            with pytest.raises(UnavailableError):
                building.result(60)
        assert traces(database) == (1, 1, 1)
        assert list(built(database).values()) == [False]
        assert database.indexes("m") == []
        with pytest.raises(InvalidDocumentError, match=wanted.name):
            database.create("m", write("c", {"u": "x"}))
        if removed_by == "the same":
            database.ensure_index("m", wanted)
            assert traces(database) == (2, 1, 1)
            assert database.drop_index("m", wanted.name)
        elif removed_by == "another":
            database.ensure_index("m", index("v"))
            assert traces(database) == (1, 1, 1)
            assert database.drop_index("m", index("v").name)
        else:
            assert database.drop_index("m", wanted.name)
        assert traces(database) == (0, 0, 0)
        assert not database.drop_index("m", wanted.name)


def test_a_build_that_is_cancelled_leaves_nothing(opened: Open, postgresql_url: str) -> None:
    database = opened()
    fill(database, a={"u": 1})

    cancel = Event()

    async def build() -> None:
        store: Any = postgresql_async(postgresql_url)
        await store.connect()
        task = asyncio.create_task(store.ensure_index("m", index("u", unique=True)))
        await asyncio.to_thread(cancel.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await store.disconnect()

    with held_up(postgresql_url, database, lambda: asyncio.run(build())) as (other, building):
        cancel.set()
        time.sleep(0.3)
        other.rollback()
        building.result(60)
    assert traces(database) == (0, 0, 0)


# What others do meanwhile.


def test_a_model_dropped_by_another(opened: Open) -> None:
    one, other = opened(), opened()
    fill(one, a={"n": 1})
    other.ensure_index("m", index("n", type="number"))
    assert ids(one, {"n": 1}) == ["a"]
    assert other.drop("m")
    assert run(one, "SELECT * FROM interstore_indexes") == []
    assert one.indexes("m") == []
    one.ensure_index("m", index("u", unique=True))
    fill(one, a={"n": "text", "u": 1})
    assert other.indexes("m") == [index("u", unique=True)]
    assert ids(other, {"n": "text"}) == ["a"]
    assert not other.drop_index("m", index("n").name)
    assert len(built(one)) == 2


def test_indexes_of_others_are_noticed(opened: Open) -> None:
    one, other = opened(), opened()
    fill(one, a={"n": 1, "tags": ["x"]})
    asked = query({"$or": [{"n": 1}, {"tags": {"$has": "x"}}]})
    assert ids(other, {"n": 1}) == ["a"]
    table = other._models.known["m"]
    assert 0 < table.fresh_until - time.monotonic() <= 10
    one.ensure_index("m", index("n"))
    one.ensure_index("m", index("tags", list=True))
    assert not other._living(table, asked.tree)[1].keys
    table.fresh_until = 0.0
    served = Indexed(frozenset({("n",)}), frozenset({("tags",)}))
    assert other._living(table, asked.tree)[1] == served
    assert one.drop_index("m", index("n").name)
    assert [each.id for each in other.find("m", asked)] == ["a"]
    assert one._living(one._models.known["m"], asked.tree)[1].lists == {("tags",)}


def test_other_programs_are_held_to_it(database: PostgreSQLDatabase) -> None:
    database.ensure_index("m", index("age", type="number"))
    database.ensure_index("m", index("email", unique=True))
    database.ensure_index("m", index("tags", type="string", list=True))
    fill(database, a={"email": "x"})
    insert = "INSERT INTO m VALUES ($1, 1, now(), now(), NULL, $2)"
    for doc in ('{"age": "2"}', '{"tags": ["x", 1]}', '{"tags": "x"}', '{"email": ["x"]}',
                '{"tags": [["x"]]}', '{"age": [1]}'):  # fmt: skip
        with pytest.raises(psycopg.errors.CheckViolation, match="interstore_"):
            _insert(database, insert, "b", doc)
    with pytest.raises(psycopg.errors.UniqueViolation, match="interstore_email_"):
        _insert(database, insert, "b", '{"email": "x"}')
    _insert(database, insert, "b", '{"email": null, "age": 2, "tags": ["x", null]}')


def _insert(database: PostgreSQLDatabase, sql: str, *values: str) -> None:
    with database._connections.transaction() as transaction:
        transaction.run(sql, values)


def test_their_own_constraints_stay_theirs(database: PostgreSQLDatabase) -> None:
    fill(database, a={"n": 1})
    run(database, "ALTER TABLE m ADD CONSTRAINT own CHECK (doc ->> 'n' <> '7')")
    run(database, "CREATE UNIQUE INDEX mine ON m ((doc ->> 'n'))")
    with pytest.raises(InvalidDocumentError, match="own"):
        database.create("m", write("b", {"n": 7}))
    with pytest.raises(DuplicateError) as clash:
        database.create("m", write("b", {"n": 1}))
    assert clash.value.index == "mine"
    with pytest.raises(InvalidDocumentError, match="own"):
        database.update("m", "a", changes({"n": 7}))
    assert len(database.update_many("m", ALL, changes({"n": 7})).outcomes) == 1


# What is refused.


def test_large_batches(database: PostgreSQLDatabase) -> None:
    """Two refused documents in thousands: the others are stored."""
    unique, typed = index("u", unique=True), index("n", type="number")
    database.ensure_index("m", unique)
    database.ensure_index("m", typed)
    documents = [write(f"{n:05}", {"u": n, "n": n}) for n in range(1_000)]
    documents[700] = write("00700", {"u": 5, "n": 0})
    documents[900] = write("00900", {"u": "x", "n": "0"})
    for call in (database.create_many, database.put_many):
        outcomes = call("m", documents)
        wrong = {place: each for place, each in enumerate(outcomes) if not isinstance(each, int)}
        assert sorted(wrong) == [700, 900]
        clash, unfit = wrong[700], wrong[900]
        assert isinstance(clash, DuplicateError)
        assert (clash.index, clash.id) == (unique.name, "00700")
        assert isinstance(unfit, InvalidDocumentError)
        assert (unfit.path, unfit.id) == ("n", "00900")
        assert database.count("m", ALL) == 998
        if call == database.create_many:
            database.delete_many("m", ALL)
    result = database.update_many("m", query({"n": {"$lt": 40}}).tree, changes({"u": "same"}))
    assert (result.updated, result.failed) == (1, 39)
    assert {getattr(each.error, "index", None) for each in result.outcomes} == {unique.name}


def test_an_id_that_exists_comes_first(database: PostgreSQLDatabase) -> None:
    """As on other engines: a duplicate is one, whether or not it would fit."""
    database.ensure_index("m", index("n", type="number"))
    fill(database, a={"n": 1})
    bad = write("a", {"n": "x"}, version=1)
    with pytest.raises(DuplicateError, match="already"):
        database.create("m", bad)
    [outcome] = database.create_many("m", [bad])
    assert isinstance(outcome, DuplicateError)
    assert outcome.index is None
    assert database.write_page("m", [bad], "insert_if_absent") == [0]
    assert database.write_page("m", [bad], "replace_if_newer") == [0]
    newer = write("a", {"n": "x"}, version=2)
    modes: tuple[WriteMode, ...] = ("upsert", "replace_if_newer")
    for mode in modes:
        [outcome] = database.write_page("m", [newer], mode)
        assert isinstance(outcome, InvalidDocumentError)


@pytest.mark.parametrize("kind", [None, "string"])
def test_long_strings_in_lists(database: PostgreSQLDatabase, kind: Any) -> None:
    """Measured as UTF-8, not as the JSON that the server keeps."""
    database.ensure_index("m", index("tags", type=kind, list=True))
    for element in ("x" * 1024, "é" * 512, "\x01" * 1024, '"' * 1024, "\U0001f600" * 256):
        fill(database, fits={"tags": [element, "y", element]})
        with pytest.raises(InvalidDocumentError, match="1,025"):
            database.put("m", write("not", {"tags": ["y", element + "x"]}))
        assert ids(database, {"tags": {"$has": element}}) == ["fits"]
        assert database.delete("m", "fits")
    if kind is None:
        fill(database, other={"tags": [1e300, True, 0.5, -0.0, None]})
        assert ids(database, {"tags": {"$all": [1e300, 0, True]}}) == ["other"]


def test_names_are_as_long_as_they_may_be(database: PostgreSQLDatabase) -> None:
    model = "M" * 48
    eight = [("é" * 30, f"'{n}\"%s") for n in range(8)]
    declared = [index(*eight, unique=True), index("A" * 60, list=True), index("a" * 60)]
    for each in declared:
        database.ensure_index(model, each)
        database.ensure_index(model, each)
    names = (
        "SELECT name FROM (SELECT conname AS name FROM pg_constraint UNION "
        "SELECT relname FROM pg_class) each WHERE starts_with(name, 'interstore_')"
    )
    assert max(len(name.encode()) for (name,) in run(database, names)) <= 62
    database.create(model, write("a", {"é" * 30: {"'7\"%s": "x"}}))
    with pytest.raises(InvalidDocumentError, match=r"1,025|129"):
        database.create(model, write("b", {"é" * 30: {"'7\"%s": "x" * 129}}))
    for each in declared:
        assert database.drop_index(model, each.name)
    assert built(database) == {}


def test_values_at_the_limits_can_be_indexed(database: PostgreSQLDatabase) -> None:
    """Whatever the declaration allows, the B-tree takes: nothing that compresses well."""
    rng = random.Random(1)

    def text(length: int) -> str:
        return "".join([chr(rng.randrange(0x4E00, 0x9FFF)) for _ in range(length)])

    fields = {f"p{n}": text(42) for n in range(8)}
    database.ensure_index("m", index(*fields, unique=True))
    database.ensure_index("m", index("long", unique=True))
    long, id = text(341), text(85)
    database.create("m", write(id, {**fields, "long": long}))
    assert ids(database, {"long": long}) == [id]


def test_contradictions(database: PostgreSQLDatabase) -> None:
    database.ensure_index("m", index("n", type="number"))
    with pytest.raises(ConfigurationError, match="contradicts"):
        database.ensure_index("m", index("n", type="string"))
    assert traces(database) == (1, 1, 1)


# Rights, schemas, sessions.


def test_a_schema_from_before_there_were_indexes(opened: Open) -> None:
    database = opened()
    fill(database, a={"n": 1})
    run(database, "DROP TABLE interstore_indexes")
    later = opened()
    assert ids(later, {"n": 1}) == ["a"]
    assert later.indexes("m") == []
    assert not later.drop_index("m", "n_1")
    later.ensure_index("m", index("n"))
    assert later.indexes("m") == [index("n")]
    assert later.drop("m")


def test_rights(database: PostgreSQLDatabase, opened: Open, postgresql_url: str) -> None:
    fill(database, a={"n": 1})
    database.ensure_index("m", index("tags", list=True))
    run(database, "CREATE ROLE reader_of_indexes LOGIN")
    try:
        run(database, "GRANT SELECT, INSERT ON m, interstore_models TO reader_of_indexes")
        run(database, "GRANT USAGE ON SCHEMA public TO reader_of_indexes")
        reader = opened(username="reader_of_indexes")
        assert ids(reader, {"n": 1}) == ["a"]
        long = write("b", {"tags": ["x" * 900, "y" * 900]})
        assert reader.create("m", long).version == 1
        run(database, "GRANT SELECT ON interstore_indexes TO reader_of_indexes")
        with pytest.raises(PermissionDeniedError):
            reader.ensure_index("m", index("n"))
        assert traces(database) == (1, 1, 1)
        reader.ensure_index("m", index("tags", list=True))
        reader.disconnect()
    finally:
        run(database, "DROP OWNED BY reader_of_indexes")
        run(database, "DROP ROLE reader_of_indexes")


def test_in_a_session(opened: Open) -> None:
    database = opened(pool_size=1)
    with database.session() as session:
        session.ensure_index("m", index("n", unique=True))
        fill(session, a={"n": 1})
        with pytest.raises(DuplicateError):
            session.create("m", write("b", {"n": 1}))
        assert session.indexes("m") == [index("n", unique=True)]
        assert session.drop_index("m", index("n", unique=True).name)
        fill(session, b={"n": 1})


def test_a_store_that_is_closed(postgresql_url: str) -> None:
    database = postgresql(postgresql_url)
    assert isinstance(database, PostgreSQLDatabase)
    with pytest.raises(UnavailableError, match="not connected"):
        database.ensure_index("m", index("n"))
