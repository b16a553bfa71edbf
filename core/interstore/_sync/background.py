# Generated from core/interstore/_async/background.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 64518086659ad0bef216b97d

"""`Background`: what is done again and again, as long as a store is open."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from interstore.errors import InterstoreError

__all__ = ["Background"]

_PAUSE: Final = 0.5
"""Seconds after which what failed is done again."""


class Background:
    """Calls a function with pauses between, from `start` to `stop`: in a task of the event loop, or
    in a thread. What fails is logged, once for each message, and done again after half a second.

    Args:
        function: returns how many seconds the next pause is to last.
        name: what messages call it.
        logger: the name of the logger that is told when it fails.
    """

    def __init__(self, function: Callable[[], float], name: str, logger: str) -> None:
        self._function = function
        self._name = name
        self._logger = logging.getLogger(logger)
        self._failing = ""
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin, at once."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(self._stopping,), name=self._name, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End; what is under way is waited for."""
        thread, self._thread = self._thread, None
        self._stopping.set()
        if thread is not None:
            thread.join()

    def _run(self, stopping: threading.Event) -> None:
        pause = 0.0
        while not stopping.wait(pause):
            pause = self._once()

    def _once(self) -> float:
        try:
            pause = self._function()
        except InterstoreError as error:
            if str(error) != self._failing:
                self._logger.warning("%s: %s", self._name, error)
            self._failing = str(error)
        except Exception:
            self._logger.exception("%s failed", self._name)
        else:
            self._failing = ""
            return pause
        return _PAUSE
