"""Calls side by side, for asyncio; `workers` has the same names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from interstore._compat_async import gather

__all__ = ["Workers"]

T = TypeVar("T")


class Workers:
    """Tasks, as many as there are calls: what is in flight is limited where it is sent."""

    def __init__(self, most: int) -> None:
        del most

    async def fan_out(self, calls: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
        """Make the calls side by side; their results in order. The first error ends them all."""
        if len(calls) <= 1:
            return [await call() for call in calls]
        return await gather(calls)

    async def close(self) -> None:
        """There is nothing to end."""
