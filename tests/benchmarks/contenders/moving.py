"""Moving documents by hand, with care: between two drivers, page by page, done twice as if once.

Each end keeps what Interstore keeps: id, version, times, document. It reads pages by key, decodes
them, and writes each page in one transaction over what is there already, as durably as Interstore.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import datetime
from io import RawIOBase
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol, TypeAlias

import msgspec

from tests.benchmarks.contenders.raw_pymongo import concern, name_of
from tests.benchmarks.contenders.statements import pragmas
from tests.benchmarks.data import Document

__all__ = ["End", "Files", "MongoDB", "PostgreSQL", "SQLite", "WholeFile", "copy"]

Row: TypeAlias = tuple[str, int, str, str, Document]
"""id, version, created, updated, fields."""

PAGE: Final = 1_000

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode


class End(Protocol):
    """Where documents are read or written."""

    def pages(self) -> Iterator[list[Row]]: ...

    def write(self, pages: Iterable[list[Row]]) -> None: ...

    def clear(self) -> None: ...


def copy(source: End, target: End) -> None:
    target.write(source.pages())


class Files:
    """A log of JSON lines: of those with one id, the last counts. Each page is synced.

    So a run that is killed leaves what it had written, whole but for a last line, which is cut
    off; and what the target had besides stays.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "hand.jsonl"
        self._path.touch()

    def pages(self) -> Iterator[list[Row]]:
        lines = iter(self._lines().values())
        while page := list(islice(lines, PAGE)):
            yield [tuple(_decode_row(line)) for line in page]

    def _lines(self) -> dict[str, bytes]:
        lines: dict[str, bytes] = {}
        with self._path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    lines[_decode_head(line).id] = line
        return lines

    def write(self, pages: Iterable[list[Row]]) -> None:
        with self._path.open("r+b", buffering=0) as file:
            file.seek(_end_of_lines(file))
            file.truncate()
            for page in pages:
                file.write(b"".join([_encode(row) + b"\n" for row in page]))
                os.fdatasync(file.fileno())

    def clear(self) -> None:
        self._path.write_bytes(b"")


def _end_of_lines(file: BinaryIO | RawIOBase) -> int:
    """Behind the last newline."""
    end = file.seek(0, os.SEEK_END)
    while end:
        begin = max(0, end - 65_536)
        file.seek(begin)
        found = (file.read(end - begin) or b"").rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return 0


class WholeFile(Files):
    """A file that takes the place of the one before once it is whole, and synced.

    It is as fast as a file can be. A run that is killed begins anew, and what the target had
    besides is gone: another job, so it is no measure of the one above.
    """

    def pages(self) -> Iterator[list[Row]]:
        with self._path.open("rb") as file:
            while page := list(islice(file, PAGE)):
                yield [tuple(_decode_row(line)) for line in page]

    def write(self, pages: Iterable[list[Row]]) -> None:
        draft = self._path.with_suffix(".draft")
        with draft.open("wb") as file:
            for page in pages:
                file.write(b"".join([_encode(row) + b"\n" for row in page]))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)


class _Head(msgspec.Struct, array_like=True):
    id: str


_decode_row: Final = msgspec.json.Decoder(list[Any]).decode
_decode_head: Final = msgspec.json.Decoder(_Head).decode


class SQLite:
    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(
            folder / "hand.db", isolation_level=None, check_same_thread=False
        )
        for pragma in pragmas("fsync"):
            self._connection.execute(pragma)
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS hand (id TEXT PRIMARY KEY NOT NULL, version INTEGER NOT "
            "NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, doc TEXT NOT NULL) STRICT"
        )

    def pages(self) -> Iterator[list[Row]]:
        after = ""
        while True:
            rows = self._connection.execute(
                "SELECT * FROM hand WHERE id > ? ORDER BY id LIMIT ?", (after, PAGE)
            ).fetchall()
            if not rows:
                return
            yield [
                (id, version, created, updated, _decode(doc))
                for id, version, created, updated, doc in rows
            ]
            after = rows[-1][0]

    def write(self, pages: Iterable[list[Row]]) -> None:
        for page in pages:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                "INSERT INTO hand VALUES (?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET version = "
                "excluded.version, created_at = excluded.created_at, updated_at = "
                "excluded.updated_at, doc = excluded.doc",
                [(*row[:4], _encode(row[4]).decode()) for row in page],
            )
            self._connection.execute("COMMIT")

    def clear(self) -> None:
        self._connection.execute("DELETE FROM hand")

    def close(self) -> None:
        self._connection.close()


