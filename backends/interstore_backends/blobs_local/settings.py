"""Settings of blobs in a folder."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from interstore.blobs.signing import UrlSigner
from interstore.errors import ConfigurationError
from interstore.settings import URL, Secret, Settings, env

__all__ = ["LocalBlobsSettings"]


class LocalBlobsSettings(Settings, kw_only=True, frozen=True):
    """Where the files are, and what an acknowledged write survives."""

    path: Annotated[
        str, env("LOCAL_STORAGE_PATH", help="The folder of the files; created when needed.")
    ] = "./storage"
    durability: Annotated[
        Literal["fsync", "os"],
        env(
            help="What an acknowledged write survives: 'fsync' a power loss, 'os' the death of "
            "the process only."
        ),
    ] = "fsync"
    base_url: Annotated[
        str | None,
        env(
            "LOCAL_STORAGE_URL",
            help="Where a `SignedUrlApp` serves the signed URLs of this folder, as its clients "
            "write it (`https://example.org/files`).",
        ),
    ] = None
    secret: Annotated[
        Secret | None,
        env("LOCAL_STORAGE_SECRET", help="What URLs are signed with: 16 bytes or more."),
    ] = None

    def __post_init__(self) -> None:
        if not self.path or "\0" in self.path:
            raise ConfigurationError(
                f"path {self.path!r} is no path of a folder; set LOCAL_STORAGE_PATH",
                backend="local",
            )
        if (self.base_url is None) != (self.secret is None):
            raise ConfigurationError(
                "LOCAL_STORAGE_URL and LOCAL_STORAGE_SECRET go together: set both, or neither",
                backend="local",
            )
        self.signer()

    def signer(self) -> UrlSigner | None:
        """What signs URLs, if they are to be signed."""
        if self.base_url is None or self.secret is None:
            return None
        return UrlSigner(self.base_url, self.secret)

    @classmethod
    def from_url(cls, url: URL) -> dict[str, Any]:
        """``local:///relative``, ``local:////absolute``, ``local:path``; ``file:///absolute``."""
        if url.scheme == "file" and url.host is None:
            return {"path": url.path} if url.path else {}
        return {"path": url.file_path} if url.file_path else {}
