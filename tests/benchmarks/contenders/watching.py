"""A log of changes beside the documents: Interstore's, and one by hand with each driver."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import interstore
from tests.benchmarks.contenders import Durability, statements
from tests.benchmarks.contenders.ours import MODEL, Interstore
from tests.benchmarks.contenders.ours_mongodb import MongoDB
from tests.benchmarks.contenders.raw_psycopg import RawPsycopg
from tests.benchmarks.contenders.raw_pymongo import RawPyMongo, name_of
from tests.benchmarks.contenders.raw_sqlite import RawSQLite

__all__ = [
    "CHANGES", "LoggedPsycopg", "LoggedSQLite", "StreamedPyMongo", "UnwatchedPostgreSQL",
    "WatchedMongoDB", "WatchedPostgreSQL", "WatchedSQLite", "unwatched_mongodb",
    "unwatched_sqlite",
]  # fmt: skip

CHANGES: Final = 1000
"""So many are read at a time."""

_PAGE: Final = 100


class _Watched(Interstore):
    def __init__(self, store: interstore.Store) -> None:
        super().__init__(store)
        store.connect()
        store.enable_watch(MODEL)
        self.begin = ""

    def settle(self) -> None:
        """Have so many changes to be read."""
        self.begin = self.store.watch(MODEL).start()
        documents = self.store.find(MODEL, limit=CHANGES).to_list()
        self.store.create_many(MODEL, [{**each, "id": f"new {each.id}"} for each in documents])

    def changes(self) -> None:
        with self.store.watch(MODEL, since=self.begin, idle=0) as changes:
            for _ in range(CHANGES):
                next(changes)


def _sqlite(folder: Path, durability: Durability) -> interstore.Store:
    return interstore.connect(type="sqlite", path=str(folder / "ours.db"), durability=durability)


def unwatched_sqlite(folder: Path, durability: Durability) -> Interstore:
    return Interstore(_sqlite(folder, durability))


def _analyze(store: interstore.Store) -> None:
    with store.native.connection() as connection:
        connection.execute("ANALYZE")


class UnwatchedPostgreSQL(Interstore):
    def __init__(self, url: str, _: Durability) -> None:
        super().__init__(interstore.connect(url))

    def settle(self) -> None:
        _analyze(self.store)


def _mongodb(url: str, durability: Durability) -> interstore.Store:
    return MongoDB(url, durability).store


def unwatched_mongodb(url: str, durability: Durability) -> Interstore:
    return Interstore(_mongodb(url, durability))


class WatchedSQLite(_Watched):
    def __init__(self, folder: Path, durability: Durability) -> None:
        super().__init__(_sqlite(folder, durability))


class WatchedPostgreSQL(_Watched):
    def __init__(self, url: str, _: Durability) -> None:
        super().__init__(interstore.connect(url))

    def settle(self) -> None:
        super().settle()
        _analyze(self.store)


class WatchedMongoDB(_Watched):
    """What is to be read is written when all others are filled.

    Whoever opens a stream has the server look through what comes behind, whoever wrote it: up to
    4 MB of what it looks for. So for both nothing else may come behind.
    """

    def __init__(self, url: str, durability: Durability) -> None:
        super().__init__(_mongodb(url, durability))

    def settle(self) -> None:
        """At the first reading."""

    def changes(self) -> None:
        if not self.begin:
            super().settle()
        super().changes()


class LoggedSQLite(RawSQLite):
    def __init__(self, folder: Path, durability: Durability) -> None:
        super().__init__(folder, durability)
        self.execute(
            "CREATE TABLE log (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, "
            "version INTEGER, created_at TEXT, updated_at TEXT, doc TEXT)"
        )
        row = "NEW.id, NEW.version, NEW.created_at, NEW.updated_at, NEW.doc"
        for event in ("INSERT", "UPDATE"):
            self.execute(
                f"CREATE TRIGGER log_{event} AFTER {event} ON airport BEGIN INSERT INTO log "
                f"(id, version, created_at, updated_at, doc) VALUES ({row}); END"
            )

    def changes(self) -> None:
        page = (
            "SELECT version, created_at, updated_at, doc, seq FROM log WHERE seq > ? "
            f"ORDER BY seq LIMIT {_PAGE}"
        )
        after = read = 0
        while read < CHANGES:
            for row in self.execute(page, (after,)).fetchall():
                statements.read(row[:4])
                after = row[4]
                read += 1


class LoggedPsycopg(RawPsycopg):
    def __init__(self, url: str, durability: Durability) -> None:
        super().__init__(url, durability)
        self._execute(
            "CREATE TABLE log (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text, "
            "version bigint, created_at timestamptz, updated_at timestamptz, doc jsonb)"
        )
        self._execute(
            "CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "INSERT INTO log (id, version, created_at, updated_at, doc) "
            "SELECT id, version, created_at, updated_at, doc FROM new_rows; RETURN NULL; END $$"
        )
        for event in ("INSERT", "UPDATE"):
            self._execute(
                f"CREATE TRIGGER log_{event} AFTER {event} ON airport REFERENCING NEW TABLE AS "
                "new_rows FOR EACH STATEMENT EXECUTE FUNCTION log()"
            )

    def settle(self) -> None:
        self._execute("ANALYZE")

    def changes(self) -> None:
        page = (
            "SELECT seq, id, version, created_at, updated_at, doc FROM log WHERE seq > $1 "
            f"ORDER BY seq LIMIT {_PAGE}"
        )
        after = read = 0
        while read < CHANGES:
            rows = self._rows(page, after)
            after = rows[-1][0]
            read += len(rows)


class StreamedPyMongo(RawPyMongo):
    def __init__(self, url: str, durability: Durability) -> None:
        super().__init__(url, durability)
        name, images = self.airports.name, {"enabled": True}
        self.client[name_of(url)].create_collection(name, changeStreamPreAndPostImages=images)
        self.begin: Any = None

    def settle(self) -> None:
        """Without an index, like the others."""

    def _write(self) -> None:
        """Have so many changes to be read."""
        with self.airports.watch() as stream:
            stream.try_next()
            self.begin = stream.resume_token
        found = list(self.airports.find(limit=CHANGES))
        self.airports.insert_many([{**each, "_id": f"new {each['_id']}"} for each in found])

    def changes(self) -> None:
        if self.begin is None:
            self._write()
        options: dict[str, Any] = {"full_document": "required", "batch_size": _PAGE}
        with self.airports.watch(resume_after=self.begin, **options) as stream:
            for _ in range(CHANGES):
                next(stream)
