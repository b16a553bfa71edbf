"""Calls side by side, for threads; `workers_async` has the same names."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from threading import Lock
from typing import Any, Final, TypeVar

__all__ = ["Workers"]

T = TypeVar("T")

_AT_ONCE: Final = 16
"""Calls of one operation that are under way at a time."""


class Workers:
    """Threads that help whoever has several calls to make.

    They are kept, since to start them costs more than a request does. Who asks for help makes
    calls as well, and waits for nobody who has not begun: so calls may ask for help themselves,
    and none of it stands still where all threads are taken.

    Args:
        most: never more threads than so many.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._threads: ThreadPoolExecutor | None = None

    def fan_out(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Make the calls side by side; their results in order. After an error, no more begin."""
        if len(calls) <= 1:
            return [call() for call in calls]
        results: list[Any] = [None] * len(calls)
        waiting = deque(enumerate(calls))
        work = partial(_work, waiting, results)
        helpers = self._helped(work, min(len(calls), _AT_ONCE, self._most) - 1)
        try:
            work()
        finally:
            waiting.clear()
            begun = [helper for helper in helpers if not helper.cancel()]
            errors = [helper.exception() for helper in begun]
        for error in errors:
            if error is not None:
                raise error
        return results

    def _helped(self, work: Callable[[], None], helpers: int) -> list[Future[None]]:
        with self._lock:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(self._most, "interstore-cosmosdb")
            threads = self._threads
        begun: list[Future[None]] = []
        with suppress(RuntimeError):  # the program ends, or another thread closes the database
            begun.extend(threads.submit(copy_context().run, work) for _ in range(helpers))
        return begun

    def close(self) -> None:
        """Let the threads end."""
        with self._lock:
            threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=False)


def _work(waiting: deque[tuple[int, Callable[[], Any]]], results: list[Any]) -> None:
    """Make calls as long as any wait."""
    try:
        while True:
            try:
                place, call = waiting.popleft()
            except IndexError:
                return
            results[place] = call()
    except BaseException:
        waiting.clear()
        raise
