"""What marks a filter that was built, so that the parser knows it without the builder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["Written"]


class Written:
    """A filter that was built: `filter` is the mapping that says the same."""

    __slots__ = ("filter",)

    def __init__(self, filter: Mapping[Any, Any]) -> None:
        self.filter = filter
