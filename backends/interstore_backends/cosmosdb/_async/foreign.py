"""Containers that others made in the same database, which are read and updated."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeVar

from azure.core import MatchConditions
from azure.cosmos.exceptions import CosmosHttpResponseError

from interstore._async.foreign_database import AsyncForeignDatabase
from interstore.changes import Changes
from interstore.document import Document
from interstore.errors import ConfigurationError
from interstore.filters.tree import Node
from interstore.foreign import (
    ForeignDocument,
    ForeignSource,
    IdType,
    NativeId,
    Renaming,
    Span,
    absent,
)
from interstore.foreign_values import exact_changes, present_json
from interstore.paths import Path
from interstore_backends.cosmosdb._async.connection import listed
from interstore_backends.cosmosdb._async.reads import LISTED, AsyncReads
from interstore_backends.cosmosdb._async.writes import contended
from interstore_backends.cosmosdb.compile import Statement, compile_by_ids
from interstore_backends.cosmosdb.driver_async import ContainerProxy, within
from interstore_backends.cosmosdb.errors import CAUGHT, is_gone, is_unmet, unsure
from interstore_backends.cosmosdb.foreign_items import (
    OWN,
    changed_item,
    compile_page,
    compile_sample,
    compile_total,
    key_of_item,
    key_of_source,
    key_paths,
)
from interstore_backends.cosmosdb.keys import ENVELOPE
from interstore_backends.cosmosdb.retry import UnsureError
from interstore_backends.cosmosdb.settings import LIMITS

__all__ = ["AsyncCosmosDBForeign"]

T = TypeVar("T")

_ATTEMPTS: Final = 100
_SAMPLES: Final = 50


class AsyncCosmosDBForeign(AsyncForeignDatabase):
    """One container, or one logical partition of it, through the client of the store's database.

    An id is unique within a partition alone. So a view of all partitions reports an id that it
    meets twice, and looks for an id everywhere; a view of one partition reads it at its place.
    """

    def __init__(self, source: ForeignSource, owner: AsyncReads) -> None:
        super().__init__(source, "cosmosdb", LIMITS)
        self._owner = owner
        self._renaming = Renaming(source, "id")
        self._paths: list[Path] | None = None
        self._key: Any = None
        if source.id not in (None, "id") or source.id_type not in (None, "string"):
            raise self._wrong("an item's id is the text in 'id'; leave id and id_type out")

    # Reads.

    async def kind(self) -> IdType | None:
        await self._guarded(self._open)
        return "string"

    async def _open(self) -> list[Path]:
        """The paths of the partition key, once the container was seen.

        Raises:
            ConfigurationError: it does not exist, or its key is another than the source says.
        """
        if self._paths is None:
            try:
                properties = await self._container().read()
            except CosmosHttpResponseError as error:
                if not is_gone(error):
                    raise
                names = sorted(
                    each["id"] for each in await listed(self._owner.native.list_containers)
                )
                raise self._wrong(absent("container", self.source.name, names)) from error
            paths = key_paths(properties)
            self._key = key_of_source(self.source, paths)
            self._paths = paths
        return self._paths

    def _container(self) -> ContainerProxy:
        return self._owner._container(self.source.name)

    @property
    def _at_id(self) -> bool:
        """Whether an id alone tells where its item is."""
        return self._key is not None or self._paths == [("id",)]

    async def _read(self, tree: Node, span: Span, limit: int) -> list[Document]:
        async def work() -> list[Document]:
            statement = compile_page(self._renaming, tree, span, limit)
            rows = await self._rows(statement, limit)
            found: list[Document] = [self._document(item) for item in rows]
            found.sort(key=lambda document: document.id, reverse=span.descending)
            return found[:limit]

        return await self._guarded(work)

    async def _fetch(self, ids: Sequence[NativeId]) -> list[Document]:
        async def work() -> list[Document]:
            return [self._document(item) for item in await self._items([str(id) for id in ids])]

        return await self._guarded(work)

    async def _items(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """The items that exist among `ids`: read one by one where it is known where they are."""
        await self._open()
        if self._at_id:
            found = await self._owner._workers.fan_out([partial(self._item, id) for id in ids])
            return [item for item in found if item is not None]
        rows: list[dict[str, Any]] = []
        for start in range(0, len(ids), LISTED):
            rows += await self._rows(compile_by_ids(ids[start : start + LISTED]), None)
        return rows

    async def _item(self, id: str) -> dict[str, Any] | None:
        try:
            return await self._container().read_item(id, id if self._key is None else self._key)
        except CosmosHttpResponseError as error:
            if is_gone(error):
                return None
            raise
        except ValueError:
            return None  # the driver knows that no item can have such an id

    async def _rows(self, statement: Statement, limit: int | None) -> list[Any]:
        if self._key is None:
            return await self._owner._rows(self.source.name, statement, limit)
        ask = partial(
            self._container().query_items,
            statement.sql,
            parameters=statement.parameters,
            partition_key=self._key,
        )
        return await listed(ask)

    async def _total(self) -> int:
        async def work() -> int:
            return int(sum(await self._rows(compile_total(), None)))

        return await self._guarded(work)

    async def _splits(self, n: int) -> list[str]:
        async def work() -> list[str]:
            known = sorted(set(await self._rows(compile_sample(n * _SAMPLES), None)))
            shares = min(n, len(known)) or 1
            return [known[len(known) * share // shares - 1] for share in range(1, shares)]

        return await self._guarded(work)

    # Writes.

    async def _only(self, id: str) -> dict[str, Any] | None:
        """The item with that id; ``None`` if there is none.

        Raises:
            ConfigurationError: there is one in more than one partition.
        """
        found = await self._items([id])
        if len(found) > 1:
            raise self._twice(id)
        return found[0] if found else None

    async def _change(self, id: NativeId, changes: Changes) -> Document | None:
        async def work() -> Document | None:
            paths = await self._open()
            for _ in range(_ATTEMPTS):
                item = await self._only(str(id))
                if item is None:
                    return None
                before = self._document(item).fields()
                exact = exact_changes(changes, before)
                after = exact.apply_to(before)
                changed = changed_item(item, after, exact, self._renaming, paths)
                stored = await self._replace(item, changed, paths)
                if stored is not None:
                    return self._document(stored)
            raise contended(self.source.name, str(id))

        return await self._guarded(work, writes=True)

    async def _replace(
        self, item: Mapping[str, Any], changed: dict[str, Any], paths: Sequence[Path]
    ) -> dict[str, Any] | None:
        """Store it in the place of what was read; ``None`` if that is not there any more.

        As it is conditional on what was read, it may be sent again when its answer was lost.

        Raises:
            OperationTimeoutError: it is not, and may have given way to this very write.
        """
        doubt: UnsureError | None = None
        for _ in range(_ATTEMPTS):
            try:
                return await self._container().replace_item(
                    item["id"],
                    changed,
                    etag=item["_etag"],
                    match_condition=MatchConditions.IfNotModified,
                )
            except UnsureError as error:
                doubt = error
            except CosmosHttpResponseError as error:
                if not (is_unmet(error) or is_gone(error)):
                    raise
                if doubt is None:
                    return None
                now = await self._only(item["id"])
                if now is not None and _without_own(now) == changed:
                    return now
                raise unsure(self.source.name, item["id"], doubt) from doubt
        raise unsure(self.source.name, item["id"], doubt or Exception()) from doubt

    async def _remove(self, id: NativeId) -> bool:
        async def work() -> bool:
            paths = await self._open()
            item = await self._only(str(id))
            if item is None:
                return False
            try:
                await self._container().delete_item(item["id"], key_of_item(item, paths))
            except CosmosHttpResponseError as error:
                if is_gone(error):
                    return False
                raise
            except UnsureError as error:
                raise unsure(self.source.name, str(id), error) from error
            return True

        return await self._guarded(work, writes=True)

    # Documents.

    def _document(self, item: Mapping[str, Any]) -> ForeignDocument:
        """The document as it is presented.

        Raises:
            ConfigurationError: it is Interstore's own, or one field would hide another.
        """
        if isinstance(item.get(ENVELOPE), dict):
            raise self._wrong("it is Interstore's own; read it as a model of the store")
        fields = {
            self._renaming.presented(name): present_json(value)
            for name, value in item.items()
            if name != "id" and name not in OWN
        }
        return ForeignDocument(fields, id=item["id"])

    def _twice(self, id: str) -> ConfigurationError:
        example = ", ".join(f"{'.'.join(map(str, path))!r}: ..." for path in self._paths or [])
        return self._wrong(
            f"more than one partition has an item with the id {id!r}; open one partition alone, "
            f"with partition={{{example}}}"
        )

    def _wrong(self, problem: str) -> ConfigurationError:
        return ConfigurationError(
            f"foreign {self.source.name!r}: {problem}", backend=self.name, model=self.source.name
        )

    async def _guarded(self, work: Callable[[], Awaitable[T]], *, writes: bool = False) -> T:
        """What `work` returns, in time, raising Interstore's errors."""
        try:
            async with within(self._owner._settings.timeout):
                return await work()
        except CAUGHT as error:
            raise self._owner.errors(error, self.source.name, writes=writes) from error


def _without_own(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in OWN}
