"""The memory engine: documents of this process, gone when the store is closed.

For tests, and as the reference for what the other engines mean. Every store has documents
of its own. It is the JSON files engine without files: documents are kept encoded, so what a
caller gets is its own copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interstore.backend import Backend
from interstore.capabilities import Capabilities
from interstore.hookspecs import hookimpl
from interstore_backends.memory.settings import MemorySettings

if TYPE_CHECKING:
    from interstore_backends.memory.database import MemoryDatabase

__all__ = ["CAPABILITIES", "interstore_backend"]

CAPABILITIES = Capabilities(
    models=True,
    drop=True,
    ensure_index=frozenset({"single", "compound", "unique", "list", "partial"}),
    transaction=True,
    snapshot=True,
    watch=True,
    watch_deletes=True,
    stats=True,
    explain=True,
    write_page=True,
    ttl=True,
    multi_key_sort_undeclared=True,
    persistent=False,
)


def _database(settings: MemorySettings) -> MemoryDatabase:
    from interstore_backends.memory.database import MemoryDatabase

    return MemoryDatabase(settings)


@hookimpl
def interstore_backend() -> Backend:
    """The memory engine."""
    return Backend(
        name="memory",
        settings=MemorySettings,
        database=_database,
        capabilities=CAPABILITIES,
        schemes=("memory",),
    )
