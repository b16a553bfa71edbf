# Generated from plugins/interstore_plugins/dual_write/_async/wrapper.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: f804057c03f51a118e812df7

"""`DualWriting`: the database that writes to two stores while data moves between them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeVar

from interstore import Database
from interstore._sync.operations import Operations
from interstore._sync.replicated import primary_of
from interstore.bulk import BulkResult, WriteOutcome
from interstore.changes import Changes
from interstore.document import Document
from interstore.dual.records import MODEL, Intent, Side, as_write
from interstore.errors import (
    ConflictError,
    DuplicateError,
    InterstoreError,
    InvalidDocumentError,
    InvalidQueryError,
    NotFoundError,
    OperationTimeoutError,
    UnavailableError,
    UnsupportedError,
)
from interstore.filters.order import position_of
from interstore.filters.tree import And, In, Node
from interstore.foreign import ForeignSource
from interstore.indexes import Index
from interstore.migration.references import identity_of
from interstore.names import is_reserved
from interstore.paths import Envelope
from interstore.plugins import Background, Interceptor, Wrapper
from interstore.prepared import Query, Write, WriteMode
from interstore.stats import Stats
from interstore.transactions import Isolation
from interstore.watching import ChangePage
from interstore_plugins.dual_write._sync.carrier import Carrier, Touched, parts_of
from interstore_plugins.dual_write._sync.member import Member
from interstore_plugins.dual_write._sync.stand import Stand
from interstore_plugins.dual_write._sync.watching import Watcher
from interstore_plugins.dual_write.common import LOGGER, both, limits_of
from interstore_plugins.dual_write.settings import DualWriteSettings

__all__ = ["DualWriting"]

T = TypeVar("T")
Known = Callable[[Any], "Iterable[Write] | None"]

_AWAY: Final = (UnavailableError, OperationTimeoutError)
_REFUSALS: Final = (
    ConflictError, DuplicateError, InvalidDocumentError, InvalidQueryError, NotFoundError,
    UnsupportedError,
)  # fmt: skip
"""After which nothing was written."""
_PAGE: Final = 1_000


class DualWriting(Interceptor):
    """A database around the source, which follows a move of its data to the target.

    Everything that is read is read from the store that is the primary at that time. What is
    written is recorded there as an intent, written there, written to the other store, and the
    intent is forgotten.
    """

    def __init__(self, database: Database, target: Operations, settings: DualWriteSettings) -> None:
        super().__init__(database)
        self._target = target
        stores: dict[Side, tuple[Operations, Operations]] = {
            "source": (self.inner, Operations(primary_of(database))),
            "target": (target, Operations(primary_of(target.database))),
        }
        self._stores = stores
        self.capabilities = both(self.capabilities, target.capabilities)
        self.limits = limits_of(self.limits, target.limits, _PAGE)
        self._member = Member(stores, identity_of(target.database), settings)
        self._carrier = Carrier(self._member, settings.lease)
        self._carrying = Background(self._carrier.carry, "interstore-dual-write-carrier", LOGGER)
        self._watcher = Watcher(self._member)
        self._derived = Operations(self)
        # What belongs to a write is not read from a replica.
        for name in ("find", "find_by_id"):
            setattr(self._derived, name, partial(self._fresh, name))

    def metrics(self) -> dict[str, Any]:
        """How the move stands, as this process sees it."""
        stand, carrier = self._member.stand, self._carrier
        return {
            "run": "" if stand.control is None else stand.control.run,
            "phase": "none" if stand.control is None else stand.control.phase,
            "primary": stand.side,
            "waiting": carrier.waiting,
            "away": carrier.away,
            "carried": carrier.carried,
            "late": carrier.late,
            "trouble": self._member.trouble,
        }

    def connect(self) -> None:
        """To both stores; one that is not the primary may be away."""
        away: dict[Side, InterstoreError] = {}
        for side, connect in (
            ("source", self.inner.connect),
            ("target", self._target.connect),
        ):
            try:
                connect()
            except _AWAY as error:
                away["source" if side == "source" else "target"] = error
        self._carrier.away = bool(away)
        try:
            self._member.start(away)
        except BaseException:
            self._disconnect()
            raise
        self._carrying.start()

    def disconnect(self) -> None:
        """Bring over what was left, if the other store is there; then give everything back.

        Within a transaction, which may have locked the store, nothing more is written there.
        """
        self._carrying.stop()
        quiet = not self._member.stand.running
        if quiet and not self._carrier.away:
            with suppress(InterstoreError):
                self._carrier.carry()
        self._member.stop(withdraw=quiet)
        self._disconnect()

    def _disconnect(self) -> None:
        self._target.disconnect()
        self.inner.disconnect()

    def intercept(
        self,
        operation: str,
        call: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Ask the primary: what is not overridden below reads."""
        reads = self._member.reading()
        return getattr(reads, operation)(*args, **kwargs)

    def _fresh(self, operation: str, *args: Any) -> Any:
        self._member.reading()
        return getattr(self._member.stand.primary, operation)(*args)

    def models(self) -> list[str]:
        """Without that of the move's own."""
        reads = self._member.reading()
        return [name for name in reads.models() if not is_reserved(name)]

    def stats(self) -> Stats:
        """Likewise."""
        stats = self._member.reading().stats()
        own = {name: each for name, each in stats.models.items() if not is_reserved(name)}
        return replace(stats, models=own)

    @contextmanager
    def session(self) -> Generator[Database]:
        """This database: another one may be the primary before the session ends."""
        yield self

    # Writes.

    def _written(
        self,
        model: str,
        ids: Sequence[str],
        call: Callable[[Operations], T],
        known: Known,
    ) -> T:
        """Do what writes these documents, in both stores.

        Args:
            model: the model.
            ids: the documents.
            call: does it in the primary.
            known: what the primary holds of them then, made of the result; ``None`` to read it.
        """
        stand, ticket = self._member.enter()
        touched = {model: ids} if ids else {}
        try:
            result = self._write(stand, model, ids, call, known)
        except _REFUSALS:
            raise
        except BaseException:
            self._carrier.doubt_late(stand, touched)
            raise
        finally:
            stand.running.discard(ticket)
        if ids and not self._member.counts(stand):
            self._carrier.settle_late(stand, touched)
        return result

    def _write(
        self,
        stand: Stand,
        model: str,
        ids: Sequence[str],
        call: Callable[[Operations], T],
        known: Known,
    ) -> T:
        if stand.secondary is None or not ids:
            return call(stand.primary)
        intent = self._carrier.record(stand, model, ids)
        try:
            result = call(stand.primary)
        except _REFUSALS:
            self._carrier.done(stand, intent)
            raise
        except BaseException:
            self._carrier.doubt(intent)
            raise
        self._carrier.bring(stand, intent, model, ids, known(result))
        return result

    def create(self, model: str, write: Write) -> Document:
        """In both stores."""
        return self._written(
            model, [write.id], lambda store: store.create(model, write), lambda _: [write]
        )

    def update(
        self, model: str, id: str, changes: Changes, *, if_version: int | None = None
    ) -> Document:
        """Likewise."""
        return self._written(
            model,
            [] if changes.is_empty else [id],
            lambda store: store.update(model, id, changes, if_version=if_version),
            _document,
        )

    def put(self, model: str, write: Write, *, if_version: int | None = None) -> Document:
        """Likewise."""
        return self._written(
            model,
            [write.id],
            lambda store: store.put(model, write, if_version=if_version),
            _document,
        )

    def delete(
        self,
        model: str,
        id: str,
        *,
        if_version: int | None = None,
        if_created: str | None = None,
    ) -> bool:
        """Likewise."""
        return self._written(
            model,
            [id],
            lambda store: store.delete(model, id, if_version=if_version, if_created=if_created),
            lambda _: (),
        )

    def create_many(self, model: str, writes: Sequence[Write]) -> list[WriteOutcome]:
        """Likewise."""
        return self._written(
            model, _ids(writes), lambda store: store.create_many(model, writes), _unknown
        )

    def put_many(self, model: str, writes: Sequence[Write]) -> list[WriteOutcome]:
        """Likewise."""
        return self._written(
            model, _ids(writes), lambda store: store.put_many(model, writes), _unknown
        )

    def write_page(
        self, model: str, writes: Sequence[Write], mode: WriteMode
    ) -> list[WriteOutcome]:
        """Likewise."""
        return self._written(
            model, _ids(writes), lambda store: store.write_page(model, writes, mode), _unknown
        )

    def update_many(self, model: str, tree: Node, changes: Changes) -> BulkResult:
        """Likewise, a page of those that match after the other."""
        result = BulkResult()
        for ids in matching(self._derived, model, tree):
            narrowed = _narrowed(tree, ids)
            _add(
                result,
                self._written(
                    model,
                    ids,
                    partial(_update_many, model, narrowed, changes),
                    _unknown,
                ),
            )
        return result

    def delete_many(self, model: str, tree: Node) -> BulkResult:
        """Likewise."""
        result = BulkResult()
        for ids in matching(self._derived, model, tree):
            narrowed = _narrowed(tree, ids)
            _add(
                result,
                self._written(
                    model,
                    ids,
                    partial(_delete_many, model, narrowed),
                    _unknown,
                ),
            )
        return result

    def find_one_and_update(self, model: str, query: Query, changes: Changes) -> Document | None:
        """By `find` and `update`: which document it is must be recorded first."""
        return Operations.find_one_and_update(self._derived, model, query, changes)

    def find_one_and_delete(self, model: str, query: Query) -> Document | None:
        """Likewise."""
        return Operations.find_one_and_delete(self._derived, model, query)

    @contextmanager
    def transaction(self, isolation: Isolation) -> Generator[Database]:
        """In the primary, with the intents; what it wrote is brought over when it is committed."""
        stand, ticket = self._member.enter()
        touched: dict[str, dict[str, None]] = {}
        intents: list[tuple[str, Intent]] = []
        committing = False
        try:
            try:
                with stand.primary.transaction(isolation) as operations:
                    yield Touching(operations.database, touched)
                    if stand.secondary is not None:
                        intents = self._intents(stand, touched)
                        for id, intent in intents:
                            operations.create(MODEL, as_write(id, intent))
                    committing = True
            except BaseException:
                for id, _ in intents:  # of which nobody knows whether they were committed
                    self._carrier.doubt(id)
                raise
            for id, intent in intents:
                self._carrier.bring(stand, id, intent.model, intent.ids, None)
        except BaseException:
            if committing:
                self._carrier.doubt_late(stand, touched)
            raise
        finally:
            stand.running.discard(ticket)
        if touched and not self._member.counts(stand):
            self._carrier.settle_late(stand, touched)

    def _intents(self, stand: Stand, touched: Touched) -> list[tuple[str, Intent]]:
        return [
            (self._carrier.new_intent(stand), Intent(owner=stand.owner, model=model, ids=ids))
            for model, ids in parts_of(touched)
        ]

    # What is not about single documents.

    def sweep(self, model: str, limit: int, ids: Sequence[str] | None = None) -> int:
        """In both stores, each by itself: what has expired is in neither."""
        stand, ticket = self._member.enter()
        try:
            removed = stand.primary.sweep(model, limit, ids)
            if stand.secondary is not None and not self._carrier.away:
                with suppress(InterstoreError):
                    stand.secondary.sweep(model, limit, ids)
            return removed
        finally:
            stand.running.discard(ticket)

    def ensure_index(self, model: str, index: Index) -> None:
        """In both stores. If the other one fails, so does the call, and may be repeated."""
        self._in_both(lambda store: store.ensure_index(model, index))

    def drop_index(self, model: str, name: str) -> bool:
        """Likewise."""
        return self._in_both(lambda store: store.drop_index(model, name))

    def _in_both(self, call: Callable[[Operations], T], *, needed: bool = True) -> T:
        stand, ticket = self._member.enter()
        try:
            result = call(stand.primary)
            if stand.secondary is not None:
                try:
                    call(stand.secondary)
                except InterstoreError:
                    if needed:
                        raise
            return result
        finally:
            stand.running.discard(ticket)

    # Watching.

    def enable_watch(self, model: str, retention: float) -> None:
        """In both stores. If the other one fails, the next hand-over does it there."""
        self._in_both(lambda store: store.enable_watch(model, retention), needed=False)

    def disable_watch(self, model: str) -> bool:
        """Likewise; what is recorded in the other one is of no use, and does no harm."""
        return self._in_both(lambda store: store.disable_watch(model), needed=False)

    def start_watch(self, model: str, since: str | None) -> str:
        """In the primary, until the next hand-over."""
        return self._watcher.start(model, since)

    def read_changes(self, model: str, after: str, wait: float) -> ChangePage:
        """Likewise."""
        return self._watcher.read(model, after, wait)

    def end_watch(self, model: str, after: str) -> None:
        """Likewise."""
        self._watcher.end(model, after)

    def foreign(self, source: ForeignSource) -> Database:
        """Where it is: what others keep in the source does not move."""
        return self.inner.foreign(source)


