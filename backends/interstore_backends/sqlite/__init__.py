"""SQLite: one file, several processes, one table for each model.

The driver is the standard library's, or a module compatible with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interstore.backend import Backend
from interstore.hookspecs import hookimpl
from interstore_backends.sqlite.settings import CAPABILITIES, LIMITS, SQLiteSettings

if TYPE_CHECKING:
    from interstore_backends.sqlite.database import SQLiteDatabase

__all__ = ["interstore_backend"]


def _database(settings: SQLiteSettings) -> SQLiteDatabase:
    from interstore_backends.sqlite.database import SQLiteDatabase

    return SQLiteDatabase(settings)


@hookimpl
def interstore_backend() -> Backend:
    """The registration."""
    return Backend(
        name="sqlite",
        settings=SQLiteSettings,
        database=_database,
        capabilities=CAPABILITIES,
        limits=LIMITS,
        schemes=("sqlite", "sqlite3"),
        aliases=("sqlite3",),
    )
