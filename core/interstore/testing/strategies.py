"""Hypothesis strategies for documents, filters, sorts and changes that often meet.

Keys, paths and values are drawn from small sets, the odd among them, so that a filter made up
here matches some of the documents made up here and not others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from hypothesis import strategies as st

from interstore.filters.references import parse_path

__all__ = [
    "changes",
    "documents",
    "fields",
    "filters",
    "key_paths",
    "paths",
    "sorts",
    "values",
]

Strategy: TypeAlias = st.SearchStrategy[Any]

KEYS: Final = ("a", "b", "", "a.b", "0", "$gt", "_id", "é\n\"'%")

TEXTS: Final = (
    "", "a", "A", "ab", "b", "ba", "a\n", "1", "null", "%", "a_b", "é", "e\u0301", "\uffff",
    "\U00010000", "\\", "'", '"', "$gt", "\x01", "aab", "abab",
)  # fmt: skip

NUMBERS: Final = (
    0, 1, -1, 2, 1.5, -0.5, 5e-324, 1e16, 1e300, -1.7976931348623157e308, 2**53 - 1, 0.1, 1e-7,
    1.0, -0.0,
)  # fmt: skip

COMMON: Final = (None, True, False, 0, 1, 2, 1.5, "", "a", "ab", "b")
"""A filter and a document shall often hold the same value: these come as often as the rest."""

SCALARS: Final[tuple[Any, ...]] = (*COMMON * 3, *NUMBERS, *TEXTS)

# --- values and documents ------------------------------------------------------------------------

scalars: Final[Strategy] = st.sampled_from(SCALARS)


def values(depth: int = 2) -> Strategy:
    """A scalar, or a small array or object of values."""
    if depth == 0:
        return scalars
    inner = values(depth - 1)
    return st.one_of(
        *[scalars] * 4,
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(KEYS), inner, max_size=2),
    )


def fields() -> Strategy:
    """The fields of one document; `a` and `b` are seldom missing."""
    often = st.one_of(values(), values(), st.just(...))
    others = {key: values(1) for key in KEYS[2:]}
    return st.fixed_dictionaries({"a": often, "b": often}, optional=others).map(_without_dots)


def _without_dots(fields: Mapping[Any, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not ...}


def documents() -> Strategy:
    """Several documents, each with an id of its own."""
    ids = st.sampled_from(
        ("a", "b", "A", "ab", "a.b", "é", "\U00010000", "\uffff", "%", "'", "0", "1")
    )
    return st.dictionaries(ids, fields(), min_size=6, max_size=12).map(_with_ids)


def _with_ids(by_id: Mapping[Any, dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"id": id, **document} for id, document in by_id.items()]


# --- paths ---------------------------------------------------------------------------------------

steps: Final[Strategy] = st.sampled_from((*KEYS, "a", "b", 0, 0, 1))
key_paths: Final[Strategy] = st.lists(
    st.sampled_from(("a", "b", *KEYS)), min_size=1, max_size=3
).map(tuple)
"""Paths of keys only, as updates and projections have them."""


_COMMON_PATHS: Final = (
    "a",
    "a",
    "b",
    "b",
    ("a",),
    "a.b",
    "b.a",
    "a[0]",
    ("b", 0),
    "a[0].b",
    ("a.b",),
)
_any_path: Final[Strategy] = st.builds(
    lambda first, rest: (first, *rest), st.sampled_from(KEYS), st.lists(steps, max_size=2)
)
paths: Final[Strategy] = st.one_of(*[st.sampled_from(_COMMON_PATHS)] * 3, _any_path)
"""Paths as filters and sorts take them."""

relative_paths: Final[Strategy] = st.lists(steps, min_size=1, max_size=2).map(tuple)

# --- filters -------------------------------------------------------------------------------------

_scalar_lists: Final[Strategy] = st.lists(scalars, max_size=3)
_texts: Final[Strategy] = st.sampled_from(TEXTS)
_types: Final[Strategy] = st.sampled_from(("null", "bool", "number", "string", "array", "object"))

_ATOMS: Final = (
    "a", "b", "A", ".", "[ab]", "[^a]", "[A-b]", "\\d", "\\D", "\\w", "\\W", "\\s", "\\S", "é",
    "\\\\", "%", "_", "\U00010000", "^", "$", "\\A", "\\Z", "(a|b)", "(ab|)", "(?:a|\\d)",
)  # fmt: skip
_REPEATS: Final = ("", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,3}", "*?", "+?", "??")


@st.composite
def _patterns(draw: st.DrawFn) -> Any:
    parts = [
        atom if atom in ("^", "$", "\\A", "\\Z") else atom + draw(st.sampled_from(_REPEATS))
        for atom in draw(st.lists(st.sampled_from(_ATOMS), max_size=4))
    ]
    pattern = "".join(parts)
    match draw(st.integers(0, 3)):
        case 0:
            return [pattern, "i"]
        case 1:
            return re.compile(pattern)
        case _:
            return pattern


def _operators() -> dict[str, Strategy]:
    """Operand of each operator that stands alone."""
    ordered = st.sampled_from((*NUMBERS, *TEXTS))
    equal = st.one_of(scalars, scalars, _scalar_lists)
    return {
        "$eq": equal,
        "$ne": equal,
        "$gt": ordered,
        "$gte": ordered,
        "$lt": ordered,
        "$lte": ordered,
        "$in": _scalar_lists,
        "$nin": _scalar_lists,
        "$exists": st.booleans(),
        "$type": st.one_of(_types, st.lists(_types, min_size=1, max_size=3)),
        "$startsWith": _texts,
        "$endsWith": _texts,
        "$contains": _texts,
        "$regex": _patterns(),
        "$has": scalars,
        "$all": _scalar_lists,
        "$size": st.integers(0, 3),
    }


OPERATORS: Final = _operators()

_single: Final[Strategy] = st.sampled_from(sorted(OPERATORS)).flatmap(
    lambda name: st.fixed_dictionaries({name: OPERATORS[name]})
)


@st.composite
def _conditions(draw: st.DrawFn, depth: int = 2, *, on_element: bool = False) -> Any:
    kind = draw(st.integers(0, 9))
    if kind == 0 and not on_element:
        return draw(st.one_of(scalars, _scalar_lists))
    if kind == 1 and depth and not on_element:
        inner = draw(_conditions(depth - 1))
        return {"$not": inner if isinstance(inner, dict) else {"$eq": inner}}
    if kind in (2, 3) and depth:
        return {"$elemMatch": draw(_element_filters(depth - 1))}
    condition: dict[str, Any] = draw(_single)
    if kind == 9:
        condition = {**condition, **draw(_single)}
    if on_element:
        condition.pop("$exists", None)
        return condition or {"$ne": None}
    return condition


def _element_filters(depth: int) -> Strategy:
    whole = st.dictionaries(relative_paths, _conditions(depth), max_size=2)
    negated = st.fixed_dictionaries({"$nor": st.lists(whole, min_size=1, max_size=2)})
    return st.one_of(_conditions(depth, on_element=True), whole, negated)


_on_envelope: Final[Strategy] = st.one_of(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from(
                (
                    {"$gt": "a"},
                    {"$lte": "a.b"},
                    {"$in": ["a", "0"]},
                    "é",
                    {"$regex": "^a"},
                    {"$ne": "A"},
                )
            )
        }
    ),
    st.fixed_dictionaries(
        {"@version": st.sampled_from((1, 2, {"$gt": 1}, {"$in": [1, 3]}, {"$ne": 1}))}
    ),
)


def filters() -> Strategy:
    """A filter of some leaves under logical operators."""
    leaves = st.one_of(
        *[st.dictionaries(paths, _conditions(), min_size=1, max_size=1)] * 3,
        st.dictionaries(paths, _conditions(), min_size=2, max_size=2),
        _on_envelope,
    )

    def joined(inner: Strategy) -> Strategy:
        several = st.lists(inner, max_size=3)
        return st.one_of(
            st.fixed_dictionaries({"$and": several}),
            st.fixed_dictionaries({"$or": several}),
            st.fixed_dictionaries({"$nor": several}),
            st.fixed_dictionaries({"$not": inner}),
        )

    return st.one_of(leaves, st.recursive(leaves, joined, max_leaves=5))


# --- sorts and changes ---------------------------------------------------------------------------

_sort_keys: Final[Strategy] = st.tuples(
    st.one_of(paths, st.sampled_from(("id", "@version"))), st.sampled_from((1, -1))
)


def sorts() -> Strategy:
    """At most three sort keys, no path twice."""
    return st.lists(_sort_keys, max_size=3, unique_by=lambda key: parse_path(key[0]))


@st.composite
def changes(draw: st.DrawFn) -> Any:
    """What `update` takes: plain fields, or operators on paths that do not overlap."""
    if draw(st.integers(0, 3)) == 0:
        plain = st.sampled_from([key for key in KEYS if "." not in key and key[:1] != "$"])
        return draw(st.dictionaries(plain, values(), max_size=2))
    operands = {
        "$set": values(),
        "$unset": st.just(True),
        "$inc": st.sampled_from((1, -1, 0.1, 2**53 - 1, -1.5, 1.0)),
        "$push": values(1),
    }
    made: dict[str, dict[Any, Any]] = {}
    taken: list[Any] = []
    for path in draw(st.lists(key_paths, min_size=1, max_size=3)):
        if any(path[: len(other)] == other or other[: len(path)] == path for other in taken):
            continue
        taken.append(path)
        operator = draw(st.sampled_from(sorted(operands)))
        made.setdefault(operator, {})[path] = draw(operands[operator])
    return made
