"""From what a caller writes to what an engine receives.

Grammar::

    filter    := {path: condition, ..., "$and": [filter...], "$or": [filter...],
                  "$nor": [filter...], "$not": filter}
    condition := scalar | [scalar...] | {operator: operand, ...}
    path      := "a.b[0].c" | ("a", "odd.key", 0)

All entries of a filter, and all operators of a condition, must hold; ``{}`` is true of
every document, and a bare value stands for ``$eq``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_args

from interstore.errors import InvalidQueryError
from interstore.filters.arguments import check_limit, check_skip, parse_fields, parse_sort
from interstore.filters.combine import all_of, any_of, negate
from interstore.filters.envelope import canonical_condition
from interstore.filters.limits import check_filter, check_tree
from interstore.filters.operands import Place
from interstore.filters.operators import LOGICAL, OPERATORS, RANGES, equals, ranges, unknown
from interstore.filters.references import parse_path, shown
from interstore.filters.tree import ALL, ElemMatch, Eq, Node
from interstore.filters.written import Written, is_mapping
from interstore.paths import Envelope
from interstore.values import MAX_INTEGER

__all__ = [
    "check_limit",
    "check_skip",
    "parse_fields",
    "parse_filter",
    "parse_path",
    "parse_sort",
]

_NODES: Final = frozenset(get_args(Node))


def parse_filter(filter: Any) -> Node:
    """The tree that a filter means. The caller's filter is not changed.

    Args:
        filter: a mapping, an expression of `field`, a tree (returned as it is), or
            ``None`` for every document.

    Raises:
        InvalidQueryError: `filter` is not of the language, or beyond its limits (500
            conditions, 16 levels, 10,000 values of one ``$in``).
    """
    if type(filter) is dict:
        if len(filter) == 1:
            ((key, value),) = filter.items()
            kind = type(value)
            # The commonest filter, {"name": scalar}, without any ceremony.
            if (
                type(key) is str
                and key[:1] != "$"
                and (
                    (kind is str and value.isascii() and "\0" not in value)
                    or (kind is int and -MAX_INTEGER <= value <= MAX_INTEGER)
                    or kind is bool
                    or value is None
                )
                and ((path := parse_path(key)).__class__ is tuple)
            ):
                return Eq(path, value)
        check_filter(filter)
        return _filter(filter, True, "")
    if filter is None:
        return ALL
    if type(filter) in _NODES:
        check_tree(filter)
        tree: Node = filter
        return tree
    if isinstance(filter, Written):
        filter = filter.filter
    if is_mapping(filter):
        check_filter(filter)
        return _filter(filter, True, "")
    raise InvalidQueryError(
        f"a filter is a mapping such as {{'name': 'Ada'}} or an expression of field(), not "
        f"{shown(filter)}"
    )


def _filter(filter: Any, root: bool, around: str) -> Node:
    """The tree of one filter; `around` names the ``$elemMatch`` that it stands in."""
    if isinstance(filter, Written):
        filter = filter.filter
    if not is_mapping(filter):
        raise InvalidQueryError(f"filter: {around}{shown(filter)} is no filter (a mapping)")
    nodes: list[Node] = []
    for key, operand in filter.items():
        if isinstance(key, str) and key[:1] == "$":
            nodes.append(_logical(key, operand, root, around))
        elif isinstance(key, (str, tuple)):
            place = Place(parse_path(key, root=root), around)
            nodes.append(_condition(operand, place))
        else:
            raise unknown(key, None)
    return all_of(nodes)


def _logical(operator: str, operand: Any, root: bool, around: str) -> Node:
    if operator not in LOGICAL:
        raise unknown(operator, None)
    if operator == "$not":
        return negate(_filter(operand, root, around))
    if not isinstance(operand, (list, tuple)):
        raise InvalidQueryError(f"filter: {operator} takes a list of filters, not {shown(operand)}")
    nodes = [_filter(item, root, around) for item in operand]
    if operator == "$and":
        return all_of(nodes)
    joined = any_of(nodes)
    return joined if operator == "$or" else negate(joined)


def _condition(condition: Any, place: Place) -> Node:
    if not is_mapping(condition):
        if isinstance(place.path, Envelope):
            condition = canonical_condition({"$eq": condition}, place)["$eq"]
        return equals(condition, "$eq", place)
    for operator in condition:
        if not isinstance(operator, str) or operator[:1] != "$":
            raise place.refuse(
                "$eq",
                f"cannot compare a whole object ({shown(condition)}); compare fields by dotted "
                f"path, as in {{'{place}.{operator}': ...}}, and do not mix keys with operators",
            )
    if not condition:
        raise place.refuse(
            "$eq", "cannot compare a whole object ({}); ask for its type by {'$type': 'object'}"
        )
    return all_of(_operators(condition, place))


def _operators(condition: Mapping[str, Any], place: Place) -> list[Node]:
    for operator in condition:
        if operator not in OPERATORS and operator not in RANGES and operator not in _NESTING:
            raise unknown(operator, place)
    if isinstance(place.path, Envelope):
        condition = canonical_condition(condition, place)
    nodes: list[Node] = []
    ranged = False
    for operator, operand in condition.items():
        if build := OPERATORS.get(operator):
            nodes.append(build(operand, operator, place))
        elif operator in RANGES:
            if not ranged:
                nodes.extend(ranges(condition, place))
                ranged = True
        elif operator == "$not":
            nodes.append(_negated(operand, place))
        else:
            nodes.append(_elem_match(operand, place))
    return nodes


_NESTING: Final = ("$not", "$elemMatch")


def _negated(condition: Any, place: Place) -> Node:
    if not is_mapping(condition):
        raise place.refuse(
            "$not", f"takes operators, as in {{'$not': {{'$gt': 5}}}}, not {shown(condition)}"
        )
    return negate(_condition(condition, place))


def _elem_match(operand: Any, place: Place) -> Node:
    if isinstance(operand, Written):
        operand = operand.filter
    if not is_mapping(operand):
        raise place.refuse(
            "$elemMatch", f"takes operators on an element or a filter of it, not {shown(operand)}"
        )
    around = f"{place}, $elemMatch: "
    if not _is_of_values(operand, place):
        return ElemMatch(place.path, _filter(operand, False, around), as_value=False)
    nodes = _operators(operand, Place((), around))
    return ElemMatch(place.path, all_of(nodes), as_value=True)


def _is_of_values(operand: Mapping[Any, Any], place: Place) -> bool:
    """Whether ``$elemMatch`` holds operators on the element itself, not a filter of it."""
    keys = list(operand)
    operators = [key for key in keys if isinstance(key, str) and key[:1] == "$"]
    values = [key for key in operators if key not in LOGICAL]
    if "$not" in operators:
        raise place.refuse(
            "$elemMatch",
            'does not take $not at its top: negate a filter as {"$nor": [...]}, and an operator '
            "by its opposite ($ne, $nin)",
        )
    if "$exists" in operators:
        raise place.refuse("$elemMatch", "does not take $exists at its top: an element exists")
    if values and len(values) < len(keys):
        raise place.refuse(
            "$elemMatch",
            f"mixes operators on the element ({values[0]}) with a filter of it; use one or the "
            "other",
        )
    return bool(values)
