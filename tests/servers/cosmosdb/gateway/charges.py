"""Request units, by a model of what Microsoft's pages say; the numbers of the service vary.

Documented: reading an item of 1 KB by id costs 1, of 100 KB 10 ("Request Units in Azure Cosmos
DB"); creating one of 1 KB about 5 ("Capacity planner": 5 to 6), more with its size and with the
properties that are indexed; replacing costs about twice that, deleting about as much as creating;
a patch about as much as replacing ("Partial document update: FAQ"); a query at least 2.3 for each
partition it visits, and more with what it loads and returns (from memory).
"""

from __future__ import annotations

from typing import Any

__all__ = ["DENIED", "METADATA", "create", "delete", "query", "read", "replace"]

METADATA = 2.0
"""Of requests for databases, containers and partitions: not from a container's units."""

DENIED = 1.24
"""Of a write that changed nothing: 404, 409, 412."""


def read(size: int) -> float:
    """Of one item of so many bytes: 1 for the first KB, and 1 for every further 11."""
    return 1.0 + max(0, size - 1024) / 1024 / 11


def create(size: int, body: Any) -> float:
    return 5.0 + max(0, size - 1024) / 1024 * 5 + 0.05 * _properties(body)


def replace(size: int, body: Any) -> float:
    return 2 * create(size, body)


def delete(size: int, body: Any) -> float:
    return create(size, body)


def query(loaded: int, returned: int) -> float:
    """Of one partition.

    Args:
        loaded: bytes of the items that were returned or compared.
        returned: bytes of the answer.
    """
    return round(2.3 + loaded / 1024 * 0.25 + returned / 1024 * 0.25, 2)


def _properties(value: Any) -> int:
    """Scalars in a value, each of which has an entry in the index."""
    if isinstance(value, dict):
        return sum(map(_properties, value.values()))
    if isinstance(value, list):
        return sum(map(_properties, value))
    return 1
