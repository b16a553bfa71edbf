"""How a connection is opened, and how the one that writes is prepared."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from interstore.errors import ConfigurationError
from interstore_backends.sqlite import schema
from interstore_backends.sqlite.driver import Driver
from interstore_backends.sqlite.errors import is_busy
from interstore_backends.sqlite.functions import Filters, register
from interstore_backends.sqlite.settings import SQLiteSettings

__all__ = ["Opener", "absolute"]

T = TypeVar("T")

_STATEMENTS: Final = 256
"""Prepared statements that a connection keeps: the texts of filters vary."""

_JOURNAL_BYTES: Final = 64 * 1024 * 1024
"""A journal that one large transaction made longer is cut to this length again."""


def absolute(path: str) -> str:
    """The file's absolute path, ``~`` being the user's folder."""
    return os.path.abspath(os.path.expanduser(path))


class Opener:
    """Opens connections to one file. The errors are the driver's, or `ConfigurationError`."""

    def __init__(
        self, file: str, settings: SQLiteSettings, driver: Driver, filters: Filters
    ) -> None:
        self._file = file
        self._settings = settings
        self._driver = driver
        self._filters = filters

    def writer(self) -> Any:
        """The cursor of a connection that writes, to a file that is Interstore's."""
        return self._retry(self._open_writer)

    def make_folder(self) -> None:
        """Make the folder of the file."""
        if self._settings.in_memory:
            return
        if not self._settings.auto_create and not os.path.exists(self._file):
            raise ConfigurationError(
                f"there is no file {self._file}, and none is to be made (auto_create is off): "
                "mend the path (DATABASE_PATH)",
                backend="sqlite",
            )
        folder = Path(self._file).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"the folder {folder} of the database cannot be made: {error.strerror}; change "
                "DATABASE_PATH, or make it",
                backend="sqlite",
            ) from error

    def _retry(self, attempt: Callable[[], T]) -> T:
        """`attempt`, again and again while others have the file locked.

        The busy handler does not serve the switch to WAL, nor every moment of a recovery.
        """
        deadline = time.monotonic() + self._settings.timeout
        pause = 0.001
        while True:
            try:
                return attempt()
            except self._driver.Error as error:
                if not is_busy(error) or time.monotonic() + pause > deadline:
                    raise
            time.sleep(pause)
            pause = min(pause * 2, 0.05)

    def cursor(self, timeout: float) -> Any:
        """The cursor of a new connection."""
        connection = self._driver.connect(
            self._file,
            timeout=timeout,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_STATEMENTS,
        )
        register(connection, self._filters)
        return connection.cursor()

    def _open_writer(self) -> Any:
        cursor = self.cursor(0)
        try:
            self._prepare(cursor)
        except BaseException:
            cursor.connection.close()
            raise
        return cursor

    def _prepare(self, cursor: Any) -> None:
        execute = cursor.execute
        if not self._settings.in_memory:
            mode = execute("PRAGMA journal_mode = WAL").fetchone()[0]
            if mode != "wal":
                raise ConfigurationError(
                    f"{self._file}: the file system does not let SQLite share memory between "
                    f"processes (journal mode {mode!r}, not 'wal'); use a local disk",
                    backend="sqlite",
                )
        level = "FULL" if self._settings.durability == "fsync" else "NORMAL"
        execute(f"PRAGMA synchronous = {level}")
        if sys.platform == "darwin":
            execute("PRAGMA fullfsync = ON")
        execute(f"PRAGMA journal_size_limit = {_JOURNAL_BYTES}")
        encoding = execute("PRAGMA encoding").fetchone()[0]
        if encoding != "UTF-8":
            raise ConfigurationError(
                f"{self._file} is a database in {encoding}, in which text is not ordered by code "
                "point; use another file",
                backend="sqlite",
            )
        schema.set_up(cursor, self._file)
