"""What the layers above an engine add to a call: `Store` over the engine's own method.

On the memory engine, which is the fastest, so that the difference stands out; for asyncio
without its threads, whose scheduling would hide it. A write is prepared for the engine
beforehand: there the difference holds validation and encoding, which grow with the document,
so no aim is set for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, cast

import interstore
from interstore.bulk import WriteOutcome
from interstore.changes import Changes
from interstore.document import Document
from interstore.filters.tree import ALL, Node
from interstore.prepare import prepare_write
from interstore.prepared import Query, Write
from interstore.times import now
from interstore_backends.memory.database import MemoryDatabase
from interstore_backends.memory.settings import MemorySettings
from tests.benchmarks.aims import Added, Aim
from tests.benchmarks.contenders.ours import MODEL
from tests.benchmarks.data import Dataset
from tests.benchmarks.measure import Case, Prepare
from tests.benchmarks.suites import Context, Sizes, Suite

__all__ = ["SUITES"]

Calls = Callable[[int], Sequence[tuple[Any, ...]]]

_SYNC: Final = "Store over the engine's own method"
_ASYNC: Final = "AsyncStore over the engine's own method"
_CREATE: Final = "create, validation included"


class OnTheLoop:
    """A database of coroutines that call a synchronous one at once."""

    def __init__(self, database: Any) -> None:
        self.database = database
        self.name = database.name
        self.capabilities = database.capabilities
        self.limits = database.limits

    async def connect(self) -> None:
        self.database.connect()

    async def disconnect(self) -> None:
        self.database.disconnect()

    async def create(self, model: str, write: Write) -> Document:
        return cast("Document", self.database.create(model, write))

    async def create_many(self, model: str, writes: Sequence[Write]) -> list[WriteOutcome]:
        return cast("list[WriteOutcome]", self.database.create_many(model, writes))

    async def find_by_id(self, model: str, id: str) -> Document | None:
        return cast("Document | None", self.database.find_by_id(model, id))

    async def update(
        self, model: str, id: str, changes: Changes, *, if_version: int | None = None
    ) -> Document:
        return cast("Document", self.database.update(model, id, changes, if_version=if_version))

    async def delete(
        self,
        model: str,
        id: str,
        *,
        if_version: int | None = None,
        if_created: str | None = None,
    ) -> bool:
        return bool(self.database.delete(model, id, if_version=if_version, if_created=if_created))

    async def find(self, model: str, query: Query) -> Iterable[Document]:
        return cast("Iterable[Document]", self.database.find(model, query))

    async def count(self, model: str, tree: Node) -> int:
        return int(self.database.count(model, tree))


def _cases(context: Context, title: str, store: Any, prepare: Any, aim: Aim) -> Iterator[Case]:
    data = Dataset(context.sizes.real)
    own = store.database.database
    for name, ours, ours_calls, theirs, their_calls in _table(store, own, data):
        if context.wants(title, name):
            contenders: dict[str, Prepare] = {
                "Interstore": prepare(ours, ours_calls),
                "engine": prepare(theirs, their_calls),
            }
            aims = {} if name == _CREATE else {"engine": aim}
            yield Case(name, contenders, aims=aims, added=True)


def _table(store: Any, own: Any, data: Dataset) -> Iterator[tuple[str, Any, Calls, Any, Calls]]:
    def ids(n: int) -> list[tuple[Any, ...]]:
        return [(MODEL, id) for id in data.ids(n)]

    def documents(n: int) -> list[tuple[Any, ...]]:
        return [(MODEL, document) for document in data.fresh(n)]

    def writes(n: int) -> list[tuple[Any, ...]]:
        prepared = [(MODEL, prepare_write(MODEL, each, now())) for each in data.fresh(n)]
        for _, write in prepared:
            write.json  # noqa: B018 (encoded here: the engine would have to in any case)
        return prepared

    def none(n: int) -> list[tuple[Any, ...]]:
        return [(MODEL, "none")] * n

    yield "find_by_id", store.find_by_id, ids, own.find_by_id, ids
    yield "delete what is not there", store.delete, none, own.delete, none
    yield "count all", store.count, _same(MODEL), own.count, _same(MODEL, ALL)
    yield _CREATE, store.create, documents, own.create, writes


def _same(*call: Any) -> Calls:
    return lambda n: [call] * n


def _sync_cases(context: Context) -> Iterator[Case]:
    def prepare(method: Callable[..., Any], calls: Calls) -> Prepare:
        return lambda n: _ready(method, calls(n))

    store = context.closing.enter_context(interstore.connect(type="memory"))
    store.create_many(MODEL, Dataset(context.sizes.real).documents)
    yield from _cases(context, _SYNC, store, prepare, Added(2))


def _ready(method: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> Callable[[], None]:
    def run() -> None:
        for call in calls:
            method(*call)

    return run


def _async_cases(context: Context) -> Iterator[Case]:
    runner = context.closing.enter_context(asyncio.Runner())

    def prepare(method: Callable[..., Any], calls: Calls) -> Prepare:
        return lambda n: _ready_async(runner, method, calls(n))

    store = interstore.connect_async(database=OnTheLoop(MemoryDatabase(MemorySettings())))
    runner.run(store.connect())
    context.closing.callback(lambda: runner.run(store.close()))
    runner.run(store.create_many(MODEL, Dataset(context.sizes.real).documents))
    yield from _cases(context, _ASYNC, store, prepare, Added(5))


def _ready_async(
    runner: asyncio.Runner, method: Callable[..., Any], calls: Sequence[tuple[Any, ...]]
) -> Callable[[], None]:
    async def run() -> None:
        for call in calls:
            await method(*call)

    return lambda: runner.run(run())


def _title(title: str) -> Callable[[Sizes], str]:
    return lambda _: title


SUITES: Final = (Suite(_title(_SYNC), _sync_cases), Suite(_title(_ASYNC), _async_cases))
