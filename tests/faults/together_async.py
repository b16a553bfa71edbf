"""Calls that run beside each other while something is done to their server: as tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

__all__ = ["together"]


async def together(
    act: Callable[[], None], calls: Iterable[Callable[[], Awaitable[object]]]
) -> list[Any]:
    """Begin all calls, act, and wait for the calls: the result of each, or its error."""
    running = [asyncio.ensure_future(call()) for call in calls]
    await asyncio.to_thread(act)
    return await asyncio.gather(*running, return_exceptions=True)
