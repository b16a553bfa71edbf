"""What marks a filter that was built, so that the parser knows it without the builder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeGuard

__all__ = ["Written", "is_mapping"]

_SCALARS: Final = frozenset([str, int, float, bool, type(None), list, tuple])


class Written:
    """A filter that was built: `filter` is the mapping that says the same."""

    __slots__ = ("filter",)

    def __init__(self, filter: Mapping[Any, Any]) -> None:
        self.filter = filter


def is_mapping(value: Any) -> TypeGuard[Mapping[Any, Any]]:
    """Whether `value` is a mapping. Asking an abstract class costs more than the answer."""
    kind = type(value)
    return kind is dict or (kind not in _SCALARS and isinstance(value, Mapping))
