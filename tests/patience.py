"""Waiting in tests: for a call to come back, for a store to be well again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager

from interstore.errors import InterstoreError

__all__ = ["eventually", "eventually_async", "no_hang"]

HANG = 40.0
"""Seconds: many times the timeouts of a second or two that the tests set, on any machine."""


@contextmanager
def no_hang() -> Generator[None]:
    """Fails if what stands within it has only come back after so long that it hung."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start < HANG, "the timeout that was set did not end it"


def eventually(what: Callable[[], object], seconds: float = 30) -> None:
    """Until it succeeds."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            what()
        except (InterstoreError, AssertionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


async def eventually_async(what: Callable[[], Awaitable[object]], seconds: float = 30) -> None:
    """The same, without blocking the event loop."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            await what()
        except (InterstoreError, AssertionError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)
        else:
            return
