"""Settings of archives."""

from __future__ import annotations

from typing import Annotated

from interstore.settings import Settings, env

__all__ = ["ArchiveSettings"]


class ArchiveSettings(Settings, kw_only=True, frozen=True):
    """Where the archive is: ``archive:backups/monday`` or ``archive:s3://bucket/monday``."""

    path: Annotated[
        str, env(help="The archive's folder, or its URL in the words of fsspec (s3://bucket/key).")
    ]
