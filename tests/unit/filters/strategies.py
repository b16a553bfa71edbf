"""Random documents, filters and sorts over a few keys, so that they meet."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from interstore.document import Document
from interstore.filters.references import parse_path

TIMES = [f"2026-01-0{day}T00:00:00.000000Z" for day in (1, 2, 3)]
KEYS = ["a", "b", "c.d", "", "0", "é", "$x"]
STRINGS = ["", "a", "ab", "b", "B", "é", "\uffff", "\U0001f600", "5", "\n"]
NUMBERS = [0, 1, -1, 5, 0.5, 1e16, 2**53 - 1, -2.5]

scalars = st.one_of(st.none(), st.booleans(), st.sampled_from(NUMBERS), st.sampled_from(STRINGS))
ordered = st.one_of(st.sampled_from(NUMBERS), st.sampled_from(STRINGS))
keys = st.sampled_from(KEYS)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=6,
)
paths = st.builds(
    lambda key, steps: (key, *steps),
    keys,
    st.lists(st.one_of(keys, st.integers(0, 2)), max_size=2),
)
names = st.one_of(paths, st.sampled_from(["a", "b", "a.b", "a[0]", "b.a[1]"]))


@st.composite
def documents(draw: st.DrawFn, id: str = "x") -> Document:
    return Document(
        draw(st.dictionaries(keys, values, max_size=4)),
        id=id,
        version=draw(st.integers(1, 3)),
        created=draw(st.sampled_from(TIMES)),
        updated=draw(st.sampled_from(TIMES)),
        expires=draw(st.sampled_from([None, *TIMES])),
    )


def collections(max_size: int = 8) -> st.SearchStrategy[list[Document]]:
    """Documents with the ids "0", "1", ..."""
    return st.integers(0, max_size).flatmap(
        lambda count: st.tuples(*(documents(id=str(number)) for number in range(count))).map(list)
    )


_texts = st.sampled_from(STRINGS)
_types = st.sampled_from(["null", "bool", "number", "string", "array", "object"])
_patterns = st.sampled_from(["a", "^a", "b$", ".", "", "[a-b]+", r"\d", "é|ab"])
value_operators: dict[str, st.SearchStrategy[Any]] = {
    "$eq": st.one_of(scalars, st.lists(scalars, max_size=3)),
    "$ne": st.one_of(scalars, st.lists(scalars, max_size=3)),
    "$gt": ordered,
    "$gte": ordered,
    "$lt": ordered,
    "$lte": ordered,
    "$in": st.lists(scalars, max_size=3),
    "$nin": st.lists(scalars, max_size=3),
    "$type": st.one_of(_types, st.lists(_types, min_size=1, max_size=3)),
    "$startsWith": _texts,
    "$endsWith": _texts,
    "$contains": _texts,
    "$regex": st.one_of(_patterns, _patterns.map(lambda pattern: [pattern, "i"])),
    "$has": scalars,
    "$all": st.lists(scalars, max_size=3),
    "$size": st.integers(0, 3),
}


def _operators(conditions: st.SearchStrategy[Any] | None = None) -> st.SearchStrategy[Any]:
    optional = dict(value_operators)
    if conditions is not None:
        optional |= {"$exists": st.booleans(), "$not": conditions}
    return st.lists(st.sampled_from(sorted(optional)), min_size=1, max_size=2, unique=True).flatmap(
        lambda chosen: st.fixed_dictionaries({name: optional[name] for name in chosen})
    )


_conditions = st.one_of(scalars, st.lists(scalars, max_size=2), _operators(_operators()))
_leaves = st.dictionaries(names, _conditions, min_size=1, max_size=2)


def _grow(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, max_size=3)
    matched = st.one_of(_operators(), inner.filter(lambda filter: "$not" not in filter))
    return st.one_of(
        st.builds(
            lambda name, filters: {name: filters}, st.sampled_from(["$and", "$or", "$nor"]), several
        ),
        st.builds(lambda filter: {"$not": filter}, inner),
        st.builds(lambda name, element: {name: {"$elemMatch": element}}, names, matched),
    )


filters = st.recursive(_leaves, _grow, max_leaves=5)

directions = st.sampled_from([1, -1])
sorts = st.lists(
    st.one_of(st.sampled_from(["a", "b", "@version", "@expires_at", "@created_at"]), paths),
    max_size=3,
    unique_by=parse_path,
).flatmap(
    lambda chosen: st.tuples(*(st.tuples(st.just(path), directions) for path in chosen)).map(list)
)
