"""Migrations for asyncio: the same functions, in a worker thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from threading import Event
from typing import Any, TypeVar

from interstore.migration.mend_runs import resync_run, retry_quarantine
from interstore.migration.report import Report, Verification
from interstore.migration.resyncing import Resynchronization, resync
from interstore.migration.run import migrate, verify

__all__ = [
    "migrate_async",
    "resync_async",
    "resync_run_async",
    "retry_quarantine_async",
    "verify_async",
]

T = TypeVar("T")


async def migrate_async(source: Any, target: Any, **options: Any) -> Report:
    """`migrate`, without blocking the event loop.

    `progress` is called in the worker thread. If the call is cancelled, the run stops at the
    next page, resumable, before the cancellation goes on.
    """
    return await _in_thread(migrate, (source, target), options)


async def verify_async(left: Any, right: Any, **options: Any) -> Verification:
    """`verify`, without blocking the event loop. If it is cancelled, it stops at the next page."""
    return await _in_thread(verify, (left, right), options)


async def resync_async(left: Any, right: Any, **options: Any) -> Resynchronization:
    """`resync`, without blocking the event loop. If it is cancelled, it stops at the next page."""
    return await _in_thread(resync, (left, right), options)


async def resync_run_async(run: str, **options: Any) -> Report:
    """`resync_run`, likewise."""
    return await _in_thread(resync_run, (run,), options)


async def retry_quarantine_async(run: str, **options: Any) -> Report:
    """`retry_quarantine`, likewise."""
    return await _in_thread(retry_quarantine, (run,), options)


async def _in_thread(
    function: Callable[..., T], arguments: tuple[Any, ...], options: dict[str, Any]
) -> T:
    stop = options.setdefault("stop", Event())
    loop = asyncio.get_running_loop()
    running = loop.run_in_executor(None, partial(function, *arguments, **options))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait([running])
        if not running.cancelled():
            running.exception()  # it was asked to stop: how it did is in its journal
        raise
