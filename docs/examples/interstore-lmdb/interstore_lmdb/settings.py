"""What can be set."""

from __future__ import annotations

from typing import Annotated, Any

from interstore.settings import URL, Settings, env

__all__ = ["LMDBSettings"]


class LMDBSettings(Settings, kw_only=True, frozen=True):
    """Where the data is, and how much of it there may be."""

    path: Annotated[
        str, env("DATABASE_PATH", help="The folder of the data; created when needed.")
    ] = "./data.lmdb"
    map_size: Annotated[
        int, env("LMDB_MAP_SIZE", help="The most bytes that the data may take.", ge=2**20)
    ] = 2**30
    sync: Annotated[
        bool, env("LMDB_SYNC", help="Whether an acknowledged write survives a power loss.")
    ] = True

    @classmethod
    def from_url(cls, url: URL) -> dict[str, Any]:
        """``lmdb:///relative``, ``lmdb:////absolute``."""
        return {"path": url.file_path} if url.file_path else {}
