"""What writes one document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import psycopg

from interstore.changes import Changes, check_version, not_found
from interstore.document import Document, make_document
from interstore.errors import (
    ConflictError,
    DuplicateError,
    InterstoreError,
    InvalidDocumentError,
    NotFoundError,
    UnavailableError,
)
from interstore.prepared import Query, Write
from interstore.times import now
from interstore_backends.postgresql import bulk
from interstore_backends.postgresql._async.reads import AsyncReads
from interstore_backends.postgresql.compile import Compiled, compile_query
from interstore_backends.postgresql.errors import REFUSALS
from interstore_backends.postgresql.rows import Row, canonical_time, read_document, row_of
from interstore_backends.postgresql.schema import COLUMNS, LIVE, Table
from interstore_backends.postgresql.updates import compile_update
from interstore_backends.postgresql.values import Parameters

__all__ = ["ATTEMPTS", "AsyncWrites", "contended"]

ATTEMPTS: Final = 100
"""How often a read-modify-write is repeated when others write the same document between."""


class AsyncWrites(AsyncReads):
    """The operations on one document, each one statement."""

    async def create(self, model: str, write: Write) -> Document:
        try:
            created, _ = await self._write(
                model,
                lambda table: table.create,
                row_of(write),
                create=True,
                prepare=True,
                stored=write,
                expires=write.expires,
            )
        except InvalidDocumentError as error:
            if await self._stays(model, write, error) is None:
                raise
            created = 0
        if not created:
            raise bulk.duplicate(model, write.id)
        return write.document()

    async def put(self, model: str, write: Write, *, if_version: int | None = None) -> Document:
        """Replace the document if it exists, else create it.

        Raises:
            NotFoundError: `if_version` is given and the document does not exist.
            ConflictError: its version is not `if_version`.
        """
        row = row_of(write)
        if if_version is None:
            _, stored = await self._write(
                model,
                lambda table: table.put,
                row,
                create=True,
                prepare=True,
                returning=True,
                stored=write,
                expires=write.expires,
            )
        else:
            values = (write.id, str(if_version), *row[3:])
            stored = await self._guarded(model, lambda table: table.put_if, values, write)
        [(version, created)] = stored
        return make_document(
            write.fields,
            write.id,
            version,
            canonical_time(created),
            write.updated,
            write.expires,
        )

    async def update(
        self, model: str, id: str, changes: Changes, *, if_version: int | None = None
    ) -> Document:
        where, values = f"id = $2 AND {LIVE.format('$1')}", [changes.updated, id]
        if if_version is not None:
            values.append(str(if_version))
            where += f" AND version = ${len(values)}"
        if changes.created is not None:
            values.append(changes.created)
            where += f" AND created_at = ${len(values)}::timestamptz"
        updated = compile_update(changes, len(values) + 1)
        if updated is not None:
            fits = updated.fits and f" AND {updated.fits}"
            rows = await self._returning(
                model,
                lambda table: (
                    f"UPDATE {table.name} t SET {updated.assignments} "
                    f"WHERE {where}{fits} RETURNING {COLUMNS}"
                ),
                [*values, *updated.values],
                expires=changes.expiry,
            )
            if rows:
                return read_document(rows[0])
        return await self._read_modify_write(model, id, changes, if_version)

    async def _read_modify_write(
        self, model: str, id: str, changes: Changes, if_version: int | None
    ) -> Document:
        """Where the short way changed nothing: raises why, or does what it could not."""
        for _ in range(ATTEMPTS):
            current = await self.find_by_id(model, id)
            write = changes.apply(model, id, current, if_version)
            if changes.is_empty:
                return write.document()
            assert current is not None
            row = row_of(write)
            replaced, _ = await self._write(
                model,
                lambda table: table.replace_if,
                (id, str(current.version), *row[3:], current.created, current.updated),
                prepare=True,
                stored=write,
                expires=changes.expiry,
            )
            if replaced:
                return write.document()
        raise contended(model, id)

    async def _returning(
        self,
        model: str,
        statement: Callable[[Table], str],
        values: Sequence[str | None],
        *,
        prepare: bool | None = None,
        expires: str | None = None,
    ) -> list[Row]:
        """The rows of an update; none if an index refused the document, or a number left the
        range that PostgreSQL adds in."""
        try:
            _, rows = await self._write(
                model, statement, values, prepare=prepare, returning=True, expires=expires
            )
        except (DuplicateError, InvalidDocumentError) as error:
            if isinstance(error.__cause__, (*REFUSALS, psycopg.errors.NumericValueOutOfRange)):
                return []
            raise
        return rows

    async def delete(
        self,
        model: str,
        id: str,
        *,
        if_version: int | None = None,
        if_created: str | None = None,
    ) -> bool:
        if if_version is None:
            deleted, _ = await self._write(
                model, lambda table: table.delete, (id, now()), prepare=True
            )
            return deleted > 0
        values = (id, str(if_version), now(), if_created)
        await self._guarded(model, lambda table: table.delete_if, values, created=if_created)
        return True

    async def _guarded(
        self,
        model: str,
        statement: Callable[[Table], str],
        values: Sequence[str | None],
        stored: Write | None = None,
        created: str | None = None,
    ) -> list[Row]:
        """What a statement returns that writes the document of the first operand, an id, only
        if its version is the second.

        Raises:
            NotFoundError: the document does not exist.
            ConflictError: it has another version, or was not created then.
        """
        id, if_version = str(values[0]), int(str(values[1]))
        for _ in range(ATTEMPTS):
            written, rows = await self._write(
                model,
                statement,
                values,
                prepare=True,
                returning=True,
                stored=stored,
                expires=None if stored is None else stored.expires,
            )
            if written:
                return rows
            # A fresh read tells why. If the document has that version now, it was made since.
            current = await self.find_by_id(model, id)
            if current is None:
                raise not_found(model, id)
            check_version(model, current, if_version, created)
        raise contended(model, id)

    async def find_one_and_update(
        self, model: str, query: Query, changes: Changes
    ) -> Document | None:
        """Update the first document of the query's order; ``None`` if none matches."""
        query = query.only(limit=1, fields=None)
        tree, indexed = await self._living(await self._table(model), query.tree)
        found = compile_query(query.only(tree=tree), indexed, Parameters([changes.updated]))
        updated = compile_update(changes, len(found.values) + 1)
        if updated is not None:
            fits = updated.fits and f" AND {updated.fits}"
            rows = await self._returning(
                model,
                lambda table: (
                    f"{_hit(table, found)} UPDATE {table.name} t SET {updated.assignments} "
                    f"FROM hit WHERE id = hit_id{fits} RETURNING {COLUMNS}"
                ),
                [*found.values, *updated.values],
                prepare=found.prepare,
                expires=changes.expiry,
            )
            if rows:
                return read_document(rows[0])
        document: Document | None = None
        for _ in range(ATTEMPTS):
            document = next(iter(await self.find(model, query)), None)
            if document is None:
                return None
            try:
                return await self.update(
                    model, document.id, changes.only_for(document), if_version=document.version
                )
            except (ConflictError, NotFoundError):  # written by another since
                pass
        raise contended(model, "" if document is None else document.id)

    async def find_one_and_delete(self, model: str, query: Query) -> Document | None:
        """Delete the first document of the query's order and return it, or ``None``."""
        query = query.only(limit=1, fields=None)
        tree, indexed = await self._living(await self._table(model), query.tree)
        found = compile_query(query.only(tree=tree), indexed)
        _, rows = await self._write(
            model,
            lambda table: (
                f"{_hit(table, found)} DELETE FROM {table.name} USING hit WHERE id = hit_id "
                f"RETURNING {COLUMNS}"
            ),
            found.values,
            prepare=found.prepare,
            returning=True,
        )
        if rows:
            return read_document(rows[0])
        document: Document | None = None
        for _ in range(ATTEMPTS):
            document = next(iter(await self.find(model, query)), None)
            if document is None:
                return None
            try:
                await self.delete(
                    model, document.id, if_version=document.version, if_created=document.created
                )
            except (ConflictError, NotFoundError):  # written by another since
                continue
            return document
        raise contended(model, "" if document is None else document.id)

    async def _write(
        self,
        model: str,
        statement: Callable[[Table], str],
        values: Sequence[str | None],
        *,
        create: bool = False,
        prepare: bool | None = None,
        returning: bool = False,
        stored: Write | None = None,
        expires: str | None = None,
    ) -> tuple[int, list[Row]]:
        """The number of rows written, and what is returned; of no table, nothing.

        Args:
            model: the model.
            statement: gives the statement from the table.
            values: the operands.
            create: whether the model is made if it does not exist.
            prepare: whether the statement is prepared: at once, as its text is one of few,
                never, or when it was repeated often enough.
            returning: whether rows are wanted.
            stored: the one document that is stored, if it is known.
            expires: when what is written expires, if it does.
        """
        for attempt in (1, 2):
            table = self._models.known.get(model)
            if table is None:
                with self._translated(model):
                    table = await (self._models.make if create else self._models.find)(model)
            if table is None:
                break
            if expires is not None and not table.expiring:
                with self._translated(model):
                    await self._models.expire(table, expires)
            try:
                return await self._connections.write(
                    statement(table), values, prepare=prepare, returning=returning
                )
            except psycopg.Error as error:
                if stored is not None and isinstance(error, REFUSALS):
                    raise await self._refused_by_index(table, stored, error) from error
                if attempt == 2:
                    raise self._connections.error(error, model) from error
                await self._check_table(error, table)
        return 0, []

    async def _refused_by_index(
        self, table: Table, write: Write, error: psycopg.Error
    ) -> InterstoreError:
        """Why an index refused to store a document."""
        with self._translated(table.model):
            found = await self._models.refusal(table, write, error.diag.constraint_name or "")
        return found or self._connections.error(error, table.model)

    async def _stays(self, model: str, write: Write, error: InterstoreError) -> Document | None:
        """The document that exists already, if a constraint refused what would have been a
        duplicate: the server looks at the constraints first."""
        if isinstance(error.__cause__, psycopg.errors.CheckViolation):
            return await self.find_by_id(model, write.id)
        return None


def _hit(table: Table, found: Compiled) -> str:
    """The first document of a query that nobody is writing at this moment, locked.

    If there is none, others may have all that match; only a fresh read tells.
    """
    return (
        f"WITH hit AS MATERIALIZED (SELECT id AS hit_id FROM {table.name}{found.sql} "
        "FOR UPDATE SKIP LOCKED)"
    )


def contended(model: str, id: str) -> UnavailableError:
    """The error for a document that others write all the time."""
    return UnavailableError(
        f"{model} {id!r} was written by others {ATTEMPTS} times while this call tried to; "
        "try again later",
        backend="postgresql",
        model=model,
        id=id,
    )
