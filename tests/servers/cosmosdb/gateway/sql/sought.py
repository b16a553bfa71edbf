"""The values that a condition leaves for a property: what is looked for by an index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.servers.cosmosdb.gateway.sql import nodes
from tests.servers.cosmosdb.gateway.sql.values import Undefined

__all__ = ["steps_of", "values_at"]


def values_at(
    where: nodes.Expression, path: tuple[str, ...], parameters: Mapping[str, Any]
) -> list[Any] | None:
    """What the value at a path can be where a condition is true; ``None``: anything.

    Args:
        where: the condition.
        path: an alias and keys.
        parameters: values by name.
    """
    return _Finder(parameters).values(where, path)


@dataclass(frozen=True)
class _Finder:
    parameters: Mapping[str, Any]

    def values(self, node: nodes.Expression, path: tuple[str, ...]) -> list[Any] | None:
        """What the value at a path can be where a condition is true; ``None``: anything."""
        match node:
            case nodes.Literal(False):
                return []
            case nodes.Binary("AND", left, right):
                return _both(self.values(left, path), self.values(right, path))
            case nodes.Binary("OR", left, right):
                return _either(self.values(left, path), self.values(right, path))
            case nodes.Binary("=", left, right):
                if steps_of(left) == path:
                    return self._constants([right])
                return self._constants([left]) if steps_of(right) == path else None
            case nodes.In(of, items, False):
                return self._constants(items) if steps_of(of) == path else None
            case _:
                return None

    def _constants(self, expressions: Sequence[nodes.Expression]) -> list[Any] | None:
        found: list[Any] = []
        for node in expressions:
            if isinstance(node, nodes.Literal):
                value = node.value
            elif isinstance(node, nodes.Parameter) and node.name in self.parameters:
                value = self.parameters[node.name]
            else:
                return None
            if isinstance(value, (list, dict, Undefined)):
                return None
            found = _either(found, [value]) or []
        return found


def _is_in(value: Any, values: list[Any]) -> bool:
    return any(type(value) is type(one) and value == one for one in values)


def _both(left: list[Any] | None, right: list[Any] | None) -> list[Any] | None:
    if left is None or right is None:
        return right if left is None else left
    return [value for value in left if _is_in(value, right)]


def _either(left: list[Any] | None, right: list[Any] | None) -> list[Any] | None:
    if left is None or right is None:
        return None
    return [*left, *(value for value in right if not _is_in(value, left))]


def steps_of(node: nodes.Expression) -> tuple[str, ...] | None:
    """`c.a["b"]` as its words."""
    keys: list[str] = []
    while isinstance(node, nodes.Index):
        if not isinstance(node.at, nodes.Literal) or not isinstance(node.at.value, str):
            return None
        keys.append(node.at.value)
        node = node.of
    return (node.name, *reversed(keys)) if isinstance(node, nodes.Name) else None
