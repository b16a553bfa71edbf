"""`LoopThread`: an event loop in a thread of its own, for callers that do not use asyncio."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from interstore.errors import UnavailableError

__all__ = ["LoopThread"]

T = TypeVar("T")


class LoopThread:
    """Runs coroutines for any thread, between `start` and `stop`.

    Args:
        name: of the engine that the coroutines are from.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._sending = threading.Lock()  # nothing is sent to a loop that is told to stop

    @property
    def is_started(self) -> bool:
        """Whether there is a loop."""
        return self._loop is not None

    @property
    def is_forked(self) -> bool:
        """Whether this is a child of a fork, which has no thread for the loop."""
        thread = self._thread
        return thread is not None and not thread.is_alive()

    def start(self) -> None:
        """Begin, if it has not."""
        if self._loop is not None:
            return
        loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=_serve, args=(loop,), name=f"interstore-{self.name}", daemon=True
        )
        self._thread.start()
        self._loop = loop

    def stop(self) -> None:
        """End, and cancel what is under way."""
        if self.is_forked:
            # The loop's files are the parent's, and somebody there may hold the lock.
            _abandoned.append(self._loop)
            self._loop, self._thread, self._sending = None, None, threading.Lock()
            return
        with self._sending:
            loop, self._loop = self._loop, None
            thread, self._thread = self._thread, None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What the coroutine returns.

        Raises:
            UnavailableError: there is no loop, or it was stopped meanwhile.
        """
        future = self._sent(coroutine)
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise UnavailableError(
                f"{self.name} was closed while this call was under way: it may have been "
                "applied or not",
                backend=self.name,
            ) from None
        except BaseException:
            future.cancel()  # an interrupt of this thread ends the call, too
            raise

    def _sent(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        if self.is_forked:
            problem = (
                "was connected before this process was forked, and connections do not cross a "
                "fork: close the store and connect again"
            )
        else:
            with self._sending:
                if self._loop is not None:
                    return asyncio.run_coroutine_threadsafe(coroutine, self._loop)
            problem = "is not connected"
        coroutine.close()
        raise UnavailableError(f"{self.name} {problem}", backend=self.name)


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    """Run the loop until it is stopped, and then what is left to its end, cancelled."""
    loop.run_forever()
    loop.run_until_complete(_cancel_all())
    loop.close()


async def _cancel_all() -> None:
    calls = asyncio.all_tasks() - {asyncio.current_task()}
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)


_abandoned: Final[list[Any]] = []
"""What a child of a fork must neither use nor close."""
