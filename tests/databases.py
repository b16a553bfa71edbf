"""The databases that the kit is run on, in both flavours under paired names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from interstore._async.database import AsyncDatabase
from interstore._sync.database import Database
from interstore.bridge import to_async, to_sync

__all__ = [
    "bridged_sqlite",
    "bridged_sqlite_async",
    "cosmosdb",
    "cosmosdb_async",
    "installed",
    "installed_async",
    "json_files",
    "json_files_async",
    "memory",
    "memory_async",
    "mongodb",
    "mongodb_async",
    "postgresql",
    "postgresql_async",
    "sqlite",
    "sqlite_async",
    "there_and_back",
    "there_and_back_async",
]


def memory() -> Database:
    """The memory engine."""
    from interstore_backends.memory.database import MemoryDatabase
    from interstore_backends.memory.settings import MemorySettings

    return MemoryDatabase(MemorySettings())


def memory_async() -> AsyncDatabase:
    return to_async(memory())


def there_and_back() -> Database:
    """The memory engine across the bridge to asyncio, and across the other one back."""
    return to_sync(memory_async())


def there_and_back_async() -> AsyncDatabase:
    return to_async(there_and_back())


def json_files(folder: Path, durability: Any = "os") -> Database:
    """The JSON files engine; tests of what survives a crash are its own."""
    from interstore_backends.jsonfiles.database import JsonFilesDatabase
    from interstore_backends.jsonfiles.settings import JsonFilesSettings

    return JsonFilesDatabase(JsonFilesSettings(data_dir=str(folder), durability=durability))


def json_files_async(folder: Path, durability: Any = "os") -> AsyncDatabase:
    return to_async(json_files(folder, durability))


def sqlite(folder: Path, **settings: Any) -> Database:
    """The SQLite engine on a file."""
    from interstore_backends.sqlite.database import SQLiteDatabase
    from interstore_backends.sqlite.settings import SQLiteSettings

    path = str(folder / "test.db")
    return SQLiteDatabase(SQLiteSettings(path=path, durability="os", **settings))


def sqlite_async(folder: Path, **settings: Any) -> AsyncDatabase:
    return to_async(sqlite(folder, **settings))


def bridged_sqlite(folder: Path) -> Database:
    """The SQLite engine across the bridge to asyncio, and across the other one back."""
    return to_sync(sqlite_async(folder))


def bridged_sqlite_async(folder: Path) -> AsyncDatabase:
    return to_async(bridged_sqlite(folder))


def installed(name: str, **settings: Any) -> Database:
    """An engine that a package brought, found by its entry point as `connect` finds it."""
    from interstore import discovery

    backend = discovery.get(name)
    assert backend.database is not None
    return backend.database(backend.settings(**settings))


def installed_async(name: str, **settings: Any) -> AsyncDatabase:
    return to_async(installed(name, **settings))


def postgresql(url: str, **settings: Any) -> Database:
    """The PostgreSQL engine."""
    from interstore_backends.postgresql._sync.database import PostgreSQLDatabase

    return PostgreSQLDatabase(_postgresql_settings(url, settings))


def postgresql_async(url: str, **settings: Any) -> AsyncDatabase:
    from interstore_backends.postgresql._async.database import AsyncPostgreSQLDatabase

    return AsyncPostgreSQLDatabase(_postgresql_settings(url, settings))


def _postgresql_settings(url: str, settings: dict[str, Any]) -> Any:
    from interstore.settings import URL
    from interstore_backends.postgresql.settings import PostgreSQLSettings

    return PostgreSQLSettings(**{**PostgreSQLSettings.from_url(URL.parse(url)), **settings})


def mongodb(url: str, **settings: Any) -> Database:
    """The MongoDB engine."""
    from interstore_backends.mongodb._sync.database import MongoDBDatabase

    return MongoDBDatabase(_mongodb_settings(url, settings))


def mongodb_async(url: str, **settings: Any) -> AsyncDatabase:
    from interstore_backends.mongodb._async.database import AsyncMongoDBDatabase

    return AsyncMongoDBDatabase(_mongodb_settings(url, settings))


def _mongodb_settings(url: str, settings: dict[str, Any]) -> Any:
    from interstore.settings import URL
    from interstore_backends.mongodb.settings import MongoDBSettings

    return MongoDBSettings(**{**MongoDBSettings.from_url(URL.parse(url)), **settings})


def cosmosdb(url: str, **settings: Any) -> Database:
    """The Azure Cosmos DB engine, which makes models as the tests write to them."""
    from interstore_backends.cosmosdb._sync.database import CosmosDBDatabase

    return CosmosDBDatabase(_cosmosdb_settings(url, settings))


def cosmosdb_async(url: str, **settings: Any) -> AsyncDatabase:
    from interstore_backends.cosmosdb._async.database import AsyncCosmosDBDatabase

    return AsyncCosmosDBDatabase(_cosmosdb_settings(url, settings))


def _cosmosdb_settings(url: str, settings: dict[str, Any]) -> Any:
    from interstore.settings import URL
    from interstore_backends.cosmosdb.settings import CosmosDBSettings

    parsed = URL.parse(url)
    given = {**CosmosDBSettings.from_url(parsed), **parsed.query}
    return CosmosDBSettings(**{"auto_create": True, **given, **settings})
