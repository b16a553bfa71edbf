# Generated from backends/interstore_backends/mongodb/_async/transactions.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: c477297345e291831f5d51d9

"""Transactions: the same operations, with the driver's session in each of their commands."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from copy import copy
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from pymongo import timeout
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from interstore._compat import Lock
from interstore._sync.operations import Operations
from interstore.bulk import WriteOutcome
from interstore.changes import Changes
from interstore.document import Document
from interstore.errors import InterstoreError, UnavailableError, UnsupportedError
from interstore.filters.tree import ALL
from interstore.names import check_new_model, creation_is_off
from interstore.prepared import Query, Write
from interstore.transactions import Isolation, has_ended
from interstore_backends.mongodb._sync.database import MongoDBDatabase
from interstore_backends.mongodb.driver import ClientSession, DriverCollection
from interstore_backends.mongodb.errors import CAUGHT, duplicate_id

if TYPE_CHECKING:
    from interstore_backends.mongodb.bulk import Batch
    from interstore_backends.mongodb.conditions import Filter
    from interstore_backends.mongodb.indexes import Declaration

__all__ = ["Past", "Transaction"]

T = TypeVar("T")

_OPERATIONS: Final = (
    "create", "find_by_id", "update", "delete", "find",
    "find_by_ids", "count", "exists", "put", "create_many", "put_many", "update_many",
    "delete_many", "find_one_and_update", "find_one_and_delete", "aggregate", "distinct",
    "scan", "partitions", "write_page", "sweep",
)  # fmt: skip
_OUTSIDE: Final = ("ping", "models", "stats", "explain", "indexes")
"""What asks the server about itself, which no transaction may."""


class Transaction:
    """A database whose operations are one transaction's, one at a time.

    An error of the server ends a MongoDB transaction, whatever it was about. So what would be
    refused is looked for before it is sent, as far as it can be.
    """

    def __init__(self, database: MongoDBDatabase, session: ClientSession) -> None:
        self.name = database.name
        self.capabilities = database.capabilities
        self.limits = database.limits
        self._errors = database.errors
        self._seconds = database._settings.timeout
        self._session = session
        self._lock = Lock()
        self._inner = _Within(database, session)
        self._failure: str | None = None
        self._ended = False
        for name in _OPERATIONS:
            method = getattr(self._inner, name, None)
            if method is not None:
                setattr(self, name, self._alone(method))
        for name in _OUTSIDE:
            setattr(self, name, getattr(database, name))

    @classmethod
    @contextmanager
    def of(
        cls,
        database: MongoDBDatabase,
        session: ClientSession,
        open_ones: set[Transaction],
        isolation: Isolation,
    ) -> Generator[Transaction]:
        """A transaction that ends with the block."""
        if isolation == "serializable":
            raise UnsupportedError(
                "mongodb does not support the isolation 'serializable', only 'snapshot'; write "
                "to a document that all who must not overlap write to",
                backend="mongodb",
            )
        transaction = cls(database, session)
        open_ones.add(transaction)
        try:
            transaction.begin()
            yield transaction
            transaction.commit()
        finally:
            open_ones.discard(transaction)
            transaction.end()

    def begin(self) -> None:
        """Begin."""
        self._session.start_transaction(
            # Of what a majority has, or it would not be of one state.
            read_concern=ReadConcern("snapshot"),
            write_concern=WriteConcern(w="majority"),
            read_preference=ReadPreference.PRIMARY,
        )

    def _alone(self, method: Callable[..., T]) -> Callable[..., T]:
        """The method, with nobody else using the session."""

        @functools.wraps(method)
        def call(*args: Any, **kwargs: Any) -> T:
            with self._lock:
                self._check()
                try:
                    return method(*args, **kwargs)
                except InterstoreError as error:
                    if isinstance(error.__cause__, PyMongoError):
                        self._failure = str(error)
                    raise
                except BaseException:  # cancelled: its answer would come to the next
                    self._failure = "an operation in it was cancelled"
                    raise
                finally:
                    self._failure = self._failure or self._inner.refused

        return call

    def _check(self) -> None:
        if self._ended:
            raise has_ended("mongodb")
        if self._failure is not None:
            raise UnavailableError(
                f"the transaction is over, and nothing of it is applied: {self._failure}",
                backend="mongodb",
            )

    def commit(self) -> None:
        """Have everything applied.

        Raises:
            OperationTimeoutError: nobody knows whether it was.
            UnavailableError: nothing was.
        """
        with self._lock:
            self._check()
            try:
                with timeout(self._seconds):
                    self._session.commit_transaction()
            except CAUGHT as error:
                raise self._errors.of_commit(error) from error
            finally:
                self._ended = True

    def end(self) -> None:
        """Undo what is not committed. Called again, do nothing."""
        with self._lock:
            self._ended = True
            with suppress(*CAUGHT), timeout(self._seconds):
                if self._session.in_transaction:
                    self._session.abort_transaction()
                self._session.end_session()


class Past(Transaction):
    """A database as it was when its first read came: one that only reads, and no transaction.

    A transaction would end after a minute. This may last as long as the server keeps the past.
    """

    def begin(self) -> None:
        """Fix the state."""
        self._inner.count("interstore", ALL)  # an aggregation: only those always tell the time

    def commit(self) -> None:
        """Nothing was written."""

    def _alone(self, method: Callable[..., T]) -> Callable[..., T]:
        @functools.wraps(method)
        def call(*args: Any, **kwargs: Any) -> T:
            with self._lock:
                self._check()
                return method(*args, **kwargs)

        return call


class _Bound:
    """A collection, of which every command is the session's."""

    def __init__(self, collection: DriverCollection[dict[str, Any]], session: Any) -> None:
        self._collection = collection
        self._session = session

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._collection, name)
        # Of the catalog nothing is asked within a transaction.
        return (
            method if name == "list_indexes" else functools.partial(method, session=self._session)
        )


