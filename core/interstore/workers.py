"""`Workers`: threads that run blocking calls for event loops.

What an executor of the standard library does, with half its hand-offs: a call and its result
cross between the threads once each, which is most of what an asynchronous call of an embedded
engine costs.
"""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

__all__ = ["Workers"]

T = TypeVar("T")


class Workers:
    """At most so many threads, each started when all others are at work."""

    def __init__(self, size: int, name: str) -> None:
        self._size = size
        self._name = name
        self._begin()
        _all.add(self)

    def _begin(self) -> None:
        self._calls: _Calls = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._running = 0
        # Threads of a pool that nobody has ended must not outlive it.
        self._end = weakref.finalize(self, _end, self._calls, self._size)

    async def run(self, method: Callable[..., T], args: tuple[Any, ...], kwargs: Any) -> T:
        """What `method` returns.

        A cancellation waits for the thread, which cannot be stopped, and goes on then.
        """
        call = _Call(asyncio.get_running_loop().create_future(), method, args, kwargs)
        with self._lock:
            self._running += 1
            if self._running > self._threads and self._threads < self._size:
                self._start()
        self._calls.put(call)
        try:
            result: T = await call.future
            return result
        except asyncio.CancelledError:
            await call.ended()
            raise
        finally:
            with self._lock:
                self._running -= 1

    def _start(self) -> None:
        name = f"{self._name}_{self._threads}"
        threading.Thread(target=_work, args=(self._calls,), name=name, daemon=True).start()
        self._threads += 1

    def shutdown(self) -> None:
        """Have the threads end, each after what it does."""
        self._end()

    def after_fork(self) -> None:
        """Begin anew in a child, which has none of the threads."""
        self._end.detach()
        self._begin()


class _Call:
    """One call, on its way to a thread and back."""

    __slots__ = ("args", "future", "is_over", "kwargs", "method", "waiting")

    def __init__(
        self, future: asyncio.Future[Any], method: Callable[..., Any], args: Any, kwargs: Any
    ) -> None:
        self.future = future
        self.method = method
        self.args = args
        self.kwargs = kwargs
        self.is_over = False
        self.waiting: asyncio.Future[None] | None = None

    def deliver(self, result: Any, error: BaseException | None) -> None:
        """Take the result. Called by the event loop."""
        self.is_over = True
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_result(None)
        if self.future.done():  # cancelled
            return
        if error is None:
            self.future.set_result(result)
        else:
            self.future.set_exception(error)

    async def ended(self) -> None:
        """Return when the thread is done with the call, however often this is cancelled."""
        while not self.is_over:
            self.waiting = self.future.get_loop().create_future()
            try:
                await self.waiting
            except asyncio.CancelledError:
                continue
        if not self.future.cancelled():
            self.future.exception()  # retrieved: nobody else will


_Calls = SimpleQueue[_Call | None]


def _work(calls: _Calls) -> None:
    while _one(calls.get()):
        pass


def _one(call: _Call | None) -> bool:
    """Run one call; return whether another may follow.

    A function of its own, so that a thread that waits keeps nothing of the last call.
    """
    if call is None:
        return False
    result, error = None, None
    try:
        result = call.method(*call.args, **call.kwargs)
    except BaseException as raised:  # noqa: BLE001 (it is raised where it was called)
        error = raised
    with suppress(RuntimeError):  # the loop is closed: nobody waits any more
        call.future.get_loop().call_soon_threadsafe(call.deliver, result, error)
    return True


def _end(calls: _Calls, threads: int) -> None:
    for _ in range(threads):
        calls.put(None)


_all: weakref.WeakSet[Workers] = weakref.WeakSet()


def _after_fork() -> None:
    for workers in _all:
        workers.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
