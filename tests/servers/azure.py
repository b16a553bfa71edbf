"""Azure Blob Storage for the tests: Microsoft's Azurite from npm, or one's own account."""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote, urlencode, urlsplit
from uuid import uuid4

from tests.servers.account import new_folder
from tests.servers.npm import install, programs
from tests.servers.process import ServerProcess, ServerUnavailable, free_port, listening

if TYPE_CHECKING:
    from azure.storage.blob import BlobServiceClient, ContainerClient

__all__ = ["PACKAGE", "URL_VARIABLE", "VERSION", "Azure", "running"]

HERE: Final = Path(__file__).parent / "azurite"
PACKAGE: Final = "azurite"
VERSION: Final = str(json.loads((HERE / "package.json").read_text())["dependencies"][PACKAGE])
URL_VARIABLE: Final = "INTERSTORE_TEST_AZURE_URL"
ACCOUNT: Final = "interstoretests"


class Azure:
    """An account.

    Args:
        account: its name.
        key: in base 64.
        endpoint: its URL; empty for Azure itself.
        process: that of the server; ``None`` for one's own.

    Attributes:
        notice: what is not as it should be.
    """

    notice = ""

    def __init__(
        self, account: str, key: str, endpoint: str = "", process: ServerProcess | None = None
    ) -> None:
        self.account = account
        self.key = key
        self.endpoint = endpoint or f"https://{account}.blob.core.windows.net"
        self.process = process
        self._prefix = f"interstore-{uuid4().hex[:8]}"
        self._made = 0
        self._client: BlobServiceClient | None = None

    def endpoint_at(self, port: int | None = None) -> str:
        """Its URL; through a proxy on 127.0.0.1, if its port is given."""
        return self.endpoint if port is None else f"http://127.0.0.1:{port}/{self.account}"

    def url(self, container: str, *, port: int | None = None) -> str:
        """That of a container; through a proxy on 127.0.0.1, if its port is given."""
        query = urlencode({"endpoint": self.endpoint_at(port)})
        return f"azure://{self.account}:{quote(self.key, safe='')}@{container}?{query}"

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, for a proxy."""
        parts = urlsplit(self.endpoint)
        return parts.hostname or "127.0.0.1", parts.port or 443

    @property
    def client(self) -> BlobServiceClient:
        """A client of Microsoft's, to see what is there."""
        if self._client is None:
            from azure.storage.blob import BlobServiceClient

            self._client = BlobServiceClient(self.endpoint, credential=self.key)
        return self._client

    def ping(self) -> None:
        self.client.get_service_properties(retry_total=0)

    @property
    def version(self) -> str:
        return "an account" if self.process is None else f"Azurite {VERSION}"

    @contextmanager
    def container(self) -> Generator[str]:
        """A container with nothing in it, by its URL; removed at the end."""
        self._made += 1
        name = f"{self._prefix}-{self._made}"
        container: ContainerClient = self.client.create_container(name)
        yield self.url(name)
        if self.process is not None:
            self.process.heal()
        container.delete_container()

    def close(self) -> None:
        if self._client is not None:
            self._client.close()


@contextmanager
def running() -> Generator[Azure]:
    """An account, in which containers can be made.

    One's own is named as `azure://ACCOUNT:KEY@?endpoint=URL`.

    Raises:
        ServerUnavailable: it could not be started or reached.
    """
    own = os.environ.get(URL_VARIABLE)
    server = _open(own) if own else _start()
    try:
        yield server
    finally:
        server.close()
        if server.process is not None:
            server.process.close()


def _open(url: str) -> Azure:
    from azure.core.exceptions import AzureError

    parts = urlsplit(url)
    endpoint = unquote(parts.query.removeprefix("endpoint="))
    server = Azure(parts.username or "", unquote(parts.password or ""), endpoint)
    try:
        server.ping()
    except (AzureError, ValueError) as error:
        server.close()
        raise ServerUnavailable(f"{URL_VARIABLE}: no connection: {error}") from None
    return server


def _start() -> Azure:
    try:
        modules = install(HERE)
    except ServerUnavailable as error:
        raise ServerUnavailable(
            f"Azurite: {error}; or name an account of your own in {URL_VARIABLE}"
        ) from None
    port = free_port()
    folder = new_folder(f"azure-{port}", None)
    (folder / "data").mkdir()
    key = base64.b64encode(secrets.token_bytes(64)).decode()
    node, _ = programs()
    command: list[str | Path] = [
        *(node, modules / "node_modules" / PACKAGE / "dist" / "src" / "blob" / "main.js"),
        *("--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", folder / "data"),
        *("--silent", "--disableTelemetry", "--skipApiVersionCheck"),
    ]
    process = ServerProcess(
        "Azurite",
        command,
        partial(listening, port),
        port=port,
        folder=folder,
        environment={**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{key}"},
    )
    try:
        process.start()
    except BaseException:
        process.close()
        raise
    return Azure(ACCOUNT, key, f"http://127.0.0.1:{port}/{ACCOUNT}", process)
