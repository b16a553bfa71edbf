"""The index that the memory and the JSON files engine share."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from interstore.filters.tree import ALL, And, Bound, Eq, In, Node, Range, Text
from interstore.paths import Envelope
from interstore.prepared import Query
from interstore_backends._table.order import Order, Span
from interstore_backends._table.plan import plan
from interstore_backends._table.records import change_of, decode_document, decode_head
from interstore_backends._table.table import Table
from tests.engines.jsonfiles.support import write

ids = st.text("abcé\U0001f600\U0010ffff", min_size=1, max_size=4)


@given(st.lists(st.tuples(st.sampled_from(["add", "remove", "look"]), ids)))
def test_the_order_is_that_of_sorting(steps: list[tuple[str, str]]) -> None:
    order, held = Order(), set[str]()
    for step, id in steps:
        if step == "add" and id not in held:
            held.add(id)
            order.added(id)
        elif step == "remove" and id in held:
            held.remove(id)
            order.removed(id)
        elif step == "look":
            found = order.ids(held)
            assert found == sorted(set(found))
            assert [each for each in found if each in held] == sorted(held)


def test_many_new_ids_at_once() -> None:
    order, held = Order(), {f"{number:04}" for number in range(0, 1000, 2)}
    assert order.ids(held) == sorted(held)
    for number in range(1, 1000, 2):
        held.add(f"{number:04}")
        order.added(f"{number:04}")
    assert order.ids(held) == sorted(held)
    for number in range(900):
        held.remove(f"{number:04}")
        order.removed(f"{number:04}")
    assert order.ids(held) == sorted(held)


@given(st.sets(ids), ids, ids, st.booleans(), st.booleans(), st.booleans(), st.integers(1, 40))
def test_walks(
    held: set[str], low: str, high: str, with_low: bool, with_high: bool, down: bool, first: int
) -> None:
    table = Table({id: change_of(write(id)).body for id in held})
    span = Span().above(low, with_low).below(high, with_high)
    expected = sorted(id for id in held if id in span)
    assert expected == sorted(
        id
        for id in held
        if (low < id or (with_low and id == low)) and (id < high or (with_high and id == high))
    )
    walked = [
        decode_head(b"{" + record).id
        for chunk in table.walk(span, descending=down, first=first)
        for record in chunk
    ]
    assert walked == (expected[::-1] if down else expected)


@given(
    st.lists(
        st.one_of(
            ids.map(lambda id: Eq(Envelope.ID, id)),
            st.lists(ids, max_size=3).map(lambda some: In(Envelope.ID, tuple(some))),
            st.builds(
                lambda low, high, closed: Range(
                    Envelope.ID, Bound(low, closed), None if high is None else Bound(high, closed)
                ),
                ids,
                st.none() | ids,
                st.booleans(),
            ),
            ids.map(lambda id: Text(Envelope.ID, "startsWith", id)),
            st.just(Eq(("a",), 1)),
        ),
        max_size=3,
    )
)
def test_plans_lose_nothing(nodes: list[Node]) -> None:
    from interstore.filters.evaluate import compile_filter

    tree = And(tuple(nodes))
    matches = compile_filter(tree)
    planned = plan(tree)
    rest = compile_filter(planned.rest)
    for id in ("a", "ab", "b", "bé", "c\U0001f600", "\U0010ffff\U0010ffff", "é"):
        for fields in ({"a": 1}, {}):
            document = write(id, **fields).document()
            looked_at = id in planned.span and (planned.ids is None or id in planned.ids)
            assert matches(document) == (looked_at and rest(document))
    assert plan(ALL).rest == ALL


def test_documents_are_the_callers_own() -> None:
    record = b"{" + change_of(write('q"\\', list=[{"a": 1}])).body
    one, other = decode_document(record), decode_document(record)
    one["list"][0]["a"] = 2
    assert other == {"id": 'q"\\', "list": [{"a": 1}]}
    assert Query().limit is None
