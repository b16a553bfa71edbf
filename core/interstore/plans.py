"""How an engine would answer a query: the same shape on every engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

__all__ = ["Access", "Plan"]

Access: TypeAlias = Literal["ids", "index", "scan", "nothing"]
"""How documents are found.

``"ids"``: by the ids that the filter names, or a range of them. ``"index"``: by an index that
was declared. ``"scan"``: by looking at every document, until there are as many as the limit
asks for. ``"nothing"``: there is no such model, or nothing can match.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How an engine would answer a query, without running it.

    Attributes:
        engine: the engine's name.
        access: how documents are found.
        indexes: the indexes that serve the filter or the sort, by their names in
            ``store.indexes(model)``; others by the engine's own names for them.
        sort: ``"index"`` if documents are found in the order asked for, ``"memory"`` if those
            that are found are sorted.
        steps: the plan in short, in the engine's words, the last step first.
        native: the plan as the engine gives it.
    """

    engine: str
    access: Access
    indexes: tuple[str, ...] = ()
    sort: Literal["index", "memory"] = "index"
    steps: tuple[str, ...] = ()
    native: Any = None

    def __str__(self) -> str:
        found = {
            "ids": "finds documents by their ids",
            "index": "finds documents by an index",
            "scan": "looks at every document",
            "nothing": "finds nothing",
        }[self.access]
        sorted_by = ", then sorts them" if self.sort == "memory" else ""
        used = f" ({', '.join(self.indexes)})" if self.indexes else ""
        return f"{self.engine} {found}{sorted_by}{used}"
