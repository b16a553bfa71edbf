"""What is the same for foreign data on every engine, without one."""

from __future__ import annotations

import copy
import json
import pickle
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstore.changes_parse import parse_changes
from interstore.errors import ConfigurationError, InvalidDocumentError, InvalidQueryError
from interstore.filters.parse import parse_filter
from interstore.filters.tree import Eq, Node
from interstore.foreign import ForeignDocument, ForeignSource, IdType, Renaming, native_id
from interstore.foreign_filters import narrowed
from interstore.foreign_values import (
    changed_json,
    exact_changes,
    present_decimal,
    present_float,
    present_json,
)
from interstore.prepared import prune
from interstore.values import canonical_fields, exact_integers


def test_documents_are_copied_and_sent() -> None:
    document = ForeignDocument({"a": {"b": 1}, "c": 2}, id="5")
    for other in (copy.copy(document), copy.deepcopy(document),
                  pickle.loads(pickle.dumps(document))):  # fmt: skip
        assert type(other) is ForeignDocument
        assert (other, other.id, other.partial) == (document, "5", False)
    part = prune(document, [("a", "b")])
    assert (part, part.partial) == ({"id": "5", "a": {"b": 1}}, True)
    assert type(part) is ForeignDocument
    with pytest.raises(AttributeError):
        document.other  # noqa: B018


@pytest.mark.parametrize(
    ("kind", "text", "wanted"),
    [
        ("int", "-5", -5),
        ("int", "0", 0),
        ("int", str(2**100), 2**100),
        *[("int", bad, None) for bad in ("-0", "05", "5.0", "", " 5", "5\n", "٥", "1" * 40)],
        ("objectid", "0" * 24, "0" * 24),
        ("objectid", "A" * 24, None),
        ("uuid", "0192d3b4-0000-7000-8000-0123456789ab", "0192d3b4-0000-7000-8000-0123456789ab"),
        ("uuid", "0192D3B4-0000-7000-8000-0123456789AB", None),
        ("string", " any\n", " any\n"),
    ],
)
def test_ids(kind: IdType, text: str, wanted: Any) -> None:
    assert native_id(kind, text) == wanted


def test_names() -> None:
    renaming = Renaming(ForeignSource(name="t", rename={"id": "ext", "a": "b.c"}), "k")
    shown = {name: renaming.presented(name) for name in ("id", "a", "z")}
    assert shown == {"id": "ext", "a": "b.c", "z": "z"}
    assert {name: renaming.native(shown[name]) for name in shown} == {name: name for name in shown}
    assert [renaming.native(hidden) for hidden in ("id", "a", "k")] == [None, None, None]
    with pytest.raises(ConfigurationError, match="'ext', which exists already"):
        renaming.presented("ext")
    for rename in ({"a": "x", "b": "x"}, {"a": 5}, {"a": ""}, {"a": "id"}):
        with pytest.raises(InvalidQueryError, match="rename"):
            ForeignSource(name="t", rename=rename)  # type: ignore[arg-type]


def test_an_alternative_that_is_not_narrowed_frees_all() -> None:
    def leaf(node: Node) -> str | None:
        return node.path[0] if isinstance(node, Eq) and node.path != ("x",) else None  # type: ignore[index, return-value]

    def shown(filter: Any) -> str | None:
        return narrowed(parse_filter(filter), leaf, "&".join, lambda some: "|".join(some) or "-")

    assert shown({"a": 1, "b": 2}) == "a&b"
    assert shown({"a": 1, "x": 2}) == "a"
    assert shown({"$or": [{"a": 1}, {"b": 2}]}) == "a|b"
    assert shown({"$or": [{"a": 1}, {"x": 2}]}) is None
    assert shown({"a": {"$ne": 1}}) is None
    assert shown({"$or": []}) == "-"
    assert shown({}) is None


@given(st.floats() | st.integers() | st.decimals())
def test_numbers_are_exact(value: Any) -> None:
    if isinstance(value, Decimal):
        assert value.is_nan() or Decimal(present_decimal(value)) == value
    elif isinstance(value, int):
        assert present_json(value) == value
    else:
        assert value != value or float(present_float(value)) == value


def test_exact_integers() -> None:
    with pytest.raises(InvalidDocumentError):
        canonical_fields({"n": 2**60})
    with exact_integers():
        assert canonical_fields({"n": [2**60]}) == {"n": [2**60]}
    with pytest.raises(InvalidDocumentError):
        canonical_fields({"n": 2**60})


def test_changed_json() -> None:
    changes = parse_changes(None, {"$inc": {"j.n": 1, "j.f": 0.5}, "$set": {"k": 1}}, "")
    fields = {"j": {"n": 2**70, "f": 1}, "k": 0}
    exact = exact_changes(changes, fields)
    text = changed_json('{"n": 1180591620717411303424, "f": 1, "kept": 1.0}', exact, "j")
    assert json.loads(text) == {"n": 2**70 + 1, "f": 1.5, "kept": 1.0}
    assert '"kept": 1.0' in text
    with pytest.raises(InvalidDocumentError, match="more digits than a double"):
        changed_json('{"n": 1, "f": 1, "d": 0.1234567890123456789}', exact, "j")
