from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from interstore.errors import MissingDriverError
from interstore_backends.sqlite.database import SQLiteDatabase
from interstore_backends.sqlite.settings import SQLiteSettings
from tests.engines.sqlite.support import VARIANTS, Open


@pytest.fixture(params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> dict[str, Any]:
    options = VARIANTS[request.param]
    if "driver" in options:
        pytest.importorskip(options["driver"])
    return options


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "data" / "test.db")


@pytest.fixture
def opened(path: str) -> Iterator[Open]:
    databases = []

    def open_database(**options: Any) -> SQLiteDatabase:
        database = SQLiteDatabase(SQLiteSettings(**{"path": path, "durability": "os", **options}))
        databases.append(database)
        database.connect()
        return database

    yield open_database
    for database in databases:
        database.disconnect()


@pytest.fixture
def database(opened: Open, variant: dict[str, Any]) -> SQLiteDatabase:
    """A database in a file, on each library and in each format."""
    return opened(**variant)


@pytest.fixture(scope="module")
def memories() -> Iterator[list[SQLiteDatabase]]:
    """One database in memory for each library and format, kept for the module's tests."""
    databases = []
    for options in VARIANTS.values():
        with suppress(MissingDriverError):
            databases.append(SQLiteDatabase(SQLiteSettings(path=":memory:", **options)))
    for database in databases:
        database.connect()
    yield databases
    for database in databases:
        database.disconnect()


@pytest.fixture
def memory(opened: Open, variant: dict[str, Any]) -> SQLiteDatabase:
    """A database in memory, on each library and in each format."""
    return opened(**{**variant, "path": ":memory:"})
