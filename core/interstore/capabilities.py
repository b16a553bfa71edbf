"""What an engine can do beyond the seven operations, and what it can hold: data, not code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Capabilities", "IndexKind", "Limits"]

IndexKind: TypeAlias = Literal["single", "compound", "unique", "list", "partial"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What an engine declares. What it does not declare raises `UnsupportedError`.

    The conformance kit tests both directions: what is declared works, and what is not
    declared is refused.
    """

    filter: Literal["native", "core"] = "native"
    """``"core"``: `find` may return every document; core filters, sorts and limits."""
    models: bool = False
    """`models()` lists the models that exist."""
    drop: bool = False
    """`drop(model)` removes a model and all its documents."""
    ensure_index: frozenset[IndexKind] = frozenset()
    """The kinds of index that `ensure_index` builds."""
    transaction: bool = False
    """Several operations take effect together or not at all."""
    watch: bool = False
    """`watch(model)` yields the changes, once `enable_watch(model)` was called."""
    watch_deletes: bool = False
    """The changes that `watch` yields include deletes, and every version of each document."""
    snapshot: bool = False
    """`snapshot()` reads one state while others write."""
    stats: bool = False
    """`stats()` tells documents, bytes, connections and the engine's version."""
    explain: bool = False
    """`explain(model, filter)` tells how a query would be answered, and by which index."""
    native: bool = False
    """`native` is the driver's own object, for what Interstore does not cover."""
    write_page: bool = False
    """`write_page` writes documents that keep their version and times (for migration)."""
    ttl: bool = False
    """Documents can expire."""
    multi_key_sort_undeclared: bool = False
    """A sort by several paths needs no index declared for them."""
    foreign: bool = False
    """`foreign(source)` opens tables or collections that other programs made and write."""
    persistent: bool = True
    """Documents outlive the process, and a second connection to the same place sees them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an engine can hold. The defaults are what every engine can."""

    document_bytes: int = 1_900_000
    """The largest document, in bytes of its UTF-8 JSON without the envelope."""
    depth: int = 64
    """How many objects and arrays may lie inside one another, the document included."""
    bulk_documents: int = 1_000
    """How many documents core hands to one native bulk call or asks for in one page."""
