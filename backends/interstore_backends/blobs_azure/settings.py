"""What can be set."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any

from interstore.errors import ConfigurationError
from interstore.settings import URL, Secret, Settings, env

__all__ = ["AzureBlobsSettings"]


class AzureBlobsSettings(Settings, kw_only=True, frozen=True):
    """Settings of blobs in Azure Blob Storage.

    The account is named by its connection string, or by its name and key. A URL is
    ``azure://container``, or ``azure://account:key@container``, with other settings behind ``?``.
    """

    container: Annotated[
        str,
        env(
            "AZURE_STORAGE_CONTAINER_NAME",
            "AZURE_STORAGE_CONTAINER",
            help="The container, which must exist.",
        ),
    ]
    connection_string: Annotated[
        Secret | None,
        env("AZURE_STORAGE_CONNECTION_STRING", help="The account's, as the portal shows it."),
    ] = None
    account: Annotated[
        str | None,
        env("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT", help="The account's name."),
    ] = None
    key: Annotated[
        Secret | None,
        env("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_KEY", help="The account's key."),
    ] = None
    endpoint: Annotated[
        str | None,
        env("AZURE_STORAGE_ENDPOINT", help="The account's URL, if it is not the usual one."),
    ] = None
    encryption_scope: Annotated[
        str | None,
        env(
            "AZURE_STORAGE_ENCRYPTION_SCOPE",
            help="The account's encryption scope for what is written, if not the container's.",
        ),
    ] = None
    part_size: Annotated[
        int,
        env(
            "AZURE_STORAGE_PART_SIZE",
            help="Bytes; what is larger is sent in blocks, and a few of them are in memory.",
            ge=2**16,
            le=2**30,
        ),
    ] = 8 * 2**20
    timeout: Annotated[
        float,
        env(
            "AZURE_STORAGE_TIMEOUT",
            help="Seconds that the service may be silent.",
            ge=0.1,
            le=86_400,
        ),
    ] = 60.0

    def __post_init__(self) -> None:
        if not self.container or "/" in self.container:
            raise ConfigurationError(
                f"{self.container!r} is not the name of a container: set "
                "AZURE_STORAGE_CONTAINER_NAME",
                backend="azure",
            )
        if self.connection_string is None and (self.account is None or self.key is None):
            raise ConfigurationError(
                "nothing says which account: set AZURE_STORAGE_CONNECTION_STRING, or "
                "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
                backend="azure",
            )
        if self.key is not None:
            try:
                base64.b64decode(self.key.reveal(), validate=True)
            except binascii.Error:
                raise ConfigurationError(
                    "AZURE_STORAGE_ACCOUNT_KEY is not in base 64", backend="azure"
                ) from None

    def account_string(self) -> str:
        """The connection string in force: what is said of the account itself goes before."""
        if self.account is None or self.key is None:
            assert self.connection_string is not None
            return self.connection_string.reveal()
        endpoint = self.endpoint or f"https://{self.account}.blob.core.windows.net"
        return (
            f"DefaultEndpointsProtocol={endpoint.partition(':')[0]};AccountName={self.account};"
            f"AccountKey={self.key.reveal()};BlobEndpoint={endpoint}"
        )

    @classmethod
    def from_url(cls, url: URL) -> dict[str, Any]:
        if url.path.strip("/") or url.port is not None:
            raise ConfigurationError(
                "an azure URL names a container and nothing within it: write azure://container",
                backend="azure",
            )
        parts = {"container": url.host, "account": url.username, "key": url.password}
        return {name: value for name, value in parts.items() if value is not None}
