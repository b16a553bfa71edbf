"""How many documents an operation was about, from what it gave."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

__all__ = ["count_of"]


def count_of(operation: str, result: Any) -> int | None:
    """Documents found or written, or rows of figures; ``None`` of what is about none."""
    count = _COUNTS.get(operation)
    return None if count is None else count(result)


def _one(result: Any) -> int:
    return 0 if result is None else 1


def _written(outcomes: Any) -> int:
    """Each is a version, 0 for a document that was left as it was, or an error."""
    return sum(1 for each in outcomes if each and not isinstance(each, Exception))


_COUNTS: Final[Mapping[str, Callable[[Any], int]]] = {
    **dict.fromkeys(
        ("create", "find_by_id", "update", "put", "find_one_and_update", "find_one_and_delete"),
        _one,
    ),
    **dict.fromkeys(("find", "find_by_ids", "aggregate", "distinct"), len),
    **dict.fromkeys(("create_many", "put_many", "write_page"), _written),
    **dict.fromkeys(("delete", "exists", "count"), int),
    "scan": lambda page: len(page.documents),
    "update_many": lambda result: result.updated,
    "delete_many": lambda result: result.deleted,
}
