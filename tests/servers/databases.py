"""Databases on a PostgreSQL server, each for one test at a time."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

from tests.servers import locales
from tests.servers.process import ServerProcess

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["LeakedConnections", "PostgreSQL"]

HOSTILE = [
    f"LOCALE_PROVIDER libc LC_COLLATE '{locales.COLLATE}' LC_CTYPE '{locales.CTYPE}'",
    "LOCALE_PROVIDER icu ICU_LOCALE 'da-DK-u-kf-upper' LC_COLLATE 'C' LC_CTYPE 'C'",
    "LOCALE_PROVIDER libc LC_COLLATE 'en_US.UTF-8' LC_CTYPE 'en_US.UTF-8'",
]
"""The least convenient first: a server may not have it."""

SETTINGS = ("timezone = 'Asia/Kathmandu'", "datestyle = 'German, DMY'", "bytea_output = 'escape'")
"""What a database may say too, and what nothing may depend on."""

CLEAR = """
DO $$
DECLARE
    one text;
BEGIN
    FOR one IN SELECT nspname FROM pg_namespace
        WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
    LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', one);
    END LOOP;
    CREATE SCHEMA public;
END $$
"""


class LeakedConnections(AssertionError):
    """Connections were still open at the end."""


class PostgreSQL:
    """A running server.

    Attributes:
        process: that of the server; ``None`` for one's own.
        notice: what is not as it should be.
    """

    def __init__(self, url: str, process: ServerProcess | None = None, notice: str = "") -> None:
        self.process = process
        self.notice = notice
        self._url = url
        self._prefix = f"interstore_{uuid4().hex[:8]}"
        self._made = 0
        self._free: dict[bool, list[str]] = {True: [], False: []}

    def url(self, database: str, *, port: int | None = None, user: str | None = None) -> str:
        """That of a database; through a proxy on 127.0.0.1, if its port is given.

        Args:
            database: its name.
            port: that of a proxy.
            user: as `name` or `name:password`, instead of the one the server was started with.
        """
        parts = urlsplit(self._url)
        own_user, _, address = parts.netloc.rpartition("@")
        address = address if port is None else f"127.0.0.1:{port}"
        netloc = "@".join(part for part in (user or own_user, address) if part)
        return parts._replace(netloc=netloc, path=f"/{quote(database)}").geturl()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, for a proxy."""
        parts = urlsplit(self._url)
        return parts.hostname or "127.0.0.1", parts.port or 5432

    def connect(self, database: str | None = None) -> Connection[tuple[Any, ...]]:
        """A plain connection, each statement a transaction of its own."""
        import psycopg

        url = self._url if database is None else self.url(database)
        return psycopg.connect(url, autocommit=True, connect_timeout=10)

    def ping(self) -> None:
        self.connect().close()

    @property
    def version(self) -> str:
        with self.connect() as connection:
            return str(connection.execute("SHOW server_version").fetchall()[0][0])

    @contextmanager
    def database(self, *, hostile: bool = True, strict: bool = True) -> Generator[str]:
        """A database with nothing in it, by its URL; used again once it is cleared.

        Args:
            hostile: in an inconvenient collation, with inconvenient settings; otherwise "C".
            strict: whether connections still open at the end are an error.

        Raises:
            LeakedConnections: some are, five seconds after the end. So long may a busy server
                that was hung take to see that who had asked for a connection is gone.
        """
        free = self._free[hostile]
        name = free.pop() if free else self._create(hostile)
        yield self.url(name)
        leaked = self._clear(name, patience=5.0 if strict else 0.5)
        free.append(name)
        if strict and leaked:
            raise LeakedConnections(f"connections to PostgreSQL left open, last asked: {leaked}")

    def connections(self, database: str) -> int:
        """How many others are connected to a database."""
        with self.connect() as connection:
            found = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> "
                "pg_backend_pid()",
                [database],
            )
            return int(found.fetchall()[0][0])

    def _create(self, hostile: bool) -> str:
        self._made += 1
        name = f"{self._prefix}_{self._made}"
        if self._made == 1 and self.process is not None:
            with self.connect() as connection:
                connection.execute("CREATE ROLE guarded LOGIN SUPERUSER PASSWORD 'correct horse'")
        with self.connect() as connection:
            if not hostile or not self._create_hostile(connection, name):
                connection.execute(_create_statement(name, "LC_COLLATE 'C' LC_CTYPE 'C'"))
            for setting in SETTINGS if hostile else ():
                connection.execute(f"ALTER DATABASE {name} SET {setting}".encode())
        return name

    def _create_hostile(self, connection: Connection[Any], name: str) -> bool:
        import psycopg

        for options in HOSTILE:
            try:
                connection.execute(_create_statement(name, options))
            except (psycopg.ProgrammingError, psycopg.NotSupportedError, psycopg.DataError):
                continue
            return True
        self.notice = self.notice or "no hostile collation: the server has none of those known"
        return False

    def _clear(self, name: str, *, patience: float) -> list[str]:
        """Remove all that is in it; returns what connections still open had asked last."""
        deadline = monotonic() + patience
        while self.connections(name) and monotonic() < deadline:
            sleep(0.01)
        with self.connect(name) as connection:
            leaked = connection.execute(
                "SELECT query, pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).fetchall()
            connection.execute(CLEAR)
        return [str(query) for query, _ in leaked]

    def close(self) -> None:
        """Drop the databases that were made."""
        with self.connect() as connection:
            for number in range(1, self._made + 1):
                name = f"{self._prefix}_{number}"
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())


def _create_statement(name: str, options: str) -> bytes:
    return f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' {options}".encode()
