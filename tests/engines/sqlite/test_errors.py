"""The one table of errors."""

import sqlite3
from typing import Any

import pytest

from interstore.errors import (
    CorruptionError,
    DuplicateError,
    InterstoreError,
    InvalidDocumentError,
    OperationTimeoutError,
    PermissionDeniedError,
    UnavailableError,
)
from interstore_backends.sqlite.errors import Translator, code_of, is_busy, is_stale
from tests.engines.sqlite.support import Open, fill, write

TRANSLATE = Translator("/data/a.db", 5)


def error(code: int, text: str = "text") -> Any:
    made = sqlite3.OperationalError(text)
    made.sqlite_errorcode = code
    return made


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (sqlite3.SQLITE_BUSY, "database is locked", OperationTimeoutError),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "database is locked", OperationTimeoutError),
        (sqlite3.SQLITE_LOCKED, "database table is locked", OperationTimeoutError),
        (sqlite3.SQLITE_PROTOCOL, "locking protocol", OperationTimeoutError),
        (sqlite3.SQLITE_CORRUPT, "database disk image is malformed", CorruptionError),
        (sqlite3.SQLITE_CORRUPT_INDEX, "database disk image is malformed", CorruptionError),
        (sqlite3.SQLITE_NOTADB, "file is not a database", CorruptionError),
        (sqlite3.SQLITE_ERROR, "malformed JSON", CorruptionError),
        (0, "Could not decode to UTF-8 column 'doc'", CorruptionError),
        (sqlite3.SQLITE_READONLY, "attempt to write a readonly database", PermissionDeniedError),
        (sqlite3.SQLITE_READONLY_DIRECTORY, "", PermissionDeniedError),
        (sqlite3.SQLITE_PERM, "access permission denied", PermissionDeniedError),
        (sqlite3.SQLITE_CANTOPEN, "unable to open database file", PermissionDeniedError),
        (sqlite3.SQLITE_FULL, "database or disk is full", UnavailableError),
        (sqlite3.SQLITE_IOERR_WRITE, "disk I/O error", UnavailableError),
        (sqlite3.SQLITE_NOMEM, "out of memory", UnavailableError),
        (sqlite3.SQLITE_INTERRUPT, "interrupted", UnavailableError),
        (sqlite3.SQLITE_TOOBIG, "string or blob too big", InvalidDocumentError),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, "UNIQUE constraint failed: m.id", DuplicateError),
        (sqlite3.SQLITE_CONSTRAINT_CHECK, "CHECK constraint failed: x", InvalidDocumentError),
        (0, "Cannot operate on a closed database.", UnavailableError),
        (sqlite3.SQLITE_ERROR, 'near "x": syntax error', InterstoreError),
        (999, "something new", InterstoreError),
    ],
)
def test_codes(code: int, text: str, kind: type[InterstoreError]) -> None:
    made = TRANSLATE(error(code, text), "users")
    assert type(made) is kind
    assert (made.backend, made.model) == ("sqlite", "users")
    assert "/data/a.db" in str(made)


def test_timeouts_name_file_time_and_cure() -> None:
    assert str(TRANSLATE.timed_out()) == (
        "/data/a.db was locked by other writers for 5 seconds; raise DATABASE_TIMEOUT, or write "
        "in smaller batches"
    )


def test_codes_of_drivers_that_give_none() -> None:
    assert code_of(ValueError()) == 0
    assert not is_busy(ValueError())
    assert is_stale(error(sqlite3.SQLITE_ERROR, "no such table: main.m"))
    assert not is_stale(error(sqlite3.SQLITE_ERROR, "no such column: m"))


def test_the_driver_s_error_is_the_cause(opened: Open, variant: dict[str, Any]) -> None:
    database = opened(**variant)
    fill(database, a={})
    database.native.execute("CREATE UNIQUE INDEX one ON m (version)")
    with pytest.raises(DuplicateError, match="UNIQUE constraint failed") as caught:
        database.create("m", write("b"))
    assert isinstance(caught.value.__cause__, Exception)
    assert type(caught.value.__cause__).__module__.split(".")[0] == variant.get("driver", "sqlite3")
