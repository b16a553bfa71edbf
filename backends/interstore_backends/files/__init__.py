"""Files of others: JSON, JSON Lines and CSV as a source that migrations read. Read-only.

``files:data`` is a folder, each file of which is a model; ``files:data/users.jsonl`` one file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interstore.backend import Backend
from interstore.capabilities import Capabilities
from interstore.hookspecs import hookimpl
from interstore_backends.files.settings import FilesSettings

if TYPE_CHECKING:
    from interstore_backends.files.database import FilesDatabase

__all__ = ["CAPABILITIES", "interstore_backend"]

CAPABILITIES = Capabilities(filter="core", models=True)


def _database(settings: FilesSettings) -> FilesDatabase:
    from interstore_backends.files.database import FilesDatabase

    return FilesDatabase(settings)


@hookimpl
def interstore_backend() -> Backend:
    """The engine that reads files of others."""
    return Backend(
        name="files",
        settings=FilesSettings,
        database=_database,
        capabilities=CAPABILITIES,
        schemes=("files",),
    )
