# Generated from core/interstore/_async/many.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 3d256b4888028bd1e815350b

"""The operations on many documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from interstore._sync.base import Base
from interstore.bulk import BulkResult, Outcome
from interstore.changes_parse import parse_changes
from interstore.errors import InterstoreError, InvalidQueryError
from interstore.expiry import KEEP, ChangedExpiry, Expiry
from interstore.filters.parse import parse_filter
from interstore.filters.tree import Node
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

__all__ = ["Many", "explicit"]


class Many(Base):
    """Documents in bulk."""

    def create_many(
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
        return self._write_many(
            model,
            "created",
            documents,
            lambda data: prepare_write(model, data, time, expires),
            on_error,
        )

    def put_many(
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
        return self._write_many(
            model,
            "put",
            documents,
            lambda data: prepare_put(model, data, time, expires),
            on_error,
        )

    def _write_many(
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
                reported = write_batch(model, writes) if writes else []
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

    def update_many(
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
            result = self.database.update_many(model, tree, parsed)
        except InterstoreError as error:
            self._name_error(error, model)
            raise
        return self._checked(model, "updated", result, on_error)

    def delete_many(self, model: str, filter: Filter, *, on_error: OnError = "raise") -> BulkResult:
        """Remove every document that matches.

        Args:
            model: the model.
            filter: which documents; ``{}`` means all, ``None`` is refused.
            on_error: ``"report"`` to return the result even if documents failed.
        """
        self._check(model, on_error)
        tree = explicit(filter, "delete_many")
        try:
            result = self.database.delete_many(model, tree)
        except InterstoreError as error:
            self._name_error(error, model)
            raise
        return self._checked(model, "deleted", result, on_error)


def explicit(filter: Filter, operation: str) -> Node:
    if filter is None:
        raise InvalidQueryError(f"{operation} needs a filter; {{}} means all documents")
    return parse_filter(filter)
