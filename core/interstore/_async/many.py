"""The operations on many documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from interstore._async.base import AsyncBase
from interstore.bulk import BulkResult, Outcome, WriteOutcome
from interstore.changes import Changes
from interstore.changes_parse import parse_changes
from interstore.errors import DuplicateError, InterstoreError, InvalidQueryError
from interstore.expiry import KEEP, ChangedExpiry, Expiry
from interstore.filters.parse import parse_filter
from interstore.filters.tree import And, In, Node
from interstore.paths import Envelope
from interstore.prepare import (
    Filter,
    OnError,
    batches,
    prepare_put,
    prepare_write,
    with_outcomes,
)
from interstore.prepared import Write
from interstore.times import now

__all__ = ["AsyncMany", "explicit"]


class AsyncMany(AsyncBase):
    """Documents in bulk."""

    async def create_many(
        self,
        model: str,
        documents: Iterable[Mapping[str, Any]],
        *,
        on_error: OnError = "raise",
        expires_at: Expiry = None,
    ) -> BulkResult:
        """Store new documents. Each is created, or reported, on its own.

        Args:
            model: the model.
            documents: as for `create`; of two with one id the first wins.
            on_error: ``"report"`` to return the result even if documents failed.
            expires_at: when all of them cease to exist: an aware datetime, or a timedelta from
                now; by default, never.

        Raises:
            BulkError: documents failed; `BulkError.result` has the outcome of each.
        """
        time = now()
        expires = self._expires(expires_at, time)
        return await self._write_many(
            model,
            "created",
            documents,
            lambda data: prepare_write(model, data, time, expires),
            on_error,
        )

    async def put_many(
        self,
        model: str,
        documents: Iterable[Mapping[str, Any]],
        *,
        on_error: OnError = "raise",
        expires_at: Expiry = None,
    ) -> BulkResult:
        """Put documents. Each is created, replaced, or reported, on its own.

        Args:
            model: the model.
            documents: as for `put`; of two with one id the last wins.
            on_error: ``"report"`` to return the result even if documents failed.
            expires_at: when all of them cease to exist: an aware datetime, or a timedelta from
                now; by default, never.

        Raises:
            BulkError: documents failed; `BulkError.result` has the outcome of each.
        """
        time = now()
        expires = self._expires(expires_at, time)
        return await self._write_many(
            model,
            "put",
            documents,
            lambda data: prepare_put(model, data, time, expires),
            on_error,
        )

    async def _write_many(
        self,
        model: str,
        verb: Literal["created", "put"],
        documents: Any,
        prepare: Callable[[Any], Write],
        on_error: OnError,
    ) -> BulkResult:
        """`create_many` or `put_many` of what `prepare` makes documents of; for repositories."""
        self._check(model, on_error)
        write_batch = self.database.create_many if verb == "created" else self.database.put_many
        outcomes: list[Outcome] = []
        for batch in batches(documents, prepare, self.database.limits.bulk_documents):
            writes = [each for each in batch if isinstance(each, Write)]
            try:
                reported = await write_batch(model, writes) if writes else []
                if any(isinstance(each, DuplicateError) for each in reported):
                    reported = await self._again(model, verb, writes, reported)
            except InterstoreError as error:
                self._name_error(error, model)
                if not any(outcome.version for outcome in outcomes):
                    raise
                outcomes += with_outcomes(batch, [error] * len(writes))
                raise self._bulk_error(model, verb, BulkResult.of(outcomes)) from error
            outcomes += with_outcomes(batch, reported)
        result = BulkResult.of(outcomes)
        for outcome in outcomes if not result.ok else ():
            if outcome.error is not None:
                self._name_error(outcome.error, model, outcome.id or None)
        return self._checked(model, verb, result, on_error)

    async def _again(
        self,
        model: str,
        verb: Literal["created", "put"],
        writes: Sequence[Write],
        reported: Sequence[WriteOutcome],
    ) -> list[WriteOutcome]:
        """The outcomes, once those are written that only documents which have expired kept out."""
        outcomes, room = list(reported), False
        if not self.database.capabilities.ttl:
            return outcomes
        refused = [place for place, each in enumerate(outcomes) if isinstance(each, DuplicateError)]
        gone = [writes[place].id for place in refused]
        room = await self.database.sweep(model, len(gone), gone) > 0
        for place in refused:
            error = outcomes[place]
            if isinstance(error, DuplicateError) and error.index is not None:
                room = await self._makes_room(error, model) or room
                break
        if not room:
            return outcomes
        write_batch = self.database.create_many if verb == "created" else self.database.put_many
        fresh = await write_batch(model, [writes[place] for place in refused])
        for place, outcome in zip(refused, fresh, strict=True):
            outcomes[place] = outcome
        return outcomes

    async def update_many(
        self,
        model: str,
        filter: Filter,
        changes: Mapping[str, Any],
        *,
        on_error: OnError = "raise",
        expires_at: ChangedExpiry = KEEP,
    ) -> BulkResult:
        """Change every document that matches, each atomically.

        Args:
            model: the model.
            filter: which documents; ``{}`` means all, ``None`` is refused.
            changes: as for `update`.
            on_error: ``"report"`` to return the result even if documents failed.
            expires_at: as for `update`.

        Raises:
            BulkError: documents failed; the others were changed.
        """
        self._check(model, on_error)
        tree = explicit(filter, "update_many")
        self._check_expiry(expires_at)
        parsed = parse_changes(None, changes, now(), expires_at)
        try:
            result = await self.database.update_many(model, tree, parsed)
            if not result.ok:
                result = await self._update_again(model, tree, parsed, result)
        except InterstoreError as error:
            self._name_error(error, model)
            raise
        return self._checked(model, "updated", result, on_error)

    async def _update_again(
        self, model: str, tree: Node, changes: Changes, result: BulkResult
    ) -> BulkResult:
        """The result, once those are updated that only documents which have expired kept back."""
        refused = [each for each in result.outcomes if isinstance(each.error, DuplicateError)]
        if not refused or not await self._makes_room(refused[0].error, model):
            return result
        those = In(Envelope.ID, tuple(each.id for each in refused))
        fresh = await self.database.update_many(model, And((tree, those)), changes)
        outcomes = [each for each in result.outcomes if each not in refused] + fresh.outcomes
        return BulkResult(outcomes, updated=result.updated + fresh.updated, failed=len(outcomes))

    async def delete_many(
        self, model: str, filter: Filter, *, on_error: OnError = "raise"
    ) -> BulkResult:
        """Remove every document that matches.

        Args:
            model: the model.
            filter: which documents; ``{}`` means all, ``None`` is refused.
            on_error: ``"report"`` to return the result even if documents failed.
        """
        self._check(model, on_error)
        tree = explicit(filter, "delete_many")
        try:
            result = await self.database.delete_many(model, tree)
        except InterstoreError as error:
            self._name_error(error, model)
            raise
        return self._checked(model, "deleted", result, on_error)


def explicit(filter: Filter, operation: str) -> Node:
    if filter is None:
        raise InvalidQueryError(f"{operation} needs a filter; {{}} means all documents")
    return parse_filter(filter)
