# Generated from backends/interstore_backends/cosmosdb/_async/database.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: ae1ac8956e69acd6cf4b55d0

"""The Azure Cosmos DB engine: Interstore's operations as requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from interstore.bulk import BulkResult, Outcome, WriteOutcome
from interstore.changes import Changes
from interstore.document import Document
from interstore.errors import DuplicateError, InvalidDocumentError
from interstore.filters.evaluate import compile_filter
from interstore.filters.tree import ALL, Node
from interstore.prepared import Query, Write, WriteMode
from interstore.stats import ModelStats, Stats
from interstore_backends.cosmosdb._sync.claims import Claims
from interstore_backends.cosmosdb._sync.connection import translated, translated_write
from interstore_backends.cosmosdb._sync.writes import contended
from interstore_backends.cosmosdb.errors import CAUGHT, is_gone
from interstore_backends.cosmosdb.records import Found
from interstore_backends.cosmosdb.settings import CAPABILITIES, LIMITS

if TYPE_CHECKING:
    from interstore.foreign import ForeignSource
    from interstore_backends.cosmosdb._sync.foreign import CosmosDBForeign

__all__ = ["CosmosDBDatabase"]

_ATTEMPTS: Final = 100


class CosmosDBDatabase(Claims):
    """A database of an Azure Cosmos DB account (API for NoSQL), one container for each model."""

    name = "cosmosdb"
    capabilities = CAPABILITIES
    limits = LIMITS

    # Writes of many documents: requests side by side, since there is no bulk call.

    @translated_write
    def create_many(self, model: str, writes: Sequence[Write]) -> list[WriteOutcome]:
        """Create each; the outcome of each, in order. The ids are distinct."""
        return self._each(model, writes, self._create_one)

    def _create_one(self, model: str, write: Write) -> int:
        self._check(model, write.id, write.fields)
        self._create(model, write)
        return write.version

    @translated_write
    def put_many(self, model: str, writes: Sequence[Write]) -> list[WriteOutcome]:
        """Put each; the outcome of each, in order. The ids are distinct."""
        seen = self._read_many(model, writes)
        return self._each(model, writes, partial(self._put_one, seen=seen))

    def _put_one(self, model: str, write: Write, *, seen: Mapping[str, Found]) -> int:
        self._check(model, write.id, write.fields)
        return self._put(model, write, None, seen).version

    def _each(
        self, model: str, writes: Sequence[Write], store: Callable[..., Any]
    ) -> list[WriteOutcome]:
        if not writes:
            return []
        self._declared(model)

        def outcome(write: Write) -> WriteOutcome:
            try:
                version: int = store(model, write)
            except (DuplicateError, InvalidDocumentError) as error:
                return error
            return version

        # The first alone: it makes the container, if there is none.
        first = outcome(writes[0])
        calls = [partial(outcome, write) for write in writes[1:]]
        return [first, *self._workers.fan_out(calls)]

    @translated_write
    def write_page(
        self, model: str, writes: Sequence[Write], mode: WriteMode
    ) -> list[WriteOutcome]:
        """Write documents as they are; 0 for each that the mode leaves as it was."""
        seen = {} if mode == "insert_if_absent" else self._read_many(model, writes)
        return self._each(model, writes, partial(self._write_as_is, mode=mode, seen=seen))

    def _write_as_is(
        self, model: str, write: Write, *, mode: WriteMode, seen: Mapping[str, Found]
    ) -> int:
        self._check(model, write.id, write.fields)
        for attempt in range(_ATTEMPTS):
            found = seen.get(write.id)
            if attempt and mode != "insert_if_absent":
                found = self._read(model, write.id)
            if found is None:
                try:
                    self._create(model, write)
                except DuplicateError:
                    if mode != "insert_if_absent":
                        continue
                    found = self._read(model, write.id)
                    if found is not None and not found.has_expired:
                        return 0
                    if found is None or not self._replace(model, found, write):
                        continue
                return write.version
            if found.has_expired:
                pass
            elif mode == "replace_if_newer" and found.document.version >= write.version:
                return 0
            if self._replace(model, found, write):
                return write.version
        raise contended(model, write.id)

    def update_many(self, model: str, tree: Node, changes: Changes) -> BulkResult:
        """Update every document that matches, each atomically."""
        result = BulkResult()
        change = partial(self._try_update, model, changes, compile_filter(tree))
        query = Query(tree, limit=self.limits.bulk_documents)
        while True:
            page = self._page(model, query)
            for outcome in self._side_by_side(model, change, page):
                if isinstance(outcome, Outcome):
                    result.failed += 1
                    result.outcomes.append(outcome)
                elif outcome is not None:
                    result.updated += 1
            if len(page) < self.limits.bulk_documents:
                return result
            query = query.only(after=(page[-1].document.id,))

    def delete_many(self, model: str, tree: Node) -> BulkResult:
        """Delete every document that matches, each atomically."""
        result = BulkResult()
        delete = partial(self._delete_while, model, compile_filter(tree))
        query = Query(tree, limit=self.limits.bulk_documents)
        while True:
            page = self._page(model, query)
            result.deleted += sum(self._side_by_side(model, delete, page))
            if len(page) < self.limits.bulk_documents:
                return result
            query = query.only(after=(page[-1].document.id,))

    @translated
    def _page(self, model: str, query: Query) -> list[Found]:
        return self._found(model, query)

    @translated_write
    def _side_by_side(
        self, model: str, act: Callable[..., Any], page: Sequence[Found]
    ) -> list[Any]:
        calls = [partial(act, found) for found in page]
        return self._workers.fan_out(calls)

    def _update_while(
        self, model: str, changes: Changes, matches: Callable[[Document], bool], found: Found
    ) -> Document | None:
        """Update the document if it still matches; ``None`` if it does not any more."""
        id = found.document.id
        current: Found | None = found
        for _ in range(_ATTEMPTS):
            if current is None or not matches(current.document):
                return None
            write = self._change(model, id, current, changes, None)
            if write is not None:
                return write.document()
            current = self._read_living(model, id)
        raise contended(model, id)

    def _try_update(
        self, model: str, changes: Changes, matches: Callable[[Document], bool], found: Found
    ) -> Document | Outcome | None:
        try:
            return self._update_while(model, changes, matches, found)
        except InvalidDocumentError as error:
            return Outcome(found.document.id, "failed", error=error)

    def _delete_while(self, model: str, matches: Callable[[Document], bool], found: Found) -> bool:
        current: Found | None = found
        for _ in range(_ATTEMPTS):
            if current is None or not matches(current.document):
                return False
            if self._delete(model, current.document.id, current.etag):
                return True
            current = self._read_living(model, current.document.id)
        raise contended(model, found.document.id)

    # By capability.

    @translated_write
    def sweep(self, model: str, limit: int, ids: Sequence[str] | None = None) -> int:
        """Remove those of `ids` that have expired; all others the service removes itself.

        Those that are gone count, too: the service may be first with what was in the way.
        """
        removed = 0
        for id in (ids or ())[:limit]:
            found = self._read(model, id)
            if found is not None and not found.has_expired:
                continue
            if found is not None:
                self._delete(model, id, found.etag)
            removed += 1
        return removed

    def models(self) -> list[str]:
        """The names of the models that exist, sorted."""
        return self._models("")

    @translated
    def _models(self, model: str) -> list[str]:
        return self._model_names()

    @translated_write
    def drop(self, model: str) -> bool:
        """Remove a model and all its documents; return whether it existed."""
        self._known.pop(model, None)
        if model not in self._model_names():
            return False
        try:
            self.native.delete_container(model)
        except CAUGHT as error:
            if is_gone(error):
                return False
            raise
        return True

    def foreign(self, source: ForeignSource) -> CosmosDBForeign:
        """A container that others made in the database."""
        from interstore_backends.cosmosdb._sync.foreign import CosmosDBForeign

        return CosmosDBForeign(source, self)

    def stats(self) -> Stats:
        """Documents of each model, and what this store object asked of the service."""
        models = {model: self._figures(model) for model in self.models()}
        return Stats(
            engine=self.name,
            models=models,
            pool=self._policy.figures(),
            request_units=round(self.usage.request_units, 2),
            details={
                "requests": self.usage.requests,
                "throttled": self.usage.throttled,
                "operations": self.usage.operations,
            },
        )

    def _figures(self, model: str) -> ModelStats:
        documents, indexes = self.count(model, ALL), self.indexes(model)
        return ModelStats(documents=documents, indexes=len(indexes))
