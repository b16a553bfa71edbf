"""What every suite builds on: the fixtures, and calls at the same time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar
from uuid import uuid4

import pytest

from interstore._async.database import AsyncDatabase
from interstore._async.operations import AsyncOperations
from interstore._async.store import AsyncStore
from interstore._compat_async import ASYNC
from interstore.document import Document
from interstore.errors import InterstoreError

if ASYNC:
    import asyncio

    import pytest_asyncio

    fixture = pytest_asyncio.fixture
else:
    fixture = pytest.fixture

__all__ = ["AsyncSuite", "at_once", "clear", "fill", "fixture", "served_sort"]

T = TypeVar("T")


class AsyncSuite:
    """The fixtures. An engine defines `database`, and `second_database` if it is persistent."""

    if ASYNC:
        pytestmark = pytest.mark.asyncio

    @pytest.fixture
    def database(self) -> AsyncDatabase:
        """The database under test, not connected."""
        pytest.fail(
            "define a fixture `database` in your class: it returns your database, not connected"
        )

    @pytest.fixture
    def second_database(self, database: AsyncDatabase) -> AsyncDatabase:
        """Another database object that leads to the same data, not connected."""
        if not database.capabilities.persistent:
            pytest.skip("capability persistent is not declared")
        pytest.fail(
            f"{database.name} declares `persistent`: define a fixture `second_database` in your "
            "class, which returns another database object for the same place"
        )

    @fixture
    async def store(self, database: AsyncDatabase) -> AsyncIterator[AsyncStore]:
        """A connected store over `database`."""
        async with AsyncStore(database) as store:
            yield store

    @pytest.fixture
    def operations(self, store: AsyncStore, database: AsyncDatabase) -> AsyncOperations:
        """Every operation of the connected database, as migration and wrappers see them."""
        return AsyncOperations(database)

    @fixture
    async def model(self, store: AsyncStore) -> AsyncIterator[str]:
        """The name of a model that nothing else uses; it does not exist yet."""
        name = f"kit_{uuid4().hex[:12]}"
        yield name
        await clear(store, name)

    @fixture
    async def other_model(self, store: AsyncStore) -> AsyncIterator[str]:
        """A second one."""
        name = f"other_{uuid4().hex[:12]}"
        yield name
        await clear(store, name)


async def clear(store: AsyncStore, model: str) -> None:
    """Leave nothing of the model, or as little as the engine allows."""
    with suppress(InterstoreError):
        if store.capabilities.drop:
            await store.drop(model)
        else:
            await store.delete_many(model, {})


async def fill(
    store: AsyncStore, model: str, documents: Iterable[Mapping[str, Any]]
) -> list[Document]:
    """Create the documents; return them as the store reads them, in the same order."""
    result = await store.create_many(model, list(documents))
    ids = [outcome.id for outcome in result.outcomes]
    found = await store.find_by_ids(model, ids)
    missing = [id for id, document in zip(ids, found, strict=True) if document is None]
    assert not missing, f"created, and not found by id: {missing}"
    return [document for document in found if document is not None]


def served_sort(store: AsyncStore, sort: Any) -> Any:
    """As much of a sort as the engine serves without an index declared for it."""
    capabilities = store.capabilities
    several = capabilities.multi_key_sort_undeclared or capabilities.filter == "core"
    return sort if several or not isinstance(sort, list) else sort[:1]


async def at_once(calls: Sequence[Callable[[], Awaitable[T]]]) -> list[T | InterstoreError]:
    """Make the calls at the same time; what each returned, or its error, in order."""

    async def outcome(call: Callable[[], Awaitable[T]]) -> T | InterstoreError:
        try:
            return await call()
        except InterstoreError as error:
            return error

    if ASYNC:
        outcomes = await asyncio.gather(*(outcome(call) for call in calls))
    else:
        with ThreadPoolExecutor(len(calls)) as pool:
            outcomes = list(pool.map(outcome, calls))
    return outcomes
