"""Which database a cache is of: two that share a server must not answer for each other."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from interstore.migration.references import identity_of
from interstore.plugins import AsyncWrapper, Wrapper

__all__ = ["place_of"]


def place_of(database: Any) -> str:
    """A short name of the place where a database keeps its documents, without secrets."""
    while isinstance(database, (AsyncWrapper, Wrapper)):
        database = database.database
    return blake2b(identity_of(database).encode(), digest_size=8).hexdigest()
