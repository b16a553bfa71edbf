"""Calls that run beside each other while something is done to their server: as threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

__all__ = ["together"]


def together(act: Callable[[], None], calls: Iterable[Callable[[], object]]) -> list[Any]:
    """Begin all calls, act, and wait for the calls: the result of each, or its error."""
    calls = list(calls)
    with ThreadPoolExecutor(max(1, len(calls))) as executor:
        running = [executor.submit(call) for call in calls]
        act()
        return [_outcome(call) for call in running]


def _outcome(call: Future[object]) -> object:
    return call.exception() or call.result()
