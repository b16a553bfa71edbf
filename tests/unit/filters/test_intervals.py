"""Intervals: the successor of a prefix, and merged ranges."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstore.filters.evaluate import compile_filter
from interstore.filters.intervals import class_of, merge_ranges, range_class, succ
from interstore.filters.tree import NONE, And, Bound, Eq, Node, Range
from interstore.paths import Path
from tests.unit.filters.strategies import NUMBERS, STRINGS, ordered, values

A: Path = ("a",)
LAST = "\U0010ffff"


@pytest.mark.parametrize(
    ("text", "successor"),
    [
        ("a", "b"),
        ("az", "a{"),
        ("", None),
        ("\x7f", "\x80"),
        ("\ud7ff", "\ue000"),
        ("\uffff", "\U00010000"),
        (LAST, None),
        (LAST * 3, None),
        ("a" + LAST * 2, "b"),
    ],
)
def test_the_successor_of_a_prefix(text: str, successor: str | None) -> None:
    assert succ(text) == successor


alphabet = ["a", "b", "z", "\ud7ff", "\ue000", "\uffff", LAST]


@given(st.text(alphabet, max_size=3), st.text(alphabet, max_size=4))
def test_begins_with_is_an_interval(prefix: str, text: str) -> None:
    end = succ(prefix)
    inside = prefix <= text and (end is None or text < end)
    assert inside is text.startswith(prefix)
    if end is not None:
        end.encode()  # never a surrogate


def between(low: Any, high: Any, *, path: Path = A, closed: bool = True) -> Range:
    return Range(
        path,
        None if low is None else Bound(low, closed),
        None if high is None else Bound(high, closed),
    )


@pytest.mark.parametrize(
    ("nodes", "merged"),
    [
        ([], ()),
        ([Eq(A, 1)], (Eq(A, 1),)),
        ([between(1, None), between(None, 9)], (between(1, 9),)),
        ([between(1, 5), between(3, 9)], (between(3, 5),)),
        ([between("a", None), between("b", None)], (between("b", None),)),
        ([between(1, None), Eq(("b",), 1), between(None, 9)], (between(1, 9), Eq(("b",), 1))),
        (
            [between(1, None), between(2, None, path=("b",))],
            (between(1, None), between(2, None, path=("b",))),
        ),
        ([between(1, None), between(1, None, closed=False)], (between(1, None, closed=False),)),
        ([between(1, 1)], (between(1, 1),)),
        ([between(1, 1, closed=False)], (NONE,)),
        ([between(5, None), between(None, 4)], (NONE,)),
        ([between(5, None), between(None, "x")], (NONE,)),
        ([Eq(A, 1), between(5, 4)], (NONE,)),
    ],
)
def test_ranges_are_merged(nodes: list[Node], merged: tuple[Node, ...]) -> None:
    assert merge_ranges(nodes) == merged


bounds = st.one_of(st.none(), st.builds(Bound, ordered, st.booleans()))


def _one_class(node: Range) -> bool:
    ends = [end.value for end in (node.lower, node.upper) if end is not None]
    return bool(ends) and len({class_of(end) for end in ends}) == 1


ranges = st.builds(Range, st.sampled_from([("a",), ("b",)]), bounds, bounds).filter(_one_class)


@given(st.lists(ranges, max_size=4), values, values)
def test_merged_ranges_mean_the_same(nodes: list[Range], a: Any, b: Any) -> None:
    def root(path: Any) -> Any:
        return lambda found: found[path[0]]

    found = {"a": a, "b": b}
    merged = merge_ranges(nodes)
    assert compile_filter(And(merged), root)(found) is compile_filter(And(tuple(nodes)), root)(
        found
    )
    paths = [node.path for node in merged if isinstance(node, Range)]
    assert len(paths) == len(set(paths))


def test_the_class_of_a_range() -> None:
    assert {class_of(number) for number in NUMBERS} == {"number"}
    assert {class_of(text) for text in STRINGS} == {"string"}
    assert range_class(between(None, 5)) == "number"
    assert range_class(between("", None)) == "string"
