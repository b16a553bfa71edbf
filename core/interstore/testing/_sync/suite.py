# Generated from core/interstore/testing/_async/suite.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: cd0d0151c7b19c55b6723897

"""What every suite builds on: the fixtures, and calls at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar
from uuid import uuid4

import pytest

from interstore._sync.database import Database
from interstore._sync.operations import Operations
from interstore._sync.store import Store
from interstore.document import Document
from interstore.errors import InterstoreError

fixture = pytest.fixture

__all__ = ["Suite", "at_once", "clear", "fill", "fixture", "served_sort"]

T = TypeVar("T")


class Suite:
    """The fixtures. An engine defines `database`, and `second_database` if it is persistent."""

    @pytest.fixture
    def database(self) -> Database:
        """The database under test, not connected."""
        pytest.fail(
            "define a fixture `database` in your class: it returns your database, not connected"
        )

    @pytest.fixture
    def second_database(self, database: Database) -> Database:
        """Another database object that leads to the same data, not connected."""
        if not database.capabilities.persistent:
            pytest.skip("capability persistent is not declared")
        pytest.fail(
            f"{database.name} declares `persistent`: define a fixture `second_database` in your "
            "class, which returns another database object for the same place"
        )

    @fixture
    def store(self, database: Database) -> Iterator[Store]:
        """A connected store over `database`."""
        with Store(database) as store:
            yield store

    @pytest.fixture
    def operations(self, store: Store, database: Database) -> Operations:
        """Every operation of the connected database, as migration and wrappers see them."""
        return Operations(database)

    @fixture
    def model(self, store: Store) -> Iterator[str]:
        """The name of a model that nothing else uses; it does not exist yet."""
        name = f"kit_{uuid4().hex[:12]}"
        yield name
        clear(store, name)

    @fixture
    def other_model(self, store: Store) -> Iterator[str]:
        """A second one."""
        name = f"other_{uuid4().hex[:12]}"
        yield name
        clear(store, name)


def clear(store: Store, model: str) -> None:
    """Leave nothing of the model, or as little as the engine allows."""
    with suppress(InterstoreError):
        if store.capabilities.drop:
            store.drop(model)
        else:
            store.delete_many(model, {})


def fill(store: Store, model: str, documents: Iterable[Mapping[str, Any]]) -> list[Document]:
    """Create the documents; return them as the store reads them, in the same order."""
    result = store.create_many(model, list(documents))
    ids = [outcome.id for outcome in result.outcomes]
    found = store.find_by_ids(model, ids)
    missing = [id for id, document in zip(ids, found, strict=True) if document is None]
    assert not missing, f"created, and not found by id: {missing}"
    return [document for document in found if document is not None]


def served_sort(store: Store, sort: Any) -> Any:
    """As much of a sort as the engine serves without an index declared for it."""
    capabilities = store.capabilities
    several = capabilities.multi_key_sort_undeclared or capabilities.filter == "core"
    return sort if several or not isinstance(sort, list) else sort[:1]


def at_once(calls: Sequence[Callable[[], T]]) -> list[T | InterstoreError]:
    """Make the calls at the same time; what each returned, or its error, in order."""

    def outcome(call: Callable[[], T]) -> T | InterstoreError:
        try:
            return call()
        except InterstoreError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        outcomes = list(pool.map(outcome, calls))
    return outcomes
