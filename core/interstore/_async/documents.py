"""The operations on one document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from interstore._async.base import AsyncBase
from interstore.changes_parse import parse_changes
from interstore.document import Document
from interstore.errors import InterstoreError, InvalidQueryError, NotFoundError
from interstore.expiry import KEEP, ChangedExpiry, Expiry
from interstore.filters.arguments import parse_sort
from interstore.filters.parse import parse_filter
from interstore.names import check_id
from interstore.prepare import Filter, Sort, check_if_version, prepare_put, prepare_write
from interstore.prepared import Query
from interstore.times import now

__all__ = ["AsyncDocuments"]


class AsyncDocuments(AsyncBase):
    """Documents, one by one."""

    async def create(
        self, model: str, data: Mapping[str, Any], *, expires_at: Expiry = None
    ) -> Document:
        """Store a new document. Without ``"id"`` in `data` it gets a UUIDv7.

        Args:
            model: the model.
            data: the document.
            expires_at: when it ceases to exist: an aware datetime, or a timedelta from now.

        Raises:
            DuplicateError: the id exists, and has not expired.
            InvalidDocumentError: `data` cannot be stored portably.
            UnsupportedError: documents do not expire there (capability `ttl`).
        """
        self._check(model)
        time = now()
        write = prepare_write(model, data, time, self._expires(expires_at, time))
        again = False
        while True:
            try:
                return await self.database.create(model, write)
            except InterstoreError as error:
                if again or not await self._makes_room(error, model, write.id):
                    self._name_error(error, model, write.id)
                    raise
                again = True

    async def find_by_id(self, model: str, id: str) -> Document | None:
        """The document, or ``None``."""
        self._check(model)
        id = check_id(id, model)
        try:
            return await self.database.find_by_id(model, id)
        except InterstoreError as error:
            self._name_error(error, model, id)
            raise

    async def get(self, model: str, id: str) -> Document:
        """The document.

        Raises:
            NotFoundError: there is none with that id.
        """
        document = await self.find_by_id(model, id)
        if document is None:
            raise NotFoundError(
                f"{model} has no document {id!r}",
                backend=self.database.name,
                model=model,
                id=id,
            )
        return document

    async def find_by_ids(self, model: str, ids: Iterable[str]) -> list[Document | None]:
        """The documents with these ids, in their order; ``None`` for each that is missing."""
        self._check(model)
        if isinstance(ids, str) or not isinstance(ids, Iterable):
            raise InvalidQueryError(f"find_by_ids takes a list of ids, not {ids!r:.80}")
        asked = [check_id(id, model) for id in ids]
        unique, size = list(dict.fromkeys(asked)), self.database.limits.bulk_documents
        found: dict[str, Document] = {}
        for start in range(0, len(unique), size):
            try:
                part = await self.database.find_by_ids(model, unique[start : start + size])
            except InterstoreError as error:
                self._name_error(error, model)
                raise
            found.update((document.id, document) for document in part)
        if len(unique) == len(asked):
            return [found.get(id) for id in asked]
        # An id that was asked for twice must not give the same object twice.
        return [found[id].copy() if id in found else None for id in asked]

    async def update(
        self,
        model: str,
        id: str,
        changes: Mapping[str, Any],
        *,
        if_version: int | None = None,
        expires_at: ChangedExpiry = KEEP,
    ) -> Document:
        """Change one document atomically, and return it as it is now.

        Args:
            model: the model.
            id: the document's id.
            changes: fields to replace whole, or operators with paths: ``{"$set": {"a.b": 1},
                "$unset": ["c"], "$inc": {"n": 1}, "$push": {"tags": "x"}}``. ``{}`` only
                checks that the document exists, in that version.
            if_version: the version that the document must have.
            expires_at: when the document is to cease to exist: an aware datetime, a timedelta
                from now, or ``None`` for never; by default that stays what it is. It counts as
                a change, also with `changes` of ``{}``.

        Raises:
            NotFoundError: there is no such document.
            ConflictError: it has another version than `if_version`.
            UnsupportedError: documents do not expire there (capability `ttl`).
            InvalidDocumentError: a path meets a value of the wrong type, or a value cannot
                be stored portably.
        """
        self._check(model)
        id = check_id(id, model)
        check_if_version(if_version)
        self._check_expiry(expires_at)
        parsed = parse_changes(id, changes, now(), expires_at)
        again = False
        while True:
            try:
                return await self.database.update(model, id, parsed, if_version=if_version)
            except InterstoreError as error:
                if again or not await self._makes_room(error, model, id):
                    self._name_error(error, model, id)
                    raise
                again = True

    async def put(
        self,
        model: str,
        data: Mapping[str, Any],
        *,
        if_version: int | None = None,
        expires_at: Expiry = None,
    ) -> Document:
        """Create the document, or replace all fields of the one that exists, and its expiry.

        The version and the expiry that a `Document` carries are not used: pass `if_version`
        and `expires_at` for that.

        Args:
            model: the model.
            data: the document.
            if_version: the version that the document must have.
            expires_at: as for `create`: by default the document no longer expires.

        Raises:
            NotFoundError: `if_version` is given and there is no such document.
            ConflictError: it has another version than `if_version`.
            InvalidDocumentError: `data` cannot be stored portably, or is partial.
            UnsupportedError: documents do not expire there (capability `ttl`).
        """
        self._check(model)
        check_if_version(if_version)
        time = now()
        write = prepare_put(model, data, time, self._expires(expires_at, time))
        again = False
        while True:
            try:
                return await self.database.put(model, write, if_version=if_version)
            except InterstoreError as error:
                if again or not await self._makes_room(error, model, write.id):
                    self._name_error(error, model, write.id)
                    raise
                again = True

    async def delete(self, model: str, id: str, *, if_version: int | None = None) -> bool:
        """Remove one document; return whether there was one.

        Raises:
            NotFoundError: `if_version` is given and there is no such document.
            ConflictError: it has another version than `if_version`.
        """
        self._check(model)
        id = check_id(id, model)
        check_if_version(if_version)
        try:
            return await self.database.delete(model, id, if_version=if_version)
        except InterstoreError as error:
            self._name_error(error, model, id)
            raise

    async def find_one_and_update(
        self,
        model: str,
        filter: Filter,
        changes: Mapping[str, Any],
        *,
        sort: Sort = None,
        expires_at: ChangedExpiry = KEEP,
    ) -> Document | None:
        """Change the first document that matches, and return it as it is now.

        One atomic step, so changes after which the filter no longer matches are a claim: of
        callers at the same time, in any number of processes, each gets another document.
        Callers who meet at one document do not get it twice; who comes too late gets the
        next in order. ``None`` means that nothing matched, never that others were faster.
        `expires_at` is as for `update`.

        Raises:
            UnavailableError: others wrote each document that was tried, a hundred times over.
        """
        self._check(model)
        query = Query(parse_filter(filter), parse_sort(sort), limit=1)
        self._check_expiry(expires_at)
        parsed = parse_changes(None, changes, now(), expires_at)
        again = False
        while True:
            try:
                return await self.database.find_one_and_update(model, query, parsed)
            except InterstoreError as error:
                if again or not await self._makes_room(error, model):
                    self._name_error(error, model)
                    raise
                again = True

    async def find_one_and_delete(
        self, model: str, filter: Filter = None, *, sort: Sort = None
    ) -> Document | None:
        """Remove the first document that matches, and return it as it was.

        One atomic step: of callers at the same time, in any number of processes, each gets
        another document. ``None`` means that nothing matched, as for `find_one_and_update`.

        Raises:
            UnavailableError: as for `find_one_and_update`.
        """
        self._check(model)
        query = Query(parse_filter(filter), parse_sort(sort), limit=1)
        try:
            return await self.database.find_one_and_delete(model, query)
        except InterstoreError as error:
            self._name_error(error, model)
            raise
