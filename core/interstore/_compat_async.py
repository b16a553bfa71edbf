"""What asyncio and threads do under different names, for asyncio; `_compat` has the same names.

The generator of the sync twins needs no rule for them: it only renames the module.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Final, ParamSpec, TypeVar

__all__ = ["ASYNC", "Flag", "Lock", "gather", "sleep", "to_thread"]

P = ParamSpec("P")
T = TypeVar("T")

ASYNC: Final = True
"""Asked by code that only one flavour has; the twin holds the answer and not the question."""

Lock = asyncio.Lock


class Flag:
    """What one task waits for, and another sets."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Have everybody go on who waits, and nobody wait from now on."""
        self._event.set()

    def is_set(self) -> bool:
        """Whether it was set."""
        return self._event.is_set()

    async def wait(self, seconds: float) -> bool:
        """Wait no longer than so many seconds; return whether it is set."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
        return self._event.is_set()


async def sleep(seconds: float) -> None:
    """Wait."""
    await asyncio.sleep(seconds)


async def to_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function that blocks, in a worker thread."""
    return await asyncio.to_thread(function, *args, **kwargs)


async def gather(calls: Iterable[Callable[[], Awaitable[T]]]) -> list[T]:
    """Make the calls at once; return their results in order.

    If one fails, the others are cancelled and have ended before its error is raised.
    """
    tasks = [asyncio.ensure_future(call()) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
