"""What becomes of the operations that a wrapper does not override: data, and one rule.

The rule: nothing bypasses a wrapper. An operation is passed to the database inside, at no cost,
unless it stands for one that the wrapper overrides; then it is derived anew, on the wrapper.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Final

from interstore.capabilities import Capabilities

__all__ = [
    "BASIS",
    "OPERATIONS",
    "PASSING",
    "WITHDRAWN",
    "capabilities_of",
    "derived",
    "overridden",
]

BASIS: Final[Mapping[str, tuple[str, ...]]] = {
    "find_by_ids": ("find_by_id",),
    "count": ("find",),
    "exists": ("find",),
    "aggregate": ("find",),
    "distinct": ("find",),
    "scan": ("find",),
    "put": ("create", "update"),
    "create_many": ("create",),
    "put_many": ("put",),
    "update_many": ("find", "find_by_id", "update"),
    "delete_many": ("find", "find_by_id", "delete"),
    "find_one_and_update": ("find", "find_by_id", "update"),
    "find_one_and_delete": ("find", "find_by_id", "delete"),
}
"""The operations that `AsyncOperations` derives, and what each of them stands for."""

WITHDRAWN: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "write_page": ("write_page", ("create", "update", "put")),
    "watch": ("read_changes", ("find_by_id", "find")),
}
"""Capabilities whose operation cannot be derived, and stands for others all the same: a wrapper
that overrides those declares it no longer, unless it overrides it, too, or lets it pass."""

PASSING: Final = (
    "connect", "disconnect", "ping", "partitions",
    "models", "drop", "stats", "explain", "sweep", "ensure_index", "indexes", "drop_index",
    "enable_watch", "disable_watch", "start_watch", "end_watch",
)  # fmt: skip
"""What stands for no other operation: it goes to the database inside unless overridden."""

SEVEN: Final = ("create", "find_by_id", "update", "delete", "find")

OPERATIONS: Final = (*SEVEN, *BASIS, "write_page", "read_changes", *PASSING)
"""Everything that a wrapper may override; and `session`, `transaction`, `foreign`."""


def overridden(kind: type[Any], base: type[Any]) -> frozenset[str]:
    """The operations that a class of wrappers defines itself."""
    return frozenset(
        name for name in OPERATIONS if getattr(kind, name, None) is not getattr(base, name, None)
    )


def derived(own: Collection[str], passes: Collection[str]) -> frozenset[str]:
    """The operations that must be derived on a wrapper that overrides `own`.

    Args:
        own: what it overrides.
        passes: what it lets pass, although it stands for something in `own`.
    """
    found: set[str] = set()
    for name, basis in BASIS.items():
        if name not in own and name not in passes and _meets(basis, own, found):
            found.add(name)
    if "scan" in found:  # which knows no shares but those by ids
        found.add("partitions")
    return frozenset(found)


def _meets(basis: Collection[str], own: Collection[str], found: Collection[str]) -> bool:
    return any(each in own or each in found for each in basis)


def capabilities_of(
    inside: Capabilities, own: Collection[str], passes: Collection[str]
) -> Capabilities:
    """What a wrapper declares that overrides `own`, around a database that declares `inside`."""
    changes: dict[str, Any] = {
        capability: False
        for capability, (name, basis) in WITHDRAWN.items()
        if name not in own and name not in passes and _meets(basis, own, ())
    }
    if "watch" in changes:
        changes["watch_deletes"] = False
    if "find" in own and inside.filter == "core":
        # What it is given by `AsyncOperations` inside is filtered and sorted already.
        changes |= {"filter": "native", "multi_key_sort_undeclared": True}
    return replace(inside, **changes) if changes else inside
