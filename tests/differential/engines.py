"""Every engine, as the tests of one meaning see it: a table, and what is opened by it.

A new engine joins by one line of `ENGINES`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from interstore._async.database import AsyncDatabase
from interstore._async.store import AsyncStore
from interstore._sync.database import Database
from interstore._sync.store import Store
from tests import databases as make

__all__ = ["ENGINES", "FOLDER", "Engine", "Place", "Subject", "place_of"]

FOLDER = "folder"


@dataclass(frozen=True)
class Engine:
    """One engine, in one of its forms.

    Attributes:
        name: that of the form.
        database: makes a database; its first argument is the place, if there is one.
        database_async: the same for the other flavour.
        place: where its documents lie: nowhere, in a folder, or with a server, which is the
            name of a fixture whose value has `database()`, a context that gives a URL.
        settings: further ones.
        needs: a module that it cannot do without.
        prepare: makes a model as inconvenient as another program could have made it.
        one_in: of many random questions, it is asked one in so many: the others cost too much.
    """

    name: str
    database: Callable[..., Database]
    database_async: Callable[..., AsyncDatabase]
    place: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    needs: str = ""
    prepare: Callable[[Store, str], None] = lambda store, model: None
    one_in: int = 1


def _collate(store: Store, model: str) -> None:
    """A collection that sorts as people do, unless it is told not to."""
    collation = {"locale": "en", "strength": 3}
    store.native.drop_collection(model)
    store.native.create_collection(model, collation=collation)


_NEWER = {"driver": "pysqlite3"}

ENGINES = (
    Engine("memory", make.memory, make.memory_async),
    Engine("json", make.json_files, make.json_files_async, FOLDER),
    Engine("sqlite", make.sqlite, make.sqlite_async, FOLDER),
    Engine("sqlite-newer", make.sqlite, make.sqlite_async, FOLDER, _NEWER, "pysqlite3"),
    Engine(
        "sqlite-jsonb", make.sqlite, make.sqlite_async, FOLDER, {**_NEWER, "jsonb": True},
        "pysqlite3",
    ),
    Engine("postgresql", make.postgresql, make.postgresql_async, "postgresql_server"),
    Engine(
        "mongodb", make.mongodb, make.mongodb_async, "mongodb_server",
        {"durability": "primary"}, prepare=_collate,
    ),
    # Four partitions, so a question is four requests over HTTP.
    Engine("cosmosdb", make.cosmosdb, make.cosmosdb_async, "cosmosdb_server", one_in=10),
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where the documents of one engine lie; it can be sent to another process.

    Attributes:
        name: the engine's.
        where: a folder or a URL; ``None`` where there is none.
    """

    name: str
    where: Path | str | None

    @property
    def engine(self) -> Engine:
        [engine] = [each for each in ENGINES if each.name == self.name]
        return engine

    @property
    def _arguments(self) -> tuple[Any, ...]:
        return () if self.where is None else (self.where,)

    def database(self) -> Database:
        """Another database object for this place, not connected."""
        return self.engine.database(*self._arguments, **self.engine.settings)

    def store(self) -> Store:
        """The same as a store."""
        return Store(self.database())

    def store_async(self) -> AsyncStore:
        """The same for asyncio."""
        engine = self.engine
        return AsyncStore(engine.database_async(*self._arguments, **engine.settings))


@dataclass(frozen=True)
class Subject:
    """An engine under test.

    Attributes:
        name: the engine's.
        place: where its documents lie.
        store: a connected store.
    """

    name: str
    place: Place
    store: Store

    def is_asked(self, question: Any, often: int = 1) -> bool:
        """Whether one of many random questions is for this engine; always the same answer.

        Args:
            question: what is asked.
            often: how many times as often as otherwise.
        """
        one_in = max(1, self.place.engine.one_in // often)
        return zlib.crc32(repr(question).encode("utf-8", "surrogatepass")) % one_in == 0

    def sort_of(self, sort: list[Any]) -> list[Any]:
        """The sort, or its first key if the engine does not declare sorts by several."""
        several = self.store.capabilities.multi_key_sort_undeclared
        return sort if several else sort[:1]


@contextmanager
def place_of(
    engine: Engine, request: pytest.FixtureRequest, folders: pytest.TempPathFactory
) -> Generator[Place]:
    """An empty place for the engine; the test is skipped where it cannot run."""
    if engine.needs:
        pytest.importorskip(engine.needs, reason=f"there is no {engine.needs}")
    if engine.place in ("", FOLDER):
        yield Place(engine.name, folders.mktemp(engine.name) if engine.place else None)
        return
    with request.getfixturevalue(engine.place).database() as url:
        yield Place(engine.name, url)
