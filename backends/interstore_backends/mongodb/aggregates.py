"""From an aggregation to a pipeline, and from what it gives to groups. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from interstore.aggregation import Aggregation, Figure, Group
from interstore.filters.tree import Scalar
from interstore.paths import Envelope, Reference
from interstore.pushdown import LIMIT, PARTS, UNIT, canonical, sum_of
from interstore_backends.mongodb.compile import entering, sort_expression
from interstore_backends.mongodb.conditions import ENVELOPE_FIELDS, compile_filter

__all__ = ["compile_aggregation", "groups_of"]

_NULLS: Final = ["missing", "null", "undefined"]


def compile_aggregation(aggregation: Aggregation) -> list[dict[str, Any]]:
    """The pipeline for one document of each group: its values in `_id`, then its figures."""
    numbers = {path: place for place, path in enumerate(aggregation.references)}
    computed: dict[str, Any] = {}
    figures: dict[str, Any] = {}
    for place, (_, figure) in enumerate(aggregation.figures):
        number = 0 if figure.path is None else numbers[figure.path]
        computed |= _needed(figure, number)
        figures |= _accumulators(figure, place, number)
    for _, path in aggregation.group_by:
        computed[f"v{numbers[path]}"] = sort_expression(path)
    keys = {
        f"k{place}": f"$v{numbers[path]}" for place, (_, path) in enumerate(aggregation.group_by)
    }
    sums = {
        f"s{numbers[figure.path]}": _parts(f"$v{numbers[figure.path]}")
        for _, figure in aggregation.figures
        if figure.kind in ("sum", "avg") and figure.path is not None
    }
    stages: list[dict[str, Any]] = [{"$match": compile_filter(aggregation.tree)}]
    stages.append({"$project": {"_id": 0, **(computed or {"none": {"$literal": None}})}})
    if sums:
        stages.append({"$set": sums})
    return [*stages, {"$group": {"_id": keys or None, **figures}}]


def _needed(figure: Figure, number: int) -> dict[str, Any]:
    """What is computed of each document: the scalar, or for a count whether there is a value."""
    if figure.path is None:
        return {}
    if figure.kind != "count":
        return {f"v{number}": sort_expression(figure.path)}
    return {f"n{number}": {"$cond": [{"$in": [{"$type": _value(figure.path)}, _NULLS]}, 0, 1]}}


def _value(path: Reference) -> Any:
    return f"${ENVELOPE_FIELDS[path]}" if isinstance(path, Envelope) else entering(path)


def _accumulators(figure: Figure, place: int, number: int) -> dict[str, Any]:
    name = f"f{place}"
    if figure.kind == "count":
        return {name: {"$sum": 1 if figure.path is None else f"$n{number}"}}
    if figure.kind in ("min", "max"):
        return {name: {f"${figure.kind}": f"$v{number}"}}
    return {
        f"{name}{part}": {"$sum": f"$s{number}.{part}"}
        for part in ("n", "u", *map(str, range(PARTS)))
    }


def _parts(value: str) -> dict[str, Any]:
    """One number: `n` is 1, its parts are integers, or `u` is 1 and they say nothing."""
    fits = {"$lt": [{"$abs": value}, LIMIT]}
    whole = {"$and": [{"$in": [{"$type": value}, ["int", "long"]]}, fits]}
    is_double = {"$and": [{"$eq": [{"$type": value}, "double"]}, fits]}
    branches = [
        {"case": {"$not": [{"$isNumber": value}]}, "then": {}},
        {"case": whole, "then": {"n": {"$literal": 1}, "0": value}},
        {"case": is_double, "then": _split(value, 0, {"n": {"$literal": 1}})},
    ]
    return {"$switch": {"branches": branches, "default": {"u": {"$literal": 1}}}}


def _split(value: str, part: int, found: dict[str, Any]) -> dict[str, Any]:
    """The part of a double and those that follow, each from what the one before leaves."""
    if part == PARTS:
        return {**found, "u": {"$cond": [{"$eq": [value, 0]}, 0, 1]}}
    name, left = f"p{part}", f"r{part}"
    rest = {"$multiply": [{"$subtract": [value, f"$${name}"]}, float(UNIT)]}
    found = {**found, str(part): {"$toLong": f"$${name}"}}
    within = {"$let": {"vars": {left: rest}, "in": _split(f"$${left}", part + 1, found)}}
    return {"$let": {"vars": {name: {"$trunc": value}}, "in": within}}


def groups_of(found: Iterable[Mapping[str, Any]], aggregation: Aggregation) -> list[Group] | None:
    """The groups; ``None`` if only core can tell.

    Raises:
        InvalidQueryError: a sum is beyond the largest number.
    """
    groups: list[Group] = []
    for document in found:
        keys = document["_id"] or {}
        figures = _figures(document, aggregation)
        if figures is None:
            return None
        scalars = [_scalar(keys[f"k{place}"]) for place in range(len(aggregation.group_by))]
        groups.append((scalars, figures))
    return groups


def _figures(document: Mapping[str, Any], aggregation: Aggregation) -> list[Any] | None:
    figures: list[Any] = []
    for place, (_, figure) in enumerate(aggregation.figures):
        name = f"f{place}"
        if figure.kind in ("sum", "avg"):
            parts = [document[f"{name}{part}"] for part in range(PARTS)]
            # A sum that leaves 64 bits goes on as a double, which is not exact.
            if document[f"{name}u"] or any(isinstance(part, float) for part in parts):
                return None
            figures.append(sum_of(figure, int(document[f"{name}n"]), parts))
        else:
            figures.append(_scalar(document[name]))
    return figures


def _scalar(value: Any) -> Scalar:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        scalar: Scalar = value
        return scalar
    return canonical(value)
