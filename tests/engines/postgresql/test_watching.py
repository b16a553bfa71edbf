"""The log of changes: nothing is lost or out of order, whatever commits when; it is kept short."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from functools import partial
from typing import Any

import psycopg
import pytest

from interstore._sync.store import Store
from interstore._sync.watch import Watch
from interstore.errors import ResumeExpiredError
from interstore.watching import Change, Changed, Deleted, decode_position
from interstore_backends.postgresql._sync.database import PostgreSQLDatabase
from interstore_backends.postgresql.watching import Position
from tests.databases import postgresql
from tests.engines.postgresql.support import run

AGED = "UPDATE interstore_log_m SET at = at - interval '8 days'"

spawn = multiprocessing.get_context("spawn")


@pytest.fixture
def store(database: PostgreSQLDatabase) -> Store:
    store = Store(database)
    store.connect()
    store.create_many("m", [{"id": "a", "n": 0}, {"id": "b", "n": 0}])
    store.enable_watch("m")
    return store


def versions(changes: Watch | list[Change], id: str) -> list[int]:
    return [each.version for each in changes if each.id == id]


def test_a_transaction_that_stays_open_holds_nobody_up(store: Store) -> None:
    with store.watch("m", idle=0) as changes:
        with store.transaction() as tx:
            tx.create("m", {"id": "early"})
            store.update("m", "a", {"n": 1})
            assert versions(changes, "a") == [2]
            store.update("m", "a", {"n": 2})
            assert versions(store.watch("m", since=changes.token, idle=0), "a") == [3]
        assert Counter(each.id for each in changes) == {"a": 1, "early": 1}


def test_transactions_that_begin_and_end_in_any_order(store: Store) -> None:
    """A watch looks after every step; another begins after every step, and looks at the end."""
    watch = store.watch("m", idle=0)
    watch.start()
    seen: list[Change] = []
    later: list[tuple[int, str]] = []
    open_: dict[int, tuple[Any, Store]] = {}
    for step, (action, number) in enumerate(_PROGRAM):
        if action == "begin":
            block = store.transaction()
            open_[number] = block, block.__enter__()
        elif action == "commit":
            open_.pop(number)[0].__exit__(None, None, None)
        else:
            open_[number][1].create("m", {"id": f"{number}-{step}"})
            store.update("m", "a", {"n": step})
        seen += watch
        later.append((len(seen), str(watch.token)))
    ids = Counter(each.id for each in seen)
    writes = sum(action == "write" for action, _ in _PROGRAM)
    assert ids.pop("a") == writes
    assert versions(seen, "a") == list(range(2, writes + 2))
    assert ids == {f"{n}-{step}": 1 for step, (what, n) in enumerate(_PROGRAM) if what == "write"}
    for count, token in later:
        rest = list(store.watch("m", since=token, idle=0))
        assert Counter((each.id, each.version) for each in rest) == Counter(
            (each.id, each.version) for each in seen[count:]
        )


_PROGRAM = [
    (action, int(number))
    for action, number in (
        step.split()
        for step in [
            "begin 1",
            " begin 2",
            " write 2",
            " write 1",
            " begin 3",
            " write 3",
            " commit 2",
            " write 1",
            "\n        begin 4",
            " write 4",
            " write 3",
            " commit 4",
            " begin 5",
            " commit 1",
            " write 5",
            " write 3",
            " begin 6",
            "\n        write 6",
            " commit 3",
            " commit 6",
            " write 5",
            " commit 5",
        ]
    )
]


def test_an_older_transaction_that_writes_after_a_younger_one(store: Store) -> None:
    """Ordered by transactions, version 3 would come before version 2, or in another batch."""
    with store.watch("m", idle=0) as changes:
        with (
            psycopg.connect(_dsn(store)) as old,
            psycopg.connect(_dsn(store)) as between,
            psycopg.connect(_dsn(store)) as young,
        ):
            old.execute("SELECT pg_current_xact_id()")
            between.execute("SELECT pg_current_xact_id()")
            update = "UPDATE m SET version = version + 1 WHERE id = 'a'"
            young.execute(update)
            young.commit()
            old.execute(update)
            old.commit()
            assert versions(changes, "a") == [2, 3]
            between.commit()
        assert versions(changes, "a") == []


def test_what_other_programs_write(store: Store) -> None:
    run_ = store.native
    with store.watch("m", idle=0) as changes, run_.connection() as connection:
        connection.execute(
            "INSERT INTO m SELECT 'x' || n, 1, now(), now(), NULL, '{\"k\": 1}' "
            "FROM generate_series(1, 3) n"
        )
        connection.execute("DELETE FROM m WHERE id = 'x1'")
        connection.execute("UPDATE m SET doc = '{}' WHERE id = 'x2'")
        connection.execute("TRUNCATE m")
        seen = list(changes)
    assert Counter(each.id for each in seen if isinstance(each, Changed)) == {
        "x1": 1, "x2": 2, "x3": 1,
    }  # fmt: skip
    assert sorted(each.id for each in seen if isinstance(each, Deleted)) == [
        "a", "b", "x1", "x2", "x3",
    ]  # fmt: skip


def test_a_role_that_may_write_to_the_model_only(store: Store) -> None:
    with store.native.connection() as connection, store.watch("m", idle=0) as changes:
        role = "interstore_watch_writer"
        connection.execute(f"DROP ROLE IF EXISTS {role}".encode())
        connection.execute(f"CREATE ROLE {role}".encode())
        try:
            connection.execute(f"GRANT USAGE ON SCHEMA public TO {role}".encode())
            connection.execute(f"GRANT INSERT, SELECT, UPDATE ON m TO {role}".encode())
            connection.execute(f"SET ROLE {role}".encode())
            connection.execute("UPDATE m SET version = 2 WHERE id = 'a'")
            connection.execute("RESET ROLE")
            assert versions(changes, "a") == [2]
        finally:
            connection.execute("RESET ROLE")
            connection.execute(f"DROP OWNED BY {role}".encode())
            connection.execute(f"DROP ROLE {role}".encode())


def test_what_is_older_than_the_retention(store: Store) -> None:
    database: Any = store.database.database
    with store.watch("m", idle=0) as changes:
        begin = changes.token
        store.update("m", "a", {"n": 1})
        [first] = changes
        store.update("m", "a", {"n": 2})
        run(database, AGED)
        for since in (begin, first.token):
            with pytest.raises(ResumeExpiredError, match="604800 seconds"):
                store.watch("m", since=since).start()
        with pytest.raises(ResumeExpiredError):
            changes.next(0)
        store.update("m", "b", {"n": 1})
        with store.watch("m", idle=0) as current:
            assert list(current) == []


def test_what_is_old_is_removed_by_those_who_write(store: Store) -> None:
    """Also within transactions, and when nobody watches; who has not read it is told."""
    database: Any = store.database.database
    with store.watch("m", idle=0) as changes, store.watch("m", idle=0) as behind:
        store.create_many("m", [{"id": f"x{n}"} for n in range(1000)])
        list(changes)
        run(database, AGED)
        for number in range(12):
            writes = [{"id": f"{number}-{n}"} for n in range(100)]
            store.run_in_transaction(partial(_create, writes=writes))
            assert len(list(changes)) == 100
        [[left, oldest]] = run(
            database,
            "SELECT count(*), min(seq) FROM interstore_log_m WHERE at < now() - '1 d'::interval",
        )
        assert left == 0, f"{left} old changes are still there, from {oldest} on"
        with pytest.raises(ResumeExpiredError):
            behind.next(0)
        assert store.count("m") == 2202


@pytest.mark.parametrize("removed", [150, 151, 249])
def test_what_is_removed_while_a_snapshot_is_half_read(store: Store, removed: int) -> None:
    """Who has read all that was removed goes on; who has not is told, whichever snapshot it is."""
    database: Any = store.database.database
    with store.watch("m", idle=0) as changes:
        with store.transaction() as tx:
            tx.create("m", {"id": "late"})  # number 1: not of the snapshot that is half read
            store.create_many("m", [{"id": f"x{n}"} for n in range(300)])
            seen = [changes.next(0) for _ in range(149)]  # numbers 2 to 150
            half = seen[-1]
            assert half is not None
            assert _position(half).until
        run(database, f"{AGED} WHERE seq <= {removed}")
        store.create_many("m", [{"id": f"y{n}"} for n in range(64)])
        assert run(database, "SELECT min(seq), count(*) FROM interstore_log_m") == [
            (removed + 1, 301 + 64 - removed)
        ]
        if removed > 150:
            with pytest.raises(ResumeExpiredError, match="604800 seconds"):
                store.watch("m", since=half.token).start()
            return
        # The rest of the snapshot is there; behind it, what was late is missing.
        rest = store.watch("m", since=half.token, idle=0)
        ids = [each.id for each in (rest.next(0) for _ in range(151)) if each]
        assert sorted([*(each.id for each in seen if each), *ids]) == sorted(
            f"x{n}" for n in range(300)
        )
        with pytest.raises(ResumeExpiredError):
            rest.next(0)


def test_what_was_read_is_removed_while_a_snapshot_is_half_read(store: Store) -> None:
    database: Any = store.database.database
    with store.watch("m", idle=0) as changes:
        store.create_many("m", [{"id": f"x{n}"} for n in range(300)])
        seen = [changes.next(0) for _ in range(150)]
        run(database, f"{AGED} WHERE seq <= 150")
        store.create_many("m", [{"id": f"y{n}"} for n in range(64)])
        assert run(database, "SELECT min(seq) FROM interstore_log_m") == [(151,)]
        last = seen[-1]
        assert last is not None
        for rest in (changes, store.watch("m", since=last.token, idle=0)):
            ids = Counter(each.id for each in rest)
            assert len(ids) == 150 + 64
            assert not set(ids) & {each.id for each in seen if each}
            assert set(ids.values()) == {1}


def _position(change: Change) -> Position:
    return decode_position(change.token, "postgresql", "m", Position)


def _create(tx: Store, writes: list[dict[str, Any]]) -> None:
    tx.create_many("m", writes)


def test_reading_on_does_not_look_at_everything(store: Store) -> None:
    database: Any = store.database.database
    store.create_many("m", [{"id": f"x{n}"} for n in range(20_000)])
    run(database, "VACUUM ANALYZE interstore_log_m")
    with store.watch("m", idle=0) as changes:
        position = changes.token
        assert position is not None
        store.create_many("m", [{"id": f"y{n}"} for n in range(500)])
        run(database, "SELECT pg_stat_reset()")
        assert len(list(changes)) == 500
    [[rows]] = run(
        database,
        "SELECT coalesce(sum(idx_tup_fetch + seq_tup_read), 0)::int FROM pg_stat_user_tables "
        "WHERE relname = 'interstore_log_m'",
    )
    assert rows < 5_000


def _write(url: str, worker: int, rounds: int) -> None:
    with Store(postgresql(url)) as store:
        for number in range(rounds):
            with store.transaction() as tx:
                tx.create("m", {"id": f"{worker}-{number}-1"})
                tx.create("m", {"id": f"{worker}-{number}-2"})
            store.update("m", "a", {"$inc": {"n": 1}})


def _processes_write(url: str, workers: int, rounds: int) -> None:
    with Store(postgresql(url)) as store:
        store.create("m", {"id": "a", "n": 0})
        store.enable_watch("m")
        with store.watch("m", idle=0) as changes:
            processes = [
                spawn.Process(target=_write, args=(url, worker, rounds))
                for worker in range(workers)
            ]
            for process in processes:
                process.start()
            seen: list[Change] = []
            while any(process.is_alive() for process in processes):
                seen += changes
            seen += store.watch("m", since=changes.token, idle=0)
            assert [process.exitcode for process in processes] == [0] * workers
    assert versions(seen, "a") == list(range(2, workers * rounds + 2))
    ids = Counter(each.id for each in seen if each.id != "a")
    assert set(ids.values()) == {1}
    assert len(ids) == 2 * workers * rounds


def test_processes_that_write(postgresql_url: str) -> None:
    _processes_write(postgresql_url, 3, 30)


@pytest.mark.long
def test_many_processes_that_write(postgresql_url: str) -> None:
    _processes_write(postgresql_url, 8, 500)


def _dsn(store: Store) -> str:
    dsn: str = store.native.conninfo or ""
    with store.native.connection() as connection:
        info = connection.info
        return dsn or f"host={info.host} port={info.port} user={info.user} dbname={info.dbname}"
