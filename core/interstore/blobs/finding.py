"""What a check of documents and their blobs finds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

__all__ = ["BlobFinding"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobFinding:
    """Something that is not as it should be.

    Attributes:
        kind: ``"dangling"``, a reference to a blob that is not there; ``"damaged"``, one to a
            blob of another content; ``"orphan"``, a blob to which nothing refers.
        store: the name of the blob store.
        key: the blob's key.
        model: of the document that refers to it; ``None`` of an orphan.
        id: the document's.
        path: where in the document, as a filter would write it.
        size: bytes of an orphan.
        modified: when an orphan was written.
        removed: whether it was an orphan and is gone now.
    """

    kind: Literal["dangling", "damaged", "orphan"]
    store: str
    key: str
    model: str | None = None
    id: str | None = None
    path: str | None = None
    size: int | None = None
    modified: datetime | None = None
    removed: bool = False

    def to_dict(self) -> dict[str, Any]:
        """What is known, for JSON."""
        row: dict[str, Any] = {"kind": self.kind, "store": self.store, "key": self.key}
        if self.kind != "orphan":
            return {**row, "model": self.model, "id": self.id, "path": self.path}
        modified = None if self.modified is None else self.modified.isoformat()
        return {**row, "size": self.size, "modified": modified, "removed": self.removed}
