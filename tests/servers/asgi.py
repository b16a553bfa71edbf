"""An ASGI server for the tests: uvicorn, in a thread of this process."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import uvicorn

from tests.servers.process import free_port

__all__ = ["free_url", "serving"]


def free_url(path: str = "") -> str:
    """The URL of a port of this machine that nothing listens on."""
    return f"http://127.0.0.1:{free_port()}{path}"


@contextmanager
def serving(app: Any, url: str) -> Generator[None]:
    """Serve an application at a URL of `free_url`."""
    port = int(url.split(":")[2].partition("/")[0])
    config = uvicorn.Config(app, port=port, log_level="critical", lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="uvicorn")
    thread.start()
    try:
        _wait(server, thread)
        yield
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive(), "the server does not end"


def _wait(server: uvicorn.Server, thread: threading.Thread) -> None:
    pause = threading.Event()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        pause.wait(0.01)
