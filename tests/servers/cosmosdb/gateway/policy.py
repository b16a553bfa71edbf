"""The indexing policy of a container: which ORDER BY it can serve.

Facts: the pages "Indexing policies in Azure Cosmos DB" and "ORDER BY (NoSQL query)".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.servers.cosmosdb.gateway.errors import bad_request
from tests.servers.cosmosdb.gateway.sql import nodes

__all__ = ["DEFAULT_POLICY", "IndexingPolicy"]

DEFAULT_POLICY: Final[Mapping[str, Any]] = {
    "indexingMode": "consistent",
    "automatic": True,
    "includedPaths": [{"path": "/*"}],
    "excludedPaths": [{"path": '/"_etag"/?'}],
}

Keys = tuple[tuple[tuple[str, ...], bool], ...]
"""Paths and whether each is descending."""


class IndexingPolicy:
    """Raises ServiceError (400) for one that the service does not take."""

    def __init__(self, policy: Mapping[str, Any]) -> None:
        included = policy.get("includedPaths", [])
        excluded = policy.get("excludedPaths", [])
        self._indexed = policy.get("indexingMode", "consistent").lower() != "none"
        if self._indexed and not any(one["path"] == "/*" for one in [*included, *excluded]):
            raise bad_request(
                'The special mandatory indexing path "\\/" is not provided in any of the path '
                "type sets. Please provide this path in one of the sets."
            )
        self._rules = [(*_rule(one["path"]), True) for one in included]
        self._rules += [(*_rule(one["path"]), False) for one in excluded]
        self._composite = [_composite(index) for index in policy.get("compositeIndexes", [])]

    def includes(self, path: tuple[str, ...]) -> bool:
        """Whether a path is indexed: the longest rule decides."""
        found, longest = False, -1
        for keys, whole, included in self._rules:
            matches = path[: len(keys)] == keys if whole else path == keys
            # An exact path is longer than the same one with everything below it.
            length = 2 * len(keys) + (not whole)
            if matches and length > longest:
                found, longest = included, length
        return self._indexed and found

    def names(self, path: tuple[str, ...]) -> bool:
        """Whether a path is included by name, so that its index knows where it is missing."""
        return any(included and keys == path for keys, _, included in self._rules if keys)

    def serve(self, query: nodes.Query) -> bool:
        """Check that a query's ORDER BY has an index.

        Returns:
            Whether items in which what it names is missing are left out.

        Raises:
            ServiceError: 400; it has none.
        """
        if not query.order_by or not query.sources:
            return False
        keys = tuple(
            (_path(key.expression, query.sources[0].alias), key.descending)
            for key in query.order_by
        )
        if len(keys) == 1:
            path, _ = keys[0]
            if not self.includes(path):
                raise bad_request(
                    "The index path corresponding to the specified order-by item is excluded."
                )
            return not self.names(path)
        mirrored = tuple((path, not descending) for path, descending in keys)
        if keys not in self._composite and mirrored not in self._composite:
            raise bad_request(
                "The order by query does not have a corresponding composite index that it can be "
                "served from."
            )
        return False


def _rule(path: str) -> tuple[tuple[str, ...], bool]:
    """Its keys, and whether all below belongs to it (`/*`)."""
    keys = _keys(path)
    return tuple(keys[:-1]), keys[-1] == "*"


def _keys(path: str) -> list[str]:
    """`/a/"b c"/[]/?` as its words."""
    keys, rest = [], path
    while rest:
        rest = rest[1:]
        if rest.startswith('"'):
            key, _, rest = rest[1:].partition('"')
        else:
            key, slash, rest = rest.partition("/")
            rest = slash + rest
        keys.append(key)
    return keys


def _composite(index: Sequence[Mapping[str, str]]) -> Keys:
    return tuple(
        (tuple(_keys(one["path"])), one.get("order", "ascending").lower() == "descending")
        for one in index
    )


def _path(node: nodes.Expression, alias: str) -> tuple[str, ...]:
    keys: list[str] = []
    while isinstance(node, nodes.Index) and isinstance(node.at, nodes.Literal):
        keys.append(str(node.at.value))
        node = node.of
    if not isinstance(node, nodes.Name) or node.name != alias or not keys:
        raise bad_request(
            "Unsupported ORDER BY clause. ORDER BY item expression could not be mapped to a "
            "document path."
        )
    return tuple(reversed(keys))
