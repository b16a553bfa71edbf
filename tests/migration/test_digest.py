"""The canonical text and the digest: equal exactly when the documents are."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstore.document import Document
from interstore.migration.canonical import canonical_text, spell
from interstore.migration.digest import Digest, bucket_of
from interstore.values import canonical_fields

NOW = "2026-01-31T12:00:00.000000Z"

numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
portable = st.dictionaries(
    texts.filter(lambda key: key != "id" and "\0" not in key),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53) + 1, 2**53 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | texts.map(lambda text: text.replace("\0", "")),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=6,
    ),
    max_size=5,
)


def document(fields: dict[str, Any], id: str = "a", version: int = 1) -> Document:
    return Document(fields, id=id, version=version, created=NOW, updated=NOW)


def digest(*documents: Document) -> Digest:
    result = Digest()
    result.add(documents)
    return result


def key(value: Any) -> Any:
    """What the canonical text must tell apart, by other means: types and exact decimals."""
    if isinstance(value, bool) or value is None:
        return ("constant", value)
    if isinstance(value, str):
        return ("text", value)
    if isinstance(value, (int, float)):
        sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
        return ("zero",) if not any(digits) else ("number", sign, digits, exponent)
    if isinstance(value, dict):
        return ("object", tuple(sorted((name, key(item)) for name, item in value.items())))
    return ("array", tuple(map(key, value)))


@given(values)
def test_the_fast_way_writes_what_the_definition_says(value: Any) -> None:
    assert canonical_text(value) == spell(value).encode()


@given(values, values)
def test_texts_are_equal_exactly_when_the_values_are(one: Any, other: Any) -> None:
    assert (canonical_text(one) == canonical_text(other)) == (key(one) == key(other))


@given(portable)
def test_the_text_is_json_and_reads_back_as_the_same_value(value: Any) -> None:
    text = canonical_text(value)
    assert canonical_text(json.loads(text)) == text
    assert key(json.loads(text)) == key(value)


@given(st.dictionaries(texts, values, min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(fields: dict[str, Any], chance: random.Random) -> None:
    items = list(fields.items())
    chance.shuffle(items)
    assert canonical_text(dict(items)) == canonical_text(fields)


@given(portable)
def test_what_came_through_the_door_needs_no_second_look(fields: dict[str, Any]) -> None:
    assert canonical_text(canonical_fields(fields)) == canonical_text(fields)


@pytest.mark.parametrize(
    ("forms", "text"),
    [
        ((1, 1.0, json.loads("1e0"), json.loads("10e-1")), "1"),
        ((0, 0.0, -0.0), "0"),
        ((-7, -7.0), "-7"),
        ((10**22, 1e22, json.loads("1" + "0" * 22)), "1e22"),
        ((2**53 - 1, float(2**53 - 1)), "9007199254740991"),
        ((2**53, float(2**53)), "9007199254740992.0"),
        ((2**53 + 1,), "9007199254740993.0"),
        ((10**16, 1e16), "1e16"),
        ((-(10**15) - 0.5,), "-1000000000000000.5"),
        ((2**64,), "1.8446744073709551616e19"),
        ((0.1, json.loads("0.10")), "0.1"),
        ((1e-5,), "0.00001"),
        ((1e-6, json.loads("0.000001")), "1e-6"),
        ((1.25e-7,), "1.25e-7"),
        ((5e-324,), "5e-324"),
        ((-1.7976931348623157e308,), "-1.7976931348623157e308"),
        ((144115188075855870000.0, 144115188075855870000), "1.4411518807585587e20"),
    ],
)
def test_numbers_are_their_shortest_decimal(forms: tuple[Any, ...], text: str) -> None:
    for form in forms:
        assert canonical_text(form).decode() == spell(form) == text
        assert canonical_text({"a": [form]}).decode() == f'{{"a":[{text}]}}'


def test_types_are_told_apart() -> None:
    values = [1, "1", True, "true", None, "null", "", [], {}, 0, False, [1], {"1": 1}, "1.0", 1.5]
    assert len({canonical_text(value) for value in values}) == len(values)


def test_keys_stand_in_the_order_of_code_points_not_of_utf_16() -> None:
    assert canonical_text({"\U0001f600": 1, "\uffff": 2, "é": 3, "z": 4, "e\u0301": 5}) == (
        '{"e\u0301":5,"z":4,"é":3,"\uffff":2,"\U0001f600":1}'.encode()
    )


def test_texts_are_byte_exact() -> None:
    text = "".join(map(chr, range(1, 0x120))) + "\u2028\ufffe/"
    assert canonical_text(text) == spell(text).encode()
    assert canonical_text("é") != canonical_text("e\u0301")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1}, b"x", object()])
def test_only_json_values_have_a_text(value: Any) -> None:
    with pytest.raises(ValueError, match="not a JSON value"):
        spell(value)


@given(st.lists(portable, max_size=12), st.randoms(use_true_random=False), st.integers(0, 12))
def test_neither_order_nor_partitioning_matters(
    rows: list[dict[str, Any]], chance: random.Random, cut: int
) -> None:
    documents = [document(fields, str(index)) for index, fields in enumerate(rows)]
    whole = digest(*documents)
    chance.shuffle(documents)
    parts = digest(*documents[:cut])
    parts.merge(digest(*documents[cut:]).data())
    assert parts.data() == whole.data()
    assert parts.count == len(rows)
    assert not parts.differing(whole)


def test_a_document_twice_is_not_none() -> None:
    twin = document({"x": 1})
    assert digest(twin, twin).content() != digest().content()
    assert digest(twin, twin).differing(digest()) == [bucket_of("a")]


def test_the_buckets_that_differ_are_those_of_the_ids() -> None:
    rows = {f"k{index}": document({"n": index}, f"k{index}") for index in range(2_000)}
    whole = digest(*rows.values())
    changed = dict(rows)
    del changed["k7"]
    changed["k9"] = document({"n": -9}, "k9")
    changed["new"] = document({}, "new")
    expected = {bucket_of("k7"), bucket_of("k9"), bucket_of("new")}
    assert set(whole.differing(digest(*changed.values()))) == expected


def test_the_envelope_is_compared_apart() -> None:
    one, other = digest(document({"x": 1})), digest(document({"x": 1}, version=2))
    assert one.content() == other.content()
    assert one.envelope() != other.envelope()
    assert one.differing(other) == [bucket_of("a")]
    assert one.differing(other, envelope=False) == []


def test_ids_of_any_kind_have_a_bucket() -> None:
    for id in ["é", "\U0001f600", "x" * 255, "%"]:
        assert digest(document({}, id)).differing(digest()) == [bucket_of(id)]
