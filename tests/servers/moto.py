"""S3 that holds every key as it is: moto, which checks no signatures and forgets all at its end.

SeaweedFS keeps objects in folders, so it has not `a` beside `a/b`. AWS has, and moto is like it
there.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import PackageNotFoundError, version

from tests.servers.account import new_folder
from tests.servers.process import ServerProcess, ServerUnavailable, free_port, listening
from tests.servers.s3 import S3

__all__ = ["PACKAGE", "running"]

PACKAGE = "moto"


class _Moto(S3):
    @property
    def version(self) -> str:
        return f"moto {version(PACKAGE)}"


@contextmanager
def running() -> Generator[S3]:
    """A server, with which buckets can be made.

    Raises:
        ServerUnavailable: it could not be started.
    """
    try:
        version(PACKAGE)
    except PackageNotFoundError:
        raise ServerUnavailable(
            f"S3 with keys as they are: install the package {PACKAGE}"
        ) from None
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = ServerProcess(
        "moto",
        command,
        partial(listening, port),
        port=port,
        folder=new_folder(f"moto-{port}", None),
    )
    server = _Moto(
        f"http://127.0.0.1:{port}", "interstore-tests", secrets.token_hex(16), process=process
    )
    try:
        process.start()
        yield server
    finally:
        server.close()
        process.close()
