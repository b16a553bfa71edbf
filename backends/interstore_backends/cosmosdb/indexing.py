"""Indexing policies: what is indexed, and the declarations of `ensure_index` within them. Pure.

By default, everything is indexed. A declared index adds composite indexes, which serve sorts. The
declaration itself is a path that is excluded from indexing and that no item has: so it costs
nothing, everyone who knows the container finds it, and it goes when the indexes go.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any, Final

import msgspec

from interstore.indexes import Index, IndexType
from interstore.paths import Envelope, Path, Reference
from interstore_backends.cosmosdb.keys import ENVELOPE, root_key

__all__ = ["Declared", "declarations", "new_policy", "with_declarations"]

_MARK: Final = f"/{ENVELOPE}/index_"
_MOST_SORTED: Final = 3
"""Sorts by more paths than this are not served: each needs twice the streams and indexes."""
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_QUOTABLE: Final = re.compile(r'[^"\\/\x00-\x1f]+\Z')
_ENVELOPE_PATHS: Final[Mapping[Envelope, str]] = {
    Envelope.ID: f"/{ENVELOPE}/id",
    Envelope.VERSION: f"/{ENVELOPE}/version",
    Envelope.CREATED_AT: f"/{ENVELOPE}/created_at",
    Envelope.UPDATED_AT: f"/{ENVELOPE}/updated_at",
}
_ALWAYS: Final[tuple[tuple[Reference, ...], ...]] = tuple(
    (path,) for path in _ENVELOPE_PATHS if path is not Envelope.ID
)


class Declared:
    """What the declarations of a model mean for its queries.

    Attributes:
        indexes: the declarations, in the order of their names.
        types: of each path with a declared type.
        sorted_paths: of each composite index.
        expiring: whether documents may expire.
    """

    def __init__(self, indexes: Iterable[Index] = (), *, expiring: bool = False) -> None:
        self.expiring = expiring
        self.indexes = sorted(indexes, key=lambda index: index.name)
        self.types: dict[Path, IndexType] = {
            path: kind
            for index in self.indexes
            if not index.list
            for path, kind in index.user_paths
            if kind is not None
        }
        found = {paths for index in self.indexes for paths in _sorted_paths(index)}
        self.sorted_paths = frozenset(found | set(_ALWAYS))


def _sorted_paths(index: Index) -> list[tuple[Reference, ...]]:
    """The paths of the composite indexes that an index needs: for each path may be null."""
    references = index.references
    if index.list or len(references) > _MOST_SORTED:
        return []
    if len(references) > 1 and any(kind is None for _, kind in index.user_paths):
        return []
    if any(_policy_path(reference) is None for reference in references):
        return []
    return [
        paths
        for length in range(1, len(references) + 1)
        for paths in combinations(references, length)
    ]


def _policy_path(reference: Reference) -> str | None:
    """A path as indexing policies write it; ``None`` if they have no way to."""
    if isinstance(reference, Envelope):
        return _ENVELOPE_PATHS.get(reference)
    steps = [root_key(str(reference[0])), *map(str, reference[1:])]
    if not all(map(_QUOTABLE.match, steps)):
        return None
    return "".join("/" + (step if _PLAIN.match(step) else f'"{step}"') for step in steps)


def new_policy() -> dict[str, Any]:
    """That of a new container."""
    return {
        "indexingMode": "consistent",
        "automatic": True,
        "includedPaths": [{"path": "/*"}],
        "excludedPaths": [{"path": '/"_etag"/?'}],
        "compositeIndexes": _composites(Declared()),
    }


def _composites(declared: Declared) -> list[list[dict[str, str]]]:
    shown = [
        [_policy_path(path) or "" for path in (*paths, Envelope.ID)]
        for paths in declared.sorted_paths
    ]
    return [[{"path": path, "order": "ascending"} for path in paths] for paths in sorted(shown)]


def declarations(policy: Mapping[str, Any]) -> list[Index]:
    """The indexes that a container's policy declares."""
    found = []
    for excluded in policy.get("excludedPaths") or ():
        path = excluded["path"]
        if path.startswith(_MARK):
            text = path[len(_MARK) :].partition("/")[0].upper()
            raw = base64.b32decode(text + "=" * (-len(text) % 8))
            found.append(msgspec.json.decode(raw, type=Index))
    return found


def with_declarations(policy: Mapping[str, Any], indexes: Iterable[Index]) -> dict[str, Any]:
    """The policy with these declarations in the place of those that it has.

    What others have put into it stays.
    """
    indexes = list(indexes)
    before = _composites(Declared(declarations(policy)))
    wanted = _composites(Declared(indexes))
    kept = [each for each in policy.get("compositeIndexes") or () if _normal(each) not in before]
    others = [
        each for each in policy.get("excludedPaths") or () if not each["path"].startswith(_MARK)
    ]
    return {
        **policy,
        "excludedPaths": [*others, *({"path": _declaration(index)} for index in indexes)],
        "compositeIndexes": [*kept, *wanted],
    }


def _normal(composite: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    return [
        {"path": each["path"], "order": each.get("order", "ascending").lower()}
        for each in composite
    ]


def _declaration(index: Index) -> str:
    text = base64.b32encode(msgspec.json.encode(index)).decode().rstrip("=").lower()
    return f"{_MARK}{text}/?"
