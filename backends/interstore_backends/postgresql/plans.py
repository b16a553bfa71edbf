"""From what ``EXPLAIN (FORMAT JSON)`` says to a plan in short. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from interstore.indexes import Index
from interstore.plans import Access, Plan
from interstore_backends.postgresql.indexes import name_of, unique_of

__all__ = ["read_plan"]

_TOLD: Final = {"Index Cond": "searched", "Filter": "filtered"}
"""What is told of a step, besides what it is: the conditions themselves are long."""


def read_plan(explained: Any, model: str, declared: Sequence[Index]) -> Plan:
    """The plan that PostgreSQL would follow.

    Args:
        explained: the one value that it gives, as text or decoded.
        model: the model's name.
        declared: the indexes of the model.
    """
    decoded = msgspec.json.decode(explained) if isinstance(explained, str) else explained
    nodes = list(_nodes(decoded[0]["Plan"], 0))
    names = {name_of(model, index): index.name for index in declared}
    names |= {unique_of(model, index): index.name for index in declared}
    primary = f"interstore_pk_{model}"
    searched: list[str] = [node["Index Name"] for _, node in nodes if "Index Name" in node]
    used = [names.get(name, name) for name in searched if name != primary]
    return Plan(
        engine="postgresql",
        access=_access([node for _, node in nodes], primary),
        indexes=tuple(dict.fromkeys(used)),
        sort="memory" if any("Sort" in node["Node Type"] for _, node in nodes) else "index",
        steps=tuple(_step(depth, node) for depth, node in nodes),
        native=decoded,
    )


def _nodes(node: Mapping[str, Any], depth: int) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The steps, each with its depth; what a step reads from comes after it."""
    yield depth, node
    for child in node.get("Plans", ()):
        yield from _nodes(child, depth + 1)


def _access(nodes: Sequence[Mapping[str, Any]], primary: str) -> Access:
    # An index without a condition gives an order, and every document with it.
    searched = [node.get("Index Name") for node in nodes if "Index Cond" in node]
    walked = [node for node in nodes if "Index Name" in node and "Index Cond" not in node]
    if walked or any("Seq Scan" in node["Node Type"] for node in nodes):
        return "scan"
    if not searched:
        return "nothing"
    return "ids" if all(name == primary for name in searched) else "index"


def _step(depth: int, node: Mapping[str, Any]) -> str:
    using = f" using {node['Index Name']}" if "Index Name" in node else ""
    told = "".join(f", {text}" for name, text in _TOLD.items() if name in node)
    return f"{'  ' * depth}{node['Node Type']}{using}{told}"