class Touching(Wrapper):
    """A database in a transaction, which notes the documents that are written."""

    def __init__(self, database: Database, touched: dict[str, dict[str, None]]) -> None:
        self._touched = touched
        super().__init__(database)

    def _touch(self, model: str, ids: Iterable[str]) -> None:
        self._touched.setdefault(model, {}).update(dict.fromkeys(ids))

    def create(self, model: str, write: Write) -> Document:
        """Note it."""
        self._touch(model, [write.id])
        return self.inner.create(model, write)

    def update(
        self, model: str, id: str, changes: Changes, *, if_version: int | None = None
    ) -> Document:
        """Note it."""
        self._touch(model, [id])
        return self.inner.update(model, id, changes, if_version=if_version)

    def put(self, model: str, write: Write, *, if_version: int | None = None) -> Document:
        """Note it."""
        self._touch(model, [write.id])
        return self.inner.put(model, write, if_version=if_version)

    def delete(
        self,
        model: str,
        id: str,
        *,
        if_version: int | None = None,
        if_created: str | None = None,
    ) -> bool:
        """Note it."""
        self._touch(model, [id])
        return self.inner.delete(model, id, if_version=if_version, if_created=if_created)

    def create_many(self, model: str, writes: Sequence[Write]) -> list[WriteOutcome]:
        """Note them."""
        self._touch(model, _ids(writes))
        return self.inner.create_many(model, writes)

    def put_many(self, model: str, writes: Sequence[Write]) -> list[WriteOutcome]:
        """Note them."""
        self._touch(model, _ids(writes))
        return self.inner.put_many(model, writes)

    def write_page(
        self, model: str, writes: Sequence[Write], mode: WriteMode
    ) -> list[WriteOutcome]:
        """Note them."""
        self._touch(model, _ids(writes))
        return self.inner.write_page(model, writes, mode)

    def update_many(self, model: str, tree: Node, changes: Changes) -> BulkResult:
        """Find out which they are, note them, and update those."""
        result = BulkResult()
        for ids in matching(self.inner, model, tree):
            self._touch(model, ids)
            _add(result, self.inner.update_many(model, _narrowed(tree, ids), changes))
        return result

    def delete_many(self, model: str, tree: Node) -> BulkResult:
        """Likewise."""
        result = BulkResult()
        for ids in matching(self.inner, model, tree):
            self._touch(model, ids)
            _add(result, self.inner.delete_many(model, _narrowed(tree, ids)))
        return result


def matching(store: Operations, model: str, tree: Node) -> Generator[list[str]]:
    """Pages of the ids of all documents that match, in their order."""
    query = Query(tree, limit=_PAGE, fields=())
    while True:
        page = list(store.find(model, query))
        if page:
            yield [document.id for document in page]
        if len(page) < _PAGE:
            return
        query = query.only(after=position_of(page[-1], query.order))


def _update_many(model: str, tree: Node, changes: Changes, store: Operations) -> BulkResult:
    return store.update_many(model, tree, changes)


def _delete_many(model: str, tree: Node, store: Operations) -> BulkResult:
    return store.delete_many(model, tree)


def _narrowed(tree: Node, ids: Sequence[str]) -> Node:
    return And((tree, In(Envelope.ID, tuple(ids))))


def _add(result: BulkResult, part: BulkResult) -> None:
    result.outcomes += part.outcomes
    result.updated += part.updated
    result.deleted += part.deleted
    result.failed += part.failed


def _document(document: Document) -> list[Write]:
    return [Write.of(document)]


def _unknown(_: object) -> None:
    return None


def _ids(writes: Sequence[Write]) -> list[str]:
    return [write.id for write in writes]
