"""A disk so small that a test can fill it."""

from __future__ import annotations

import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tests.servers.account import Account
from tests.servers.databases import PostgreSQL
from tests.servers.guard import GUARD
from tests.servers.mongodb import MongoDB, running
from tests.servers.process import ServerProcess

__all__ = ["SmallServer", "small_database", "small_disk", "small_mongodb"]

EMPTY_DATABASE = 8 * 2**20
WAL_SEGMENT = 16 * 2**20
MONGODB_JOURNALS = 300 * 2**20
MONGODB_JOURNAL = 100 * 2**20


@contextmanager
def small_disk(folder: Path, size: int, account: Account | None) -> Generator[bool]:
    """Mount a file system of so many bytes on a new folder; gives whether that was allowed."""
    folder.mkdir()
    options = f"size={size},mode=700"
    if account is not None:
        options += f",uid={account.uid},gid={account.gid}"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    GUARD.mount(folder)
    mounted = not subprocess.run(command, capture_output=True, check=False).returncode
    try:
        yield mounted
    finally:
        if mounted:
            # Lazily: what its server left may be being removed.
            subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def small_database(server: PostgreSQL, free: int = 2**22) -> Generator[str]:
    """A database, by its URL, that has room for about so many bytes.

    What does not fit gives 53100 (disk full). Where this process may not mount, no file of the
    server can grow beyond so many bytes and 16 MiB, which gives XX000 (internal error).

    Args:
        server: one that the tests started.
        free: bytes; half of it may be lost to what PostgreSQL itself notes down.
    """
    process = server.process
    assert process is not None, "a server of one's own has no small disk"
    name = f"small_{uuid4().hex[:8]}"
    disk = process.folder / name
    with small_disk(disk, EMPTY_DATABASE + free, process.account) as mounted:
        database = _on_disk(server, name, disk) if mounted else _limited(server, process, free)
        with database as url:
            yield url


@contextmanager
def _on_disk(server: PostgreSQL, name: str, disk: Path) -> Generator[str]:
    with server.connect() as connection:
        for statement in (
            f"CREATE TABLESPACE {name} LOCATION '{disk}'",
            f"CREATE DATABASE {name} TEMPLATE template0 TABLESPACE {name}",
        ):
            connection.execute(statement.encode())
    try:
        yield server.url(name)
    finally:
        with server.connect() as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
            connection.execute(f"DROP TABLESPACE {name}".encode())


@contextmanager
def _limited(server: PostgreSQL, process: ServerProcess, free: int) -> Generator[str]:
    with server.database() as url:
        process.limit_files(WAL_SEGMENT + free)
        try:
            yield url
        finally:
            process.limit_files(None)


@dataclass
class SmallServer:
    """A MongoDB server by itself that soon has no room left."""

    server: MongoDB
    disk: Path
    mounted: bool

    def enlarge(self) -> None:
        """Give it room, and start it again: it may die of the lack at any moment."""
        process = self.server.process
        assert process is not None
        process.kill()
        if self.mounted:
            command = ["mount", "-o", f"remount,size={4 * MONGODB_JOURNALS}", str(self.disk)]
            subprocess.run(command, check=True)
        process.start()


@contextmanager
def small_mongodb(free: int = 2**24) -> Generator[SmallServer]:
    """A server that has room for about so many bytes.

    Where this process may not mount, no file of the server can grow beyond so many bytes and
    its journal's 100 MiB.
    """
    mounts: list[tuple[Path, bool]] = []

    @contextmanager
    def mount(data: Path) -> Generator[None]:
        with small_disk(data, MONGODB_JOURNALS + free, None) as mounted:
            mounts.append((data, mounted))
            yield

    with running(replica_set=False, disk=mount) as server:
        [(disk, mounted)] = mounts
        if not mounted:
            assert server.process is not None
            server.process.limit_files(MONGODB_JOURNAL + free)
        yield SmallServer(server, disk, mounted)
