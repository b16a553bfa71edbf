"""Settings of the JSON files engine."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from interstore.errors import ConfigurationError
from interstore.settings import URL, Settings, env

__all__ = ["JsonFilesSettings"]


class JsonFilesSettings(Settings, kw_only=True, frozen=True):
    """Where the files are, and what an acknowledged write survives."""

    data_dir: Annotated[
        str, env("DATABASE_DATA_DIR", help="The folder of the files; created when needed.")
    ] = "./data"
    timeout: Annotated[
        float,
        env(
            "DATABASE_TIMEOUT",
            help="Seconds to wait while other processes write.",
            ge=0,
            le=86_400,
        ),
    ] = 30.0
    durability: Annotated[
        Literal["fsync", "os"],
        env(
            help="What an acknowledged write survives: 'fsync' a power loss, 'os' the death of "
            "the process only."
        ),
    ] = "fsync"
    auto_create: Annotated[
        bool,
        env(
            "DATABASE_AUTO_CREATE",
            help="Whether the first write creates a model; if not, the folder must have one.",
        ),
    ] = True

    def __post_init__(self) -> None:
        if not self.data_dir or "\0" in self.data_dir:
            raise ConfigurationError(
                f"data_dir {self.data_dir!r} is no path of a folder; set DATABASE_DATA_DIR",
                backend="json",
            )

    @classmethod
    def from_url(cls, url: URL) -> dict[str, Any]:
        """``json:///relative``, ``json:////absolute``, ``json:path``."""
        return {"data_dir": url.file_path} if url.file_path else {}
