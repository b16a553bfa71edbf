# Generated from core/interstore/_async/transactions.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 8b5326da031ec526eb50255d

"""Several operations that take effect together or not at all."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from time import monotonic
from typing import Self, TypeVar

from interstore._compat import sleep
from interstore._sync.base import Base
from interstore.errors import InterstoreError
from interstore.transactions import Isolation, check_isolation, is_retryable, pause

__all__ = ["Transactions"]

T = TypeVar("T")


class Transactions(Base):
    """Transactions, and functions that are run in them."""

    def transaction(self, *, isolation: Isolation = "snapshot") -> AbstractContextManager[Self]:
        """Several operations that take effect together or not at all.

        ``with store.transaction() as tx:`` gives a store like this one. What is read and
        written through `tx` is part of the transaction, and sees what it wrote before; what is
        done through the store itself is not. Leaving the block commits; an exception, of whatever
        kind, undoes everything and goes on. After the block `tx` raises `UnavailableError`.

        Models and indexes are made and dropped outside; a model to which a transaction is the
        first to write may be left, empty, by one that is undone. There is no transaction within
        a transaction.

        Args:
            isolation: ``"snapshot"``, which every engine with transactions has, or
                ``"serializable"``; see `interstore.transactions.Isolation`.

        Raises:
            UnsupportedError: the engine has no transactions, or not of that isolation.
            UnavailableError: another wrote the same documents meanwhile, or the connection was
                lost: nothing was applied, and the whole may be repeated (`run_in_transaction`).
                Raised by an operation, or when the block is left.
            OperationTimeoutError: when the block is left: no answer came, and the transaction
                may or may not have been applied. Before: nothing was.
        """
        checked = check_isolation(isolation)
        self.database.check_transaction()
        return self._transaction(checked)

    @contextmanager
    def _transaction(self, isolation: Isolation) -> Generator[Self]:
        self._check_open()
        try:
            with self.database.transaction(isolation) as operations:
                store = copy(self)
                store.database = operations
                yield store
        except InterstoreError as error:
            error.backend = error.backend or self.database.name
            raise

    def snapshot(self) -> AbstractContextManager[Self]:
        """Reads of one state, that of all models at one moment, whatever others write meanwhile.

        ``with store.snapshot() as then:`` gives a store like this one, that only reads.
        Writers do not wait for it. Keep it short where it costs something: SQLite cannot shorten
        its log meanwhile, PostgreSQL keeps old rows, JSON files and memory hold the lines in
        memory that are written over, and MongoDB knows the past for five minutes only
        (`minSnapshotHistoryWindowInSeconds`).

        Raises:
            UnsupportedError: the engine has no snapshots, or this is a transaction.
            ResumeExpiredError: raised by an operation: the server knows that state no longer.
        """
        self.database.check_snapshot()
        return self._snapshot()

    @contextmanager
    def _snapshot(self) -> Generator[Self]:
        self._check_open()
        try:
            with self.database.snapshot() as operations:
                store = copy(self)
                store.database = operations
                yield store
        except InterstoreError as error:
            error.backend = error.backend or self.database.name
            raise

    def run_in_transaction(
        self,
        function: Callable[[Self], T],
        *,
        isolation: Isolation = "snapshot",
        timeout: float = 30.0,  # noqa: ASYNC109 (of all attempts, each of which ends in time)
    ) -> T:
        """What `function` returns, called with the store of a transaction that was committed.

        It is called again, in a new transaction, after an error that is `retryable`: nothing was
        applied then. So it must do nothing that is not to be done twice, but through that store.

        Args:
            function: does the work, with the store that it is given.
            isolation: as for `transaction`.
            timeout: seconds after which it is not called again. Between two calls are pauses of
                random length, up to one second.

        Raises:
            InterstoreError: the last attempt's.
        """
        deadline = monotonic() + timeout
        attempt = 0
        while True:
            try:
                with self.transaction(isolation=isolation) as transaction:
                    return function(transaction)
            except InterstoreError as error:
                wait = pause(attempt)
                if not is_retryable(error) or monotonic() + wait >= deadline:
                    raise
            self._check_open()
            sleep(wait)
            attempt += 1