class PostgreSQL:
    def __init__(self, url: str) -> None:
        import psycopg

        self._connection = psycopg.connect(url, autocommit=True)
        self._connection.execute(
            'CREATE TABLE hand (id text COLLATE "C" PRIMARY KEY, version bigint NOT NULL, '
            "created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, doc jsonb NOT NULL)"
        )

    def pages(self) -> Iterator[list[Row]]:
        after = ""
        query = (
            "SELECT id, version, created_at::text, updated_at::text, doc::text FROM hand "
            "WHERE id > %s ORDER BY id LIMIT %s"
        )
        while True:
            rows = self._connection.execute(query, (after, PAGE), prepare=True).fetchall()
            if not rows:
                return
            yield [
                (id, version, _time(created), _time(updated), _decode(doc))
                for id, version, created, updated, doc in rows
            ]
            after = rows[-1][0]

    def write(self, pages: Iterable[list[Row]]) -> None:
        columns = "id, version, created_at, updated_at, doc"
        for page in pages:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                cursor.execute("CREATE TEMPORARY TABLE page (LIKE hand) ON COMMIT DROP")
                with cursor.copy(f"COPY page ({columns}) FROM STDIN") as copying:
                    for row in sorted(page, key=itemgetter(0)):
                        copying.write_row((*row[:4], _encode(row[4]).decode()))
                cursor.execute(
                    f"INSERT INTO hand ({columns}) SELECT {columns} FROM page "
                    "ON CONFLICT (id) DO UPDATE SET version = excluded.version, created_at = "
                    "excluded.created_at, updated_at = excluded.updated_at, doc = excluded.doc"
                )

    def clear(self) -> None:
        self._connection.execute("TRUNCATE hand")

    def close(self) -> None:
        self._connection.close()


def _time(text: str) -> str:
    if len(text) == 29:
        return f"{text[:10]}T{text[11:26]}Z"
    return datetime.fromisoformat(text).isoformat()


class MongoDB:
    def __init__(self, url: str) -> None:
        from pymongo import MongoClient

        self._client: MongoClient[dict[str, Any]] = MongoClient(url)
        database = self._client.get_database(name_of(url), write_concern=concern("fsync"))
        self._collection = database["hand"]

    def pages(self) -> Iterator[list[Row]]:
        after = ""
        while True:
            cursor = self._collection.find({"_id": {"$gt": after}}, batch_size=PAGE)
            found = cursor.sort("_id").limit(PAGE).to_list()
            if not found:
                return
            yield [
                (d["_id"], d["version"], d["created_at"], d["updated_at"], d["doc"]) for d in found
            ]
            after = found[-1]["_id"]

    def write(self, pages: Iterable[list[Row]]) -> None:
        from pymongo import ReplaceOne
        from pymongo.errors import BulkWriteError

        for page in pages:
            documents = [
                {"_id": id, "version": version, "created_at": created, "updated_at": updated,
                 "doc": fields}
                for id, version, created, updated, fields in page
            ]  # fmt: skip
            try:
                self._collection.insert_many(documents, ordered=False)
            except BulkWriteError:  # some exist: they are written over
                self._collection.bulk_write(
                    [ReplaceOne({"_id": d["_id"]}, d, upsert=True) for d in documents]
                )

    def clear(self) -> None:
        self._collection.drop()

    def close(self) -> None:
        self._client.close()
