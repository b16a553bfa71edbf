"""The partial-update language: what is accepted, what it does, what is refused."""

from typing import Any

import pytest

from interstore.changes_parse import parse_changes
from interstore.document import Document
from interstore.errors import ConflictError, InvalidDocumentError, NotFoundError

NOW = "2026-01-01T00:00:00.000000Z"


def apply(fields: dict[str, Any], changes: Any) -> dict[str, Any]:
    return parse_changes("x", changes, NOW).apply_to(fields)


@pytest.mark.parametrize(
    ("fields", "changes", "expected"),
    [
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"c": 2}}),
        ({"a": 1}, {"a": None}, {"a": None}),
        ({"a": 1}, {"id": "x", "a": 2}, {"a": 2}),
        ({}, {"$set": {"a.b.c": 1}}, {"a": {"b": {"c": 1}}}),
        ({"a": {"x": 1}}, {"$set": {"a.b": 1.0}}, {"a": {"x": 1, "b": 1}}),
        ({"a.b": 1}, {"$set": {("a.b",): 2}}, {"a.b": 2}),
        ({"a": {"b": 1, "c": 2}}, {"$unset": ["a.b"]}, {"a": {"c": 2}}),
        ({"a": {"b": 1}}, {"$unset": {"a.b": True}}, {"a": {}}),
        ({"a": 5}, {"$unset": ["a.b", "z"]}, {"a": 5}),
        ({}, {"$inc": {"n": 2}}, {"n": 2}),
        ({"n": 0.1}, {"$inc": {"n": 0.2}}, {"n": 0.30000000000000004}),
        ({"n": 1.5}, {"$inc": {"n": 0.5}}, {"n": 2}),
        ({}, {"$push": {"a.tags": "x"}}, {"a": {"tags": ["x"]}}),
        ({"t": [1]}, {"$push": {"t": [2]}}, {"t": [1, [2]]}),
        ({"a": 1, "b": 1}, {"$set": {"a": 2}, "$unset": ["b"]}, {"a": 2}),
        ({"a": 1}, {}, {"a": 1}),
    ],
)
def test_what_changes_do(
    fields: dict[str, Any], changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    before = repr(fields)
    assert apply(fields, changes) == expected
    assert repr(fields) == before


@pytest.mark.parametrize(
    ("fields", "changes", "words"),
    [
        ({"a": 1}, {"$set": {"a.b": 1}}, r"\$set needs an object at 'a', but .* a number"),
        ({"a": None}, {"$set": {"a.b": 1}}, "null"),
        ({"a": []}, {"$inc": {"a.b": 1}}, "an array"),
        ({"n": "1"}, {"$inc": {"n": 1}}, r"\$inc needs a number at 'n', but .* a string"),
        ({"n": True}, {"$inc": {"n": 1}}, "a boolean"),
        ({"n": None}, {"$inc": {"n": 1}}, "null"),
        ({"t": {}}, {"$push": {"t": 1}}, r"\$push needs an array at 't', but .* an object"),
        ({"n": 2**53 - 1}, {"$inc": {"n": 1}}, "outside"),
        ({"n": 1e308}, {"$inc": {"n": 2**53 - 1}}, "outside"),
    ],
)
def test_a_path_that_meets_the_wrong_type(
    fields: dict[str, Any], changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidDocumentError, match=words):
        apply(fields, changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (None, "changes are a mapping"),
        ([], "changes are a mapping"),
        ("a", "changes are a mapping"),
        ({"a": 1, "$set": {"b": 1}}, "mix the operator"),
        ({"$rename": {"a": "b"}}, "not an operator of updates"),
        ({"a.b": 1}, r"use \$set"),
        ({"a[0]": 1}, r"use \$set"),
        ({"id": "y"}, "cannot change"),
        ({"$set": {"id": "y"}}, "cannot change"),
        ({"$set": {"@version": 3}}, "kept by Interstore"),
        ({"$set": {"a[0]": 1}}, "element of an array"),
        ({"$set": {"a": 1, "a.b": 2}}, "overlap"),
        ({"$set": {"a.b": 1}, "$inc": {"a.b": 2}}, "overlap"),
        ({"$set": {"a": 1}, "$unset": ["a"]}, "overlap"),
        ({"$set": ["a"]}, "mapping of paths"),
        ({"$unset": "a"}, "list of paths"),
        ({"$unset": {"a": "no"}}, "paths to true"),
        ({"$inc": {"a": "1"}}, "needs a number"),
        ({"$inc": {"a": True}}, "needs a number"),
        ({"$inc": {"a": 2**60}}, "outside"),
        ({"$set": {"a": {1, 2}}}, "at a: a set cannot be stored"),
        ({"$set": {"a..b": 1}}, r"\$set"),
        ({"$set": {5: 1}}, r"\$set"),
        ({"$set": {f"k{n}": n for n in range(501)}}, "the limit is 500"),
        ({f"k{n}": n for n in range(501)}, "the limit is 500"),
        ({"$set": {"a." * 64 + "b": 1}}, "limit is 64"),
        ({"$set": {"a": {"b": {}}, ".".join(["c"] * 64): {}}}, "deeper than 64"),
        ({"$set": {("\ud800",): 1}}, "surrogate"),
    ],
)
def test_what_is_not_of_the_language(changes: Any, words: str) -> None:
    with pytest.raises(InvalidDocumentError, match=words):
        parse_changes("x", changes, NOW)


def current(version: int = 3) -> Document:
    return Document({"n": 1}, id="x", version=version, created=NOW, updated=NOW)


def test_apply_makes_the_next_version() -> None:
    changes = parse_changes("x", {"$inc": {"n": 1}}, "2026-02-02T00:00:00.000000Z")
    write = changes.apply("m", "x", current(), 3)
    assert (write.fields, write.version) == ({"n": 2}, 4)
    assert (write.created, write.updated) == (NOW, "2026-02-02T00:00:00.000000Z")


def test_no_changes_keep_the_version() -> None:
    changes = parse_changes("x", {}, "2026-02-02T00:00:00.000000Z")
    write = changes.apply("m", "x", current())
    assert changes.is_empty
    assert (write.fields, write.version, write.updated) == ({"n": 1}, 3, NOW)


def test_apply_names_what_is_missing_or_stale() -> None:
    changes = parse_changes("x", {"n": 1}, NOW)
    with pytest.raises(NotFoundError) as missing:
        changes.apply("m", "x", None)
    assert (missing.value.model, missing.value.id) == ("m", "x")
    with pytest.raises(ConflictError) as stale:
        changes.apply("m", "x", current(4), 3)
    assert (stale.value.expected, stale.value.found) == (3, 4)
    assert "version 4, not 3" in str(stale.value)
