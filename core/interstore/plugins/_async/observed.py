"""`AsyncObserved`: tells an observer of every operation."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from copy import copy
from itertools import count
from time import perf_counter
from typing import Any, Final

from interstore._async.database import AsyncDatabase
from interstore.plugins._async.interceptor import AsyncInterceptor
from interstore.plugins.counting import count_of
from interstore.plugins.operation import Observer, Operation
from interstore.transactions import Isolation
from interstore.usage import Usage, begin, end

__all__ = ["AsyncObserved"]

_log: Final = logging.getLogger("interstore.plugins")
_numbers: Final = count(1)


class AsyncObserved(AsyncInterceptor):
    """A database whose operations are told to an observer, each when it has ended."""

    def __init__(self, database: AsyncDatabase, observer: Observer) -> None:
        self._observer = observer
        self._number: int | None = None
        super().__init__(database)

    async def intercept(
        self,
        operation: str,
        call: Callable[..., Awaitable[Any]],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Time it, and tell what became of it."""
        if operation == "read_changes":  # which waits, most of its time
            return await call(*args, **kwargs)
        if operation == "sweep" and len(args) > 2:  # of some ids: a part of the write that needs it
            return await call(*args, **kwargs)
        usage, token = begin()
        started = perf_counter()
        try:
            result = await call(*args, **kwargs)
            if operation == "find" and not isinstance(result, list):
                result = list(result)  # what is lazy is read while the time runs
        except BaseException as error:
            self._tell(operation, args, perf_counter() - started, usage, error)
            raise
        else:
            count = count_of(operation, result)
            self._tell(operation, args, perf_counter() - started, usage, None, count)
            return result
        finally:
            end(token)

    def _tell(
        self,
        operation: str,
        args: tuple[Any, ...],
        seconds: float,
        usage: Usage | None,
        error: BaseException | None,
        count: int | None = None,
    ) -> None:
        model, arguments = None, args
        if args and isinstance(args[0], str):
            model, arguments = args[0], args[1:]
        told = Operation(
            name=operation,
            backend=self.name,
            model=model,
            seconds=seconds,
            error=error,
            count=count,
            request_units=usage.request_units if usage is not None and usage.requests else None,
            transaction=self._number,
            arguments=arguments,
        )
        try:
            self._observer(told)
        except Exception:  # noqa: BLE001 - whatever it is, the operation has succeeded
            _log.exception("the observer %r failed", self._observer)

    @asynccontextmanager
    async def transaction(self, isolation: Isolation) -> AsyncGenerator[AsyncDatabase]:
        """Tell of it when it has been committed, or undone."""
        started, number = perf_counter(), next(_numbers)
        failure: BaseException | None = None
        told = copy(self)
        told._number = number
        try:
            async with self.inner.transaction(isolation) as operations:
                yield told.around(operations.database)
        except BaseException as error:
            failure = error
            raise
        finally:
            told._tell("transaction", (), perf_counter() - started, None, failure)
