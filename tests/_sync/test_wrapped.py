# Generated from tests/_async/test_wrapped.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 64fcfb4f2c9045aeb381570e

"""The kit on wrapped databases: a wrapper must not be noticed by what it does not do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from interstore._sync.database import Database
from interstore.changes import Changes
from interstore.document import Document
from interstore.plugins._sync.interceptor import Interceptor
from interstore.plugins._sync.observed import Observed
from interstore.plugins._sync.wrapper import Wrapper
from interstore.plugins.operation import Operation
from interstore.prepared import Query, Write
from interstore.testing import Conformance
from tests.databases import memory


class Seven(Wrapper):
    """Overrides the seven, so that every other operation is derived on it."""

    def create(self, model: str, write: Write) -> Document:
        return self.inner.create(model, write)

    def find_by_id(self, model: str, id: str) -> Document | None:
        return self.inner.find_by_id(model, id)

    def update(
        self, model: str, id: str, changes: Changes, *, if_version: int | None = None
    ) -> Document:
        return self.inner.update(model, id, changes, if_version=if_version)

    def delete(self, model: str, id: str, *, if_version: int | None = None) -> bool:
        return self.inner.delete(model, id, if_version=if_version)

    def find(self, model: str, query: Query) -> Iterable[Document]:
        return self.inner.find(model, query)


class Around(Interceptor):
    """Does nothing around everything."""

    def intercept(
        self,
        operation: str,
        call: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        return call(*args, **kwargs)


def all_kinds(database: Database, told: list[Operation]) -> Database:
    return Observed(Around(Seven(database)), told.append)


@pytest.mark.long
class TestSevenOnMemory(Conformance):
    @pytest.fixture
    def database(self) -> Database:
        return Seven(memory())


class TestAllKindsOnMemory(Conformance):
    @pytest.fixture
    def database(self) -> Database:
        return all_kinds(memory(), [])
