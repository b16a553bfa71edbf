"""Sweeps in the background, as long as a store is open."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from interstore._async.background import AsyncBackground
from interstore.errors import ConfigurationError, InterstoreError

if TYPE_CHECKING:
    from interstore._async.store import AsyncStore

__all__ = ["AsyncSweeper", "check_every"]

_LOGGER: Final = "interstore.sweep"
_logger: Final = logging.getLogger(_LOGGER)
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
        self._background = AsyncBackground(self._sweep, "interstore-sweep", _LOGGER)

    def start(self) -> None:
        """Begin; the first sweep is at once."""
        self._background.start()

    async def stop(self) -> None:
        """End; a batch that is under way is waited for."""
        await self._background.stop()

    async def _sweep(self) -> float:
        try:
            swept = await self.store.sweep(timeout=min(self._every, _SLICE))
        except InterstoreError as error:
            _logger.warning("a sweep of %s failed: %s", self.store.database.name, error)
        except Exception:
            _logger.exception("a sweep of %s failed", self.store.database.name)
        else:
            return self._every if swept.finished else min(self._every, _SLICE)
        return self._every
