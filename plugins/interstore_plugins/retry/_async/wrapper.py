"""`AsyncRetrying`: the database whose operations are repeated."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from threading import Event
from typing import Any

from interstore import AsyncDatabase
from interstore.bulk import WriteOutcome
from interstore.document import Document
from interstore.errors import DuplicateError, InterstoreError
from interstore.plugins import AsyncInterceptor, sleep_async
from interstore.prepared import Write
from interstore.transactions import Isolation
from interstore_plugins.retry.attempts import Attempts, GivenUp
from interstore_plugins.retry.breaker import Breaker
from interstore_plugins.retry.figures import Figures
from interstore_plugins.retry.policy import (
    BULK,
    FAILURES,
    REFUSALS,
    after_looking,
    id_of,
    is_ours,
    was_created,
)
from interstore_plugins.retry.settings import RetrySettings

__all__ = ["AsyncRetrying"]


class AsyncRetrying(AsyncInterceptor):
    """A database that repeats what failed for a moment."""

    def __init__(self, database: AsyncDatabase, settings: RetrySettings) -> None:
        self._settings = settings
        self._breaker = Breaker(settings.breaker, settings.breaker_pause)
        self._figures = Figures()
        self._ends: tuple[Event, ...] = (Event(),)
        super().__init__(database)

    def metrics(self) -> dict[str, Any]:
        """The figures, and the state of the circuit breaker."""
        breaker = self._breaker
        return {**self._figures.told(), "circuit": breaker.state, "opened": breaker.opened}

    async def connect(self) -> None:
        """Also where the engine is only just starting."""
        self._ends[0].clear()
        await self.intercept("connect", self.inner.connect, (), {})

    async def disconnect(self) -> None:
        """From now on, nothing is repeated."""
        self._ends[0].set()
        await self.inner.disconnect()

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[AsyncDatabase]:
        """Its operations are repeated, until it ends."""
        async with self.inner.session() as operations:
            inside = self.around(operations.database)
            inside._ends = (*self._ends, Event())
            try:
                yield self if operations is self.inner else inside
            finally:
                inside._ends[-1].set()

    @asynccontextmanager
    async def transaction(self, isolation: Isolation) -> AsyncGenerator[AsyncDatabase]:
        """Its beginning is repeated; what fails within has ended it."""
        async with AsyncExitStack() as stack:
            begin = partial(self._begin, stack, isolation)
            yield await self.intercept("transaction", begin, (), {})

    async def _begin(self, stack: AsyncExitStack, isolation: Isolation) -> AsyncDatabase:
        operations = await stack.enter_async_context(self.inner.transaction(isolation))
        return operations.database

    async def intercept(
        self,
        operation: str,
        call: Callable[..., Awaitable[Any]],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Do it, and do it again as the policy says."""
        self._breaker.check(self.name)
        try:
            result = await call(*args, **kwargs)
        except FAILURES as error:
            if any(end.is_set() for end in self._ends):
                raise
            attempts = Attempts(self._settings, operation, error)
            return await self._insist(operation, attempts, call, args, kwargs)
        except InterstoreError:
            self._breaker.succeeded()
            raise
        self._breaker.succeeded()
        return result

    async def _insist(
        self,
        operation: str,
        attempts: Attempts,
        call: Callable[..., Awaitable[Any]],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        answered = False
        try:
            result = await self._attempted(operation, attempts, call, args, kwargs)
            answered = True
            return result
        except GivenUp:
            self._breaker.gave_up()
        except InterstoreError:
            answered = True
            raise
        finally:
            if answered:
                self._breaker.succeeded()
            self._figures.ended(attempts.number, recovered=answered, recognised=attempts.recognised)
        raise attempts.failure()

    async def _attempted(
        self,
        operation: str,
        attempts: Attempts,
        call: Callable[..., Awaitable[Any]],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        while True:
            await sleep_async(attempts.wait())
            try:
                if attempts.step == "repeat":
                    return await call(*args, **kwargs)
                if operation in BULK:
                    return await self._rest(operation, call, args[0], args[1])
                return await self._look(operation, attempts, call, args, kwargs)
            except FAILURES as error:
                attempts.failed(error)

    async def _look(
        self,
        operation: str,
        attempts: Attempts,
        call: Callable[..., Awaitable[Any]],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """See what became of a write of one document; do it again if that is safe."""
        model, id, if_version = args[0], id_of(args), kwargs.get("if_version")
        outcome = after_looking(operation, await self.inner.find_by_id(model, id), args, if_version)
        if outcome == "repeat":
            try:
                return await call(*args, **kwargs)
            except REFUSALS as refusal:
                # By the first attempt, if that was only late.
                found = await self.inner.find_by_id(model, id)
                outcome = after_looking(operation, found, args, if_version)
                if operation == "create" and outcome == "repeat":
                    raise refusal from None
        if not isinstance(outcome, Document):
            raise GivenUp
        attempts.recognised = True
        return outcome

    async def _rest(
        self,
        operation: str,
        call: Callable[..., Awaitable[Any]],
        model: str,
        writes: Sequence[Write],
    ) -> list[WriteOutcome]:
        """Write those documents of a bulk call that have not been written; the outcomes of all."""
        written: dict[str, int] = {}
        ids = [write.id for write in writes]
        for found in await self.inner.find_by_ids(model, ids):
            write = writes[ids.index(found.id)]
            if operation == "create_many" and was_created(found, write):
                written[found.id] = 1
            elif operation == "put_many" and is_ours(found, write):
                written[found.id] = found.version
        left = [write for write in writes if write.id not in written]
        outcomes = iter(await call(model, left) if left else ())
        result: list[WriteOutcome] = [
            written[id] if id in written else next(outcomes) for id in ids
        ]
        return await self._settled(model, writes, result) if operation == "create_many" else result

    async def _settled(
        self, model: str, writes: Sequence[Write], outcomes: list[WriteOutcome]
    ) -> list[WriteOutcome]:
        """Without the duplicates that are of the first attempt, if that was only late."""
        ids = [
            write.id
            for write, outcome in zip(writes, outcomes, strict=True)
            if isinstance(outcome, DuplicateError) and outcome.index is None
        ]
        if not ids:
            return outcomes
        found = {each.id: each for each in await self.inner.find_by_ids(model, ids)}
        return [
            1 if was_created(found.get(write.id), write) else outcome
            for write, outcome in zip(writes, outcomes, strict=True)
        ]
