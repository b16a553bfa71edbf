"""The operations on a whole database: models, figures, plans, indexes."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic, perf_counter
from typing import Any

from interstore._async.base import AsyncBase
from interstore.errors import InterstoreError, InvalidQueryError, UnsupportedError
from interstore.expiry import Sweep
from interstore.filters.arguments import check_limit, parse_sort
from interstore.filters.parse import parse_filter
from interstore.indexes import Index, IndexType, parse_index
from interstore.names import is_reserved
from interstore.plans import Plan
from interstore.prepare import Filter, Sort
from interstore.prepared import Query
from interstore.stats import Stats

__all__ = ["AsyncAdministration"]


class AsyncAdministration(AsyncBase):
    """Models, figures, plans and indexes."""

    async def models(self) -> list[str]:
        """The names of the models that exist, sorted."""
        self._check_open()
        return [name for name in await self.database.models() if not is_reserved(name)]

    async def drop(self, model: str) -> bool:
        """Remove a model and all its documents; return whether it existed."""
        self._check(model)
        try:
            return await self.database.drop(model)
        except InterstoreError as error:
            self._name_error(error, model)
            raise

    async def ping(self) -> float:
        """How many seconds the engine takes to answer; raises the reason if it does not."""
        self._check_open()
        started = perf_counter()
        await self.database.ping()
        return perf_counter() - started

    async def stats(self) -> Stats:
        """Figures about the database: documents, bytes, indexes, connections, versions.

        Raises:
            UnsupportedError: the engine does not declare `stats`.
        """
        self._check_open()
        return await self.database.stats()

    def metrics(self) -> dict[str, Any]:
        """The figures that plugins keep of this store, by the plugin's name; not awaited.

        Raises:
            UnsupportedError: no plugin of the store keeps any.
        """
        found = {layer.plugin.name: layer.metrics for layer in self.plugins}
        figures = {name: tell() for name, tell in found.items() if tell is not None}
        if not figures:
            raise UnsupportedError(
                "no plugin of this store keeps figures; name one that does, as "
                "INTERSTORE_PLUGINS=observe",
                backend=self.database.name,
            )
        return figures

    async def sweep(
        self,
        model: str | None = None,
        *,
        batch: int = 1_000,
        timeout: float = 60.0,  # noqa: ASYNC109 (of many calls, after each of which it is looked at)
    ) -> Sweep:
        """Remove documents that have expired, which nobody sees any more.

        Beside readers and writers, in batches of their own: a document whose expiry was moved
        meanwhile stays. It may be called by several processes at once, and be killed.

        Args:
            model: the model; all of them by default.
            batch: at most so many documents are removed in one go.
            timeout: seconds after which no further batch is begun.

        Raises:
            UnsupportedError: documents do not expire there (capability `ttl`).
        """
        self._check_open()
        _check_bounds(batch, timeout)
        if model is not None:
            self._check(model)
        end, removed = monotonic() + timeout, 0
        for name in [model] if model is not None else await self._sweepable():
            while True:
                try:
                    count = await self.database.sweep(name, batch)
                except InterstoreError as error:
                    self._name_error(error, name)
                    raise
                removed += count
                if count < batch:
                    break
                if monotonic() >= end:
                    return Sweep(removed, False)
        return Sweep(removed, True)

    async def _sweepable(self) -> list[str]:
        """Every model; where nothing expires, one is enough to be told so."""
        return await self.database.models() if self.database.capabilities.ttl else ["all"]

    async def explain(
        self, model: str, filter: Filter = None, *, sort: Sort = None, limit: int | None = None
    ) -> Plan:
        """How `find` with the same arguments would be answered, without running it.

        Args:
            model: the model.
            filter: which documents.
            sort: their order.
            limit: at most so many: an engine may go another way to the first few than to all.

        Raises:
            UnsupportedError: the engine does not declare `explain`.
        """
        self._check(model)
        query = Query(parse_filter(filter), parse_sort(sort), check_limit(limit))
        try:
            return await self.database.explain(model, query)
        except InterstoreError as error:
            self._name_error(error, model)
            raise

    @property
    def native(self) -> Any:
        """The driver's own object, for what Interstore does not cover."""
        return self.database.native

    async def ensure_index(
        self,
        model: str,
        *paths: Any,
        type: IndexType | Sequence[IndexType | None] | None = None,
        unique: bool = False,
        list: bool = False,
        where: Filter = None,
        expire_after: str | None = None,
    ) -> Index:
        """Have an index on `paths`, built unless it exists, and return it.

        It serves equality, ``$in``, ranges, prefixes, null, sorting and paging on its first
        path, and on the others after it. What it declares holds from then on for every
        write of whatever process: at its paths, strings of 1,024 UTF-8 bytes at most, divided
        by the number of paths.

        Args:
            model: the model; it is created if it does not exist.
            *paths: paths of keys, or ``"@version"``, ``"@created_at"``, ``"@updated_at"``.
            type: ``"number"``, ``"string"`` or ``"bool"``, for all paths or one for each:
                only that, null or nothing may stand there.
            unique: no two documents may have the same values; one where any of them is null
                or missing is not looked at. Only scalars may stand there.
            list: the one path leads to an array of scalars (of the type), or null or
                nothing; the index serves ``$has``.
            where: of which documents the values must be unique, as a filter of ``$eq``, ``$ne``,
                ``$in``, ``$nin``, ranges, ``$exists`` and ``$type`` on fields, all of which must
                be true; other documents may share values. It goes with `unique`. At its
                paths, too, only scalars may stand.
            expire_after: refused: each write says when its document expires, by `expires_at`.

        Raises:
            UnsupportedError: the engine does not declare this kind of index.
            ConfigurationError: it contradicts an index that exists.
            InvalidDocumentError: stored documents do not fit it; the message names them.
            DuplicateError: stored documents clash under it; the message names them.
        """
        self._check(model)
        if expire_after is not None:
            raise self.database.unsupported(
                "ensure_index with expire_after (capability ttl)",
                "say with each write when its document expires, by expires_at",
            )
        index = parse_index(paths, type, unique, list, where)
        try:
            await self.database.ensure_index(model, index)
        except InterstoreError as error:
            self._name_error(error, model)
            raise
        return index

    async def indexes(self, model: str) -> list[Index]:
        """The indexes of the model, in the order of their names."""
        self._check(model)
        try:
            return await self.database.indexes(model)
        except InterstoreError as error:
            self._name_error(error, model)
            raise

    async def drop_index(self, model: str, index: Index | str) -> bool:
        """Remove an index, given itself or its name; return whether it existed.

        What it declared is no longer demanded of documents.
        """
        self._check(model)
        name = index if isinstance(index, str) else getattr(index, "name", None)
        if not isinstance(name, str):
            raise InvalidQueryError(f"drop_index takes an Index or its name, not {index!r:.80}")
        try:
            return await self.database.drop_index(model, name)
        except InterstoreError as error:
            self._name_error(error, model)
            raise


def _check_bounds(batch: Any, timeout: Any) -> None:
    if type(batch) is not int or not 1 <= batch <= 10_000:
        raise InvalidQueryError(f"batch is a number of documents from 1 to 10,000, not {batch!r}")
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not timeout > 0:
        raise InvalidQueryError(f"timeout is a number of seconds above 0, not {timeout!r}")
