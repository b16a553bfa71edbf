"""What other processes do in the tests. Each opens the database itself."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import Any

from interstore.errors import DuplicateError
from interstore_backends.sqlite.database import SQLiteDatabase
from interstore_backends.sqlite.settings import SQLiteSettings
from tests.engines.sqlite.support import changes, write


def opened(path: str, **options: Any) -> SQLiteDatabase:
    database = SQLiteDatabase(SQLiteSettings(path=path, durability="os", **options))
    database.connect()
    return database


def increment(path: str, options: dict[str, Any], threads: int, times: int) -> None:
    """Increment one counter from several threads; the model may not exist yet."""
    database = opened(path, **options)
    with suppress(DuplicateError):
        database.create("m", write("counter", {"n": 0}))

    def work() -> None:
        for _ in range(times):
            database.update("m", "counter", changes({"$inc": {"n": 1}}))
            found = database.find_by_id("m", "counter")
            assert found is not None
            assert found["n"] == found.version - 1

    failures: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - handed to the main thread
            failures.append(error)

    running = [threading.Thread(target=guarded) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    database.disconnect()
    if failures:
        raise failures[0]


def open_and_close(path: str, times: int) -> None:
    """Open, write, close: the last to close deletes the journal under the others' eyes."""
    for number in range(times):
        database = opened(path)
        database.create(f"m{number % 3}", write(f"{os.getpid()}-{number}"))
        database.disconnect()


def write_until_killed(path: str, acknowledged: str, size: int) -> None:
    """Create documents, noting each id once it is acknowledged."""
    database = opened(path)
    with open(acknowledged, "a", buffering=1) as note:
        for number in range(1_000_000):
            id = f"{os.getpid()}-{number:07}"
            if size > 1:
                database.create_many("m", [write(f"{id}-{part}") for part in range(size)])
            else:
                database.create("m", write(id, {"text": "x" * 200}))
            note.write(f"{id}\n")