class _Within(MongoDBDatabase):
    """The operations, by means that no refusal ends the transaction."""

    refused: str | None = None
    """Why the server has ended the transaction, if an index refused one of many documents."""

    def __init__(self, database: MongoDBDatabase, session: ClientSession) -> None:
        self.__dict__.update(copy(database).__dict__)
        self._bound_to = session
        self._collections = {}
        self._existing = dict(database._existing)

    def _collection(self, model: str) -> DriverCollection[dict[str, Any]]:
        bound = _Bound(self._database()[model], self._bound_to)
        return cast("DriverCollection[dict[str, Any]]", bound)

    def _make(self, model: str) -> None:
        """See that the model may be made: its first document makes it, within the transaction."""
        existing = self._model_names()
        if model not in existing:
            if not self._settings.auto_create:
                raise creation_is_off(model, existing, "mongodb")
            check_new_model(model, existing)
            self._claim(model)
            check_new_model(model, self._model_names())
        self._existing[model] = float("inf")

    def _ready(self, model: str) -> Sequence[Declaration]:
        """None: if one that a query relied on were gone, the server would end the transaction."""
        return ()

    def _index_expiry(self, model: str) -> None:
        """Not here: it would wait for the end of this transaction. Others, or a sweep, build it."""

    def create(self, model: str, write: Write) -> Document:
        if self.find_by_id(model, write.id) is not None:
            raise duplicate_id(model, write.id)
        self._make_room(model, [write.id])
        return super().create(model, write)

    def create_many(self, model: str, writes: Sequence[Write]) -> list[WriteOutcome]:
        """Create each; the outcome of each, in order. The ids are distinct."""
        self._make_room(model, _ids(writes))
        existing = {document.id for document in self.find_by_ids(model, _ids(writes))}
        outcomes = iter(
            super().create_many(model, [each for each in writes if each.id not in existing])
        )
        return [
            duplicate_id(model, each.id) if each.id in existing else next(outcomes)
            for each in writes
        ]

    def _explain(self, model: str, batch: Batch) -> None:
        super()._explain(model, batch)
        self.refused = "a document was refused by an index or a validator"

    def _update_natively(
        self, model: str, filter: Filter, changes: Changes
    ) -> dict[str, Any] | None:
        """By reading and replacing: the server's operators fail where they do not fit."""
        return None

    def find_one_and_update(self, model: str, query: Query, changes: Changes) -> Document | None:
        """Update the first document of the query's order; ``None`` if none matches."""
        return Operations.find_one_and_update(self._derived(), model, query, changes)


def _ids(writes: Sequence[Write]) -> list[str]:
    return [write.id for write in writes]
