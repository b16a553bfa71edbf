"""Sweeps in the background, as long as a store is open."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from interstore._compat_async import ASYNC
from interstore.errors import ConfigurationError, InterstoreError

if ASYNC:
    import asyncio
else:
    import threading

if TYPE_CHECKING:
    from interstore._async.store import AsyncStore

__all__ = ["AsyncSweeper", "check_every"]

_logger: Final = logging.getLogger("interstore.sweep")
_SLICE: Final = 1.0
"""Seconds after which a sweep makes a pause as long: whoever closes the store waits no longer."""


def check_every(every: Any) -> float:
    """Seconds between two sweeps.

    Raises:
        ConfigurationError: that is no number of seconds.
    """
    if isinstance(every, bool) or not isinstance(every, (int, float)) or not 0.01 <= every < 1e9:
        raise ConfigurationError(f"sweep_every is a number of seconds from 0.01, not {every!r:.80}")
    return float(every)


class AsyncSweeper:
    """Sweeps a store again and again, from `start` to `stop`.

    A sweep that fails is logged, and there is another one when its time comes: what it did not
    remove, nobody sees.

    Args:
        store: the store, connected.
        every: seconds between two sweeps.
    """

    def __init__(self, store: AsyncStore, every: float) -> None:
        self.store = store
        self._every = every
        if ASYNC:
            self._task: asyncio.Task[None] | None = None
        else:
            self._thread: threading.Thread | None = None
            self._stopping = threading.Event()

    def start(self) -> None:
        """Begin; the first sweep is at once."""
        if ASYNC:
            self._task = asyncio.get_running_loop().create_task(self._run())
        else:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name="interstore-sweep", daemon=True)
            self._thread.start()

    async def stop(self) -> None:
        """End; a batch that is under way is waited for."""
        if ASYNC:
            task, self._task = self._task, None
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        else:
            thread, self._thread = self._thread, None
            self._stopping.set()
            if thread is not None:
                thread.join()

    async def _run(self) -> None:
        while True:
            pause = self._every
            try:
                swept = await self.store.sweep(timeout=min(pause, _SLICE))
                pause = pause if swept.finished else min(pause, _SLICE)
            except InterstoreError as error:
                _logger.warning("a sweep of %s failed: %s", self.store.database.name, error)
            except Exception:
                _logger.exception("a sweep of %s failed", self.store.database.name)
            if ASYNC:
                await asyncio.sleep(pause)
            else:
                if self._stopping.wait(pause):
                    return
