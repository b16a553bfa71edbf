"""Hears what other processes invalidate, so that this one drops it, too."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from threading import Event, Thread
from typing import Any, Final
from uuid import uuid4

import msgspec

from interstore.settings import Secret
from interstore_plugins.cache.owed import Due, outage

__all__ = ["Listener"]

_log: Final = logging.getLogger("interstore.cache")

LISTEN_SECONDS: Final = 1.0
"""The server is asked whether it is still there after so much silence, and given as long again."""
PAUSE_SECONDS: Final = 1.0


class Listener:
    """A thread that is subscribed to a channel of the server's.

    While it does not hear, nothing may be kept in this process: others could change it unheard.

    Args:
        url: the server.
        channel: what to listen to.
        heard: is called with what to drop.
        deaf: is called when something may have gone unheard.

    Attributes:
        name: of this process's cache.
        hears: whether it does.
    """

    def __init__(
        self,
        url: Secret,
        channel: str,
        heard: Callable[[Sequence[str], Sequence[str], Sequence[str]], object],
        deaf: Callable[[], object],
    ) -> None:
        self.name = uuid4().hex
        self.hears = False
        self._url = url
        self._channel = channel
        self._heard = heard
        self._deaf = deaf
        self._ended = Event()
        self._thread = Thread(target=self._run, name="interstore-cache", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; it may take a moment until the thread has ended."""
        self.hears = False
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._listen()
            except outage() as error:
                _log.debug("not listening to the shared cache: %s", type(error).__name__)
            self.hears = False
            self._deaf()
            self._ended.wait(PAUSE_SECONDS)

    def _listen(self) -> None:
        from redis import Redis

        client: Any = Redis.from_url(
            self._url.reveal(), socket_connect_timeout=2, socket_timeout=2 * LISTEN_SECONDS
        )
        with client, client.pubsub() as subscription:
            subscription.subscribe(self._channel)
            asked = False
            while not self._ended.is_set():
                message = subscription.get_message(timeout=LISTEN_SECONDS)
                if message is None:
                    if asked:
                        raise TimeoutError
                    subscription.ping()
                    asked = True
                    continue
                asked = False
                self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "subscribe":
            self._deaf()  # of what came before
            self.hears = True
        elif message["type"] == "message":
            due = msgspec.json.decode(message["data"], type=Due)
            if due.source != self.name:
                self._heard(due.keys, due.scopes, due.patterns)
