"""Settings of blobs in a folder."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from interstore.errors import ConfigurationError
from interstore.settings import URL, Settings, env

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

    def __post_init__(self) -> None:
        if not self.path or "\0" in self.path:
            raise ConfigurationError(
                f"path {self.path!r} is no path of a folder; set LOCAL_STORAGE_PATH",
                backend="local",
            )

    @classmethod
    def from_url(cls, url: URL) -> dict[str, Any]:
        """``local:///relative``, ``local:////absolute``, ``local:path``; ``file:///absolute``."""
        if url.scheme == "file" and url.host is None:
            return {"path": url.path} if url.path else {}
        return {"path": url.file_path} if url.file_path else {}
