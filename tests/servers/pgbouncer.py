"""PgBouncer before a PostgreSQL server, where the program is installed: no package brings it."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Generator
from contextlib import contextmanager

from tests.servers.account import new_folder, unprivileged
from tests.servers.databases import PostgreSQL
from tests.servers.process import ServerProcess, ServerUnavailable, free_port, listening

__all__ = ["pooling"]

CONFIGURATION = """
[databases]
* = host={host} port={port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
auth_type = trust
auth_file = {folder}/users.txt
pool_mode = transaction
default_pool_size = {size}
unix_socket_dir =
logfile =
pidfile = {folder}/pid
"""


@contextmanager
def pooling(server: PostgreSQL, *, size: int = 2) -> Generator[int]:
    """The port of a PgBouncer in transaction mode, with so many connections to the server.

    Raises:
        ServerUnavailable: there is no such program, or it does not start.
    """
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        raise ServerUnavailable(
            "PgBouncer is not installed, and no Python package brings it: apt install pgbouncer"
        )
    account = unprivileged()
    folder = new_folder("pgbouncer", account)
    host, port = server.address
    listen = free_port()
    # Whom it lets through is for the server to say; the name it is asked by stays.
    (folder / "users.txt").write_text('"postgres" ""\n')
    settings = CONFIGURATION.format(host=host, port=port, listen=listen, folder=folder, size=size)
    (folder / "pgbouncer.ini").write_text(
        settings.replace("auth_type = trust", "auth_type = trust")
    )
    process = ServerProcess(
        "PgBouncer",
        [program, folder / "pgbouncer.ini"],
        lambda: listening(listen),
        port=listen,
        folder=folder,
        account=account,
        end_signal=signal.SIGTERM,
    )
    try:
        process.start()
        yield listen
    finally:
        process.close()
