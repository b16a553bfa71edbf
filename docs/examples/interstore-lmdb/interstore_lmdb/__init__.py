"""LMDB as an engine of Interstore."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interstore.backend import Backend
from interstore.capabilities import Capabilities
from interstore.hookspecs import hookimpl
from interstore_lmdb.settings import LMDBSettings

if TYPE_CHECKING:
    from interstore_lmdb.database import LMDBDatabase

__all__ = ["CAPABILITIES", "interstore_backend"]

CAPABILITIES = Capabilities(filter="core", models=True, drop=True, write_page=True)


def _database(settings: LMDBSettings) -> LMDBDatabase:
    # Imported here: whoever only lists the engines needs no driver.
    from interstore_lmdb.database import LMDBDatabase

    return LMDBDatabase(settings)


@hookimpl
def interstore_backend() -> Backend:
    """The engine; a bridge supplies its asynchronous flavour."""
    return Backend(
        name="lmdb",
        settings=LMDBSettings,
        database=_database,
        capabilities=CAPABILITIES,
        schemes=("lmdb",),
        drivers=("lmdb",),
        install="interstore-lmdb[driver]",
    )
