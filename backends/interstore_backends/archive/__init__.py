"""Archives: what `interstore backup` writes and `interstore restore` reads. Read-only otherwise.

A folder, or any place that fsspec knows, with ``data/<model>/<chunk>.jsonl.gz`` (or ``.zst``) and
``manifest.json``, which is written last. Each line of a chunk is one document with its envelope.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interstore.backend import Backend
from interstore.capabilities import Capabilities
from interstore.hookspecs import hookimpl
from interstore_backends.archive.settings import ArchiveSettings

if TYPE_CHECKING:
    from interstore_backends.archive.database import ArchiveDatabase

__all__ = ["CAPABILITIES", "interstore_backend"]

CAPABILITIES = Capabilities(filter="core", models=True, ttl=True)


def _database(settings: ArchiveSettings) -> ArchiveDatabase:
    from interstore_backends.archive.database import ArchiveDatabase

    return ArchiveDatabase(settings)


@hookimpl
def interstore_backend() -> Backend:
    """The archive engine."""
    return Backend(
        name="archive",
        settings=ArchiveSettings,
        database=_database,
        capabilities=CAPABILITIES,
        schemes=("archive",),
    )
