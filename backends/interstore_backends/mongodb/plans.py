"""From what MongoDB's `explain` says to a plan in short. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from interstore.plans import Access, Plan
from interstore_backends.mongodb.indexes import Declaration, natives

__all__ = ["read_plan"]

Stage: TypeAlias = Mapping[str, Any]

_BY_ID: Final = "_id_"
_BY_ID_STAGES: Final = ("IDHACK", "CLUSTERED_IXSCAN")
_NOTHING: Final = ("EOF",)
_EVERYTHING: Final = ("[MinKey, MaxKey]", "[MaxKey, MinKey]")
_ARRAYS: Final = "interstore_arrays_"
"""Indexes that are looked into as well, and hold few documents or none."""


def read_plan(explained: Mapping[str, Any], declared: Sequence[Declaration]) -> Plan:
    """The plan that MongoDB would follow.

    Args:
        explained: its answer, of a `find` or of an aggregation.
        declared: the declarations of the model.
    """
    stages = list(_stages(explained, 0))
    scans = [stage for _, stage in stages if "indexName" in stage]
    names: dict[str, str] = {each.native: each.index.name for each in declared}
    names |= {native.name: each.index.name for each in declared for native in natives(each.index)}
    searched: list[str] = [stage["indexName"] for stage in scans]
    used = [
        names.get(name, name)
        for name in searched
        if name != _BY_ID and not name.startswith(_ARRAYS)
    ]
    kinds = [stage["stage"] for _, stage in stages]
    return Plan(
        engine="mongodb",
        access=_access(kinds, scans),
        indexes=tuple(dict.fromkeys(used)),
        sort="memory" if {"SORT", "SORT_KEY_GENERATOR", "$sort"} & set(kinds) else "index",
        steps=tuple(_step(depth, stage) for depth, stage in stages),
        native=explained,
    )


def _stages(answer: Mapping[str, Any], depth: int) -> Iterator[tuple[int, Stage]]:
    """The stages, each with its depth; what a stage reads from comes after it."""
    for shard in answer.get("shards", {}).values():
        yield from _stages(shard, depth)
    for stage in reversed(answer.get("stages", ())):
        [(name, content), *_] = stage.items()
        if name == "$cursor":
            yield from _stages(content, depth)
        else:
            yield depth, {"stage": name}
            depth += 1
    if "queryPlanner" in answer:
        winning = answer["queryPlanner"]["winningPlan"]
        yield from _within(winning.get("queryPlan", winning), depth)


def _within(stage: Stage, depth: int) -> Iterator[tuple[int, Stage]]:
    if "stage" in stage:
        yield depth, stage
        depth += 1
    inputs = [*stage.get("inputStages", ()), *stage.get("shards", ())]
    inputs += [stage[name] for name in ("inputStage", "winningPlan", "queryPlan") if name in stage]
    for each in inputs:
        yield from _within(each, depth)


def _access(kinds: Sequence[str], scans: Sequence[Stage]) -> Access:
    if "COLLSCAN" in kinds or any(_is_whole(stage) for stage in scans):
        return "scan"
    if any(stage["indexName"] != _BY_ID for stage in scans):
        return "index"
    if scans or any(kind in _BY_ID_STAGES for kind in kinds):
        return "ids"
    return "nothing" if any(kind in _NOTHING for kind in kinds) else "scan"


def _is_whole(stage: Stage) -> bool:
    """Whether every key of the index is looked at."""
    bounds = stage.get("indexBounds", {})
    return all(tuple(each) == (each[0],) and each[0] in _EVERYTHING for each in bounds.values())


def _step(depth: int, stage: Stage) -> str:
    text = f"{'  ' * depth}{stage['stage']}"
    if "indexName" in stage:
        bounds = "; ".join(
            f"{name}: {', '.join(each)}" for name, each in stage.get("indexBounds", {}).items()
        )
        text += f" {stage['indexName']} ({bounds})"
    return text
