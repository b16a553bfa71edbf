"""What can be done while data moves: what both stores can."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from interstore.capabilities import Capabilities, Limits

__all__ = ["LOGGER", "both", "limits_of"]

LOGGER: Final = "interstore.dual_write"

_ALIKE = (
    "models", "transaction", "stats", "explain", "write_page", "ttl", "multi_key_sort_undeclared",
    "persistent", "watch", "watch_deletes",
)  # fmt: skip


def both(source: Capabilities, target: Capabilities) -> Capabilities:
    """What both can. What one engine alone knows would be lost on the way, so it is not declared.

    Models are not dropped while they move, and the driver's own object would write past the other
    store. Changes are watched in the primary, to the next hand-over.
    """
    alike = {name: getattr(source, name) and getattr(target, name) for name in _ALIKE}
    return replace(
        source,
        **alike,
        filter="native",
        ensure_index=source.ensure_index & target.ensure_index,
        drop=False,
        native=False,
        snapshot=False,
    )


def limits_of(source: Limits, target: Limits, page: int) -> Limits:
    """What both can hold."""
    return Limits(
        document_bytes=min(source.document_bytes, target.document_bytes),
        depth=min(source.depth, target.depth),
        bulk_documents=min(source.bulk_documents, target.bulk_documents, page),
    )
