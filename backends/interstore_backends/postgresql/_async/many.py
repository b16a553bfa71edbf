"""What writes many documents, a thousand or more in each statement."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from interstore.bulk import BulkResult, Outcome, WriteOutcome
from interstore.changes import Changes
from interstore.errors import (
    ConflictError,
    DuplicateError,
    InvalidDocumentError,
    NotFoundError,
)
from interstore.expiry import earliest
from interstore.filters.evaluate import compile_filter as compile_test
from interstore.filters.tree import ALL, Node
from interstore.prepared import Query, Write, WriteMode
from interstore.times import now
from interstore_backends.postgresql import bulk
from interstore_backends.postgresql._async.writes import ATTEMPTS, AsyncWrites, contended
from interstore_backends.postgresql.compile import compile_filter
from interstore_backends.postgresql.rows import Row
from interstore_backends.postgresql.schema import Table
from interstore_backends.postgresql.updates import compile_update, update_page
from interstore_backends.postgresql.values import Parameters, text_array

__all__ = ["AsyncBulk"]

_PAGE: Final = 5_000
"""Documents that one statement of `update_many` changes at most: it locks them."""


class AsyncBulk(AsyncWrites):
    """The operations on many documents."""

    async def create_many(self, model: str, writes: Sequence[Write]) -> list[WriteOutcome]:
        """Create each; the outcome of each, in order. The ids are distinct."""
        outcomes: list[WriteOutcome] = []
        for batch in bulk.batches(writes, outcomes, alike=True):
            rows = await self._batch(model, lambda table: table.create_many, batch)
            if rows is None:
                await self._one_by_one(model, batch, outcomes, self._create_one)
            elif len(rows) < len(batch.writes):
                created = {id for (id,) in rows}
                for place, write in zip(batch.places, batch.writes, strict=True):
                    if write.id not in created:
                        outcomes[place] = bulk.duplicate(model, write.id)
        return outcomes

    async def put_many(self, model: str, writes: Sequence[Write]) -> list[WriteOutcome]:
        """Put each; the outcome of each, in order. The ids are distinct."""
        outcomes: list[WriteOutcome] = []
        for batch in bulk.batches(writes, outcomes, alike=True):
            rows = await self._batch(model, lambda table: table.put_many, batch)
            if rows is None:
                await self._one_by_one(model, batch, outcomes, self._put_one)
                continue
            versions: dict[str, int] = dict(rows)
            for place, write in zip(batch.places, batch.writes, strict=True):
                outcomes[place] = versions[write.id]
        return outcomes

    async def write_page(
        self, model: str, writes: Sequence[Write], mode: WriteMode
    ) -> list[WriteOutcome]:
        """Write documents as they are, version and times included."""

        def statement(table: Table) -> str:
            if mode == "upsert":
                return table.copy_over
            return table.copy_if_absent if mode == "insert_if_absent" else table.copy_newer

        async def write_one(model: str, write: Write) -> int:
            alone = bulk.Batch.of(write)
            try:
                count, _ = await self._write(
                    model, statement, [alone.payload], create=True, stored=write
                )
            except InvalidDocumentError as error:
                current = await self._stays(model, write, error)
                if current is None or mode == "upsert":
                    raise
                if mode == "replace_if_newer" and current.version < write.version:
                    raise
                return 0
            return write.version if count else 0

        leaves_some = mode != "upsert"  # else whatever is there is written over
        outcomes: list[WriteOutcome] = []
        for batch in bulk.batches(writes, outcomes):
            await self._make_room(model, batch)
            rows = await self._batch(
                model, statement, batch, [batch.payload], returning=leaves_some
            )
            if rows is None:
                await self._one_by_one(model, batch, outcomes, write_one)
            elif leaves_some and len(rows) < len(batch.writes):
                written: dict[str, int] = dict(rows)
                for place, write in zip(batch.places, batch.writes, strict=True):
                    if write.id not in written:
                        outcomes[place] = 0
        return outcomes

    async def _make_room(self, model: str, batch: bulk.Batch) -> None:
        """Remove what has expired of the documents that are to be written over."""
        table = await self._table(model)
        await self._living(table, ALL)
        if table is not None and table.expiring:
            ids = [write.id for write in batch.writes]
            await self._remove_expired(table, len(ids), ids)

    async def _remove_expired(self, table: Table, limit: int, ids: Sequence[str] | None) -> int:
        """Remove documents that have expired, of some ids or all; return how many."""
        within, values = "SKIP LOCKED", [now(), str(limit)]
        where = "expires_at <= $1::timestamptz"
        if ids is not None:
            where, within = f"{where} AND id = ANY($3::text[])", ""
            values.append(text_array(ids))
        removed, _ = await self._write(
            table.model,
            lambda table: (
                f"WITH gone AS MATERIALIZED (SELECT id AS gone_id FROM {table.name} WHERE {where} "
                f"ORDER BY expires_at, id LIMIT $2::bigint FOR UPDATE {within}) "
                f"DELETE FROM {table.name} USING gone WHERE id = gone_id"
            ),
            values,
            prepare=True,
        )
        return removed

    async def _batch(
        self,
        model: str,
        statement: Callable[[Table], str],
        batch: bulk.Batch,
        values: Sequence[str | None] | None = None,
        *,
        returning: bool = True,
    ) -> list[Row] | None:
        """What a bulk statement returns; ``None`` if one of its documents made it fail."""
        try:
            _, rows = await self._write(
                model,
                statement,
                batch.values if values is None else values,
                create=True,
                prepare=True,
                returning=returning,
                expires=earliest(write.expires for write in batch.writes),
            )
        except (DuplicateError, InvalidDocumentError):
            return None
        return rows

    async def _one_by_one(
        self,
        model: str,
        batch: bulk.Batch,
        outcomes: list[WriteOutcome],
        write_one: Callable[[str, Write], Awaitable[int]],
    ) -> None:
        for place, write in zip(batch.places, batch.writes, strict=True):
            try:
                outcomes[place] = await write_one(model, write)
            except (DuplicateError, InvalidDocumentError) as error:
                error.id = write.id
                outcomes[place] = error

    async def _create_one(self, model: str, write: Write) -> int:
        return (await self.create(model, write)).version

    async def _put_one(self, model: str, write: Write) -> int:
        return (await self.put(model, write)).version

    async def update_many(self, model: str, tree: Node, changes: Changes) -> BulkResult:
        """Update every document that matches, thousands in one statement.

        One that no longer matches when its turn comes is left as it is; one that the
        changes do not fit is reported.
        """
        if changes.is_empty:
            return BulkResult(updated=await self.count(model, tree))
        living, indexed = await self._living(await self._table(model), tree)
        where = compile_filter(living, indexed, Parameters([changes.updated, "", ""]))
        updated = compile_update(changes, len(where.values) + 1)
        if updated is None:
            return await self._update_each(model, tree, changes)
        values: list[str | None] = [*where.values, *updated.values]
        result, after, size = BulkResult(), "", _PAGE
        while True:
            values[1:3] = after, str(size)
            try:
                _, rows = await self._write(
                    model,
                    lambda table: update_page(table.name, where.sql, updated),
                    values,
                    prepare=where.prepare,
                    returning=True,
                    expires=changes.expiry,
                )
            except (DuplicateError, InvalidDocumentError):
                size //= 20  # to find out which of them it was
                if size:
                    continue
                [document] = await self.find(model, Query(tree, limit=1, after=(after,)))
                await self._update_one(model, tree, document.id, changes, result)
                after, size = document.id, 20
                continue
            [(done, seen, last, misfits)] = rows or [(0, 0, None, None)]
            result.updated += done
            for id in misfits or ():
                await self._update_one(model, tree, id, changes, result)
            if seen < size:
                return result
            after, size = last, min(size * 20, _PAGE)

    async def _update_each(self, model: str, tree: Node, changes: Changes) -> BulkResult:
        """`update_many` by one document after the other."""
        result = BulkResult()
        query = Query(tree, limit=100)
        while True:
            page = list(await self.find(model, query))
            for document in page:
                await self._update_one(model, tree, document.id, changes, result)
            if len(page) < 100:
                return result
            query = query.only(after=(page[-1].id,))

    async def _update_one(
        self, model: str, tree: Node, id: str, changes: Changes, result: BulkResult
    ) -> None:
        """Update the document if it still matches; report it if the changes do not fit."""
        matches = compile_test(tree)
        try:
            for _ in range(ATTEMPTS):
                current = await self.find_by_id(model, id)
                if current is None or not matches(current):
                    return
                try:
                    await self.update(
                        model, id, changes.only_for(current), if_version=current.version
                    )
                except (ConflictError, NotFoundError):  # written by another since
                    continue
                result.updated += 1
                return
        except (DuplicateError, InvalidDocumentError) as error:
            error.id = id
            result.failed += 1
            result.outcomes.append(Outcome(id, "failed", error=error))
            return
        raise contended(model, id)

    async def delete_many(self, model: str, tree: Node) -> BulkResult:
        """Delete every document that matches, all of them in one statement."""
        where = compile_filter(*await self._living(await self._table(model), tree))
        deleted, _ = await self._write(
            model,
            lambda table: f"DELETE FROM {table.name}{where.sql}",
            where.values,
            prepare=where.prepare,
        )
        return BulkResult(deleted=deleted)
