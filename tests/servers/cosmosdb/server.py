"""The account, started or one's own, and databases in it."""

from __future__ import annotations

import base64
import os
import secrets
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit
from uuid import uuid4

from tests.servers.account import new_folder
from tests.servers.certificates import write_authority, write_certificate
from tests.servers.cosmosdb.faults import Faults
from tests.servers.guard import ROOT
from tests.servers.process import ServerProcess, ServerUnavailable, free_port, listening

if TYPE_CHECKING:
    from azure.cosmos import CosmosClient, SSLConfiguration

__all__ = ["PACKAGE", "URL_VARIABLE", "CosmosDB", "running", "trust"]

PACKAGE = "azure-cosmos"
URL_VARIABLE = "INTERSTORE_TEST_COSMOSDB_URL"
TOKEN = "a-token-that-stands-for-one-of-entra-id"
TLS_HOST = "127.0.0.2"
"""Of this machine as well, but no emulator to the client, which verifies it."""


class CosmosDB:
    """An account.

    Args:
        endpoint: its URL.
        key: in base 64.
        process: its own; ``None`` for one's own account.

    Attributes:
        notice: what is not as it should be.
        faults: what can go wrong; ``None`` for one's own account.
        token: what is accepted as one of Microsoft Entra ID; ``None`` for one's own account.
        authority: a file with the certificate of who certifies it, if it speaks TLS.
    """

    notice = ""
    authority: Path | None = None

    def __init__(self, endpoint: str, key: str, process: ServerProcess | None = None) -> None:
        self.endpoint = endpoint
        self.key = key
        self.process = process
        tls = endpoint.startswith("https:")
        self.faults = None if process is None else Faults(process.port, tls=tls)
        self.token = None if process is None else TOKEN
        self._prefix = f"interstore_{uuid4().hex[:8]}"
        self._made = 0
        self._client: CosmosClient | None = None

    def url(self, database: str, *, port: int | None = None) -> str:
        """That of a database; through a proxy on 127.0.0.1, if its port is given."""
        parts = urlsplit(self.endpoint)
        host = parts.netloc if port is None else f"127.0.0.1:{port}"
        key = quote(self.key, safe="")
        query = "?ssl=disable" if parts.scheme == "http" else ""
        return f"cosmosdb://:{key}@{host}/{database}{query}"

    def endpoint_at(self, port: int) -> str:
        """The same account, through a proxy on 127.0.0.1."""
        return f"{urlsplit(self.endpoint).scheme}://127.0.0.1:{port}/"

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, for a proxy."""
        parts = urlsplit(self.endpoint)
        return parts.hostname or "127.0.0.1", parts.port or 443

    def connect(self) -> CosmosClient:
        from azure.cosmos import CosmosClient

        return CosmosClient(self.endpoint, self.key, ssl_config=trust(self.authority))

    @property
    def _own(self) -> CosmosClient:
        if self._client is None:
            self._client = self.connect()
        return self._client

    def ping(self) -> None:
        list(self._own.list_databases(max_item_count=1))

    @property
    def version(self) -> str:
        what = "an account" if self.process is None else "the tests' own account"
        return f"{what}, as {PACKAGE} {version(PACKAGE)} sees it"

    @contextmanager
    def database(self, *, partitions: int | None = None) -> Generator[str]:
        """A database with nothing in it, by its URL; dropped afterwards.

        Args:
            partitions: physical ones of each container in it; one's own account decides itself.
        """
        self._made += 1
        name = f"{self._prefix}_{self._made}"
        self._own.create_database(name)
        if self.faults is not None and partitions is not None:
            self.faults.partition(name, partitions)
        try:
            yield self.url(name)
        finally:
            self._drop(name)

    def _drop(self, name: str) -> None:
        from azure.cosmos.exceptions import CosmosResourceNotFoundError

        try:
            self._own.delete_database(name)
        except CosmosResourceNotFoundError:
            return  # it was killed in between, and what it held with it

    def close(self) -> None:
        if self._client is not None:
            self._client.__exit__(None, None, None)  # type: ignore[no-untyped-call]


def trust(authority: Path | None) -> SSLConfiguration | None:
    """For a client: whom to believe, besides those that everybody does if ``None``."""
    from azure.cosmos import SSLConfiguration

    if authority is None:
        return None
    configuration = SSLConfiguration()
    configuration.SSLCaCerts = str(authority)
    return configuration


@contextmanager
def running(*, partitions: int = 4, tls: bool = False) -> Generator[CosmosDB]:
    """An account, with which databases can be made.

    Args:
        partitions: physical ones of each new container.
        tls: speak it, with a certificate to be verified; never one's own account.

    Raises:
        ServerUnavailable: it could not be started or reached.
    """
    from azure.core.exceptions import AzureError

    own = os.environ.get(URL_VARIABLE)
    if own and not tls:
        server = CosmosDB(*_endpoint_and_key(own))
        try:
            server.ping()
        except AzureError as error:
            raise ServerUnavailable(f"{URL_VARIABLE}: no connection: {error}") from None
    else:
        server = _start(partitions, tls)
    try:
        yield server
    finally:
        server.close()
        if server.process is not None:
            server.process.close()


def _endpoint_and_key(text: str) -> tuple[str, str]:
    """Of `AccountEndpoint=https://…;AccountKey=…`, or of `cosmosdb://:key@host:port`."""
    if text.startswith("AccountEndpoint="):
        parts = dict(part.split("=", 1) for part in text.split(";") if part)
        return parts["AccountEndpoint"], parts["AccountKey"]
    parts_of_url = urlsplit(text)
    plain = "ssl=disable" in parts_of_url.query
    host = parts_of_url.netloc.rpartition("@")[2]
    return f"{'http' if plain else 'https'}://{host}/", unquote(parts_of_url.password or "")


def _start(partitions: int, tls: bool) -> CosmosDB:
    port = free_port()
    folder = new_folder(f"cosmosdb-{port}", None)
    key = base64.b64encode(secrets.token_bytes(64)).decode()
    command: list[str | Path] = [
        *(sys.executable, "-m", "tests.servers.cosmosdb.gateway"),
        *("--port", str(port), "--partitions", str(partitions)),
    ]
    endpoint = f"http://127.0.0.1:{port}/"
    if tls:
        command += ["--host", TLS_HOST, "--certificate", write_certificate(folder, TLS_HOST)]
        endpoint = f"https://{TLS_HOST}:{port}/"
    process = ServerProcess(
        "Cosmos DB",
        command,
        partial(listening, port),
        port=port,
        folder=folder,
        environment={
            **os.environ,
            "COSMOS_KEY": key,
            "COSMOS_TOKEN": TOKEN,
            "PYTHONPATH": str(ROOT),
        },
    )
    try:
        process.start()
    except BaseException:
        process.close()
        raise
    server = CosmosDB(endpoint, key, process)
    server.authority = write_authority(folder) if tls else None
    return server
