"""Places where PostgreSQL needs care, each by its name in the specification of filters."""

from typing import Any

import pytest

from interstore.errors import InvalidDocumentError
from interstore.filters.order import position_of
from interstore.filters.parse import parse_filter
from interstore_backends.postgresql._sync.database import PostgreSQLDatabase
from interstore_backends.postgresql.compile import compile_filter
from tests.engines.postgresql.support import changes, fill, ids, query, run, write

DOUBLES = (
    0.1, 1 / 3, 0.30000000000000004, 5e-324, 2.2250738585072014e-308, 1e-7, 1e16, 1e22, 4.35,
    1.7976931348623157e308, -1.7976931348623157e308, 2.675, 1e300, 2**52 - 1.5, -1e16,
)  # fmt: skip


def test_1_negation_is_two_valued(database: PostgreSQLDatabase) -> None:
    fill(database, missing={}, null={"n": None}, text={"n": "5"}, five={"n": 5}, object={"n": {}})
    for positive in ({"n": 5}, {"n.x": {"$gt": 1}}, {"n": {"$size": 1}}, {"n": {"$regex": "5"}}):
        found = set(ids(database, positive))
        assert set(ids(database, {"$nor": [positive]})) == set(ids(database, {})) - found


def test_2_text_is_ordered_by_code_point(database: PostgreSQLDatabase) -> None:
    words = ["A", "B", "_", "a", "ab", "b", "z", "é", "\ue000", "\U0001f600"]
    fill(database, **{word: {"s": word} for word in reversed(words)})
    assert ids(database, None) == words
    assert ids(database, None, "s") == words
    assert ids(database, {"s": {"$gt": "B"}}, "s") == words[2:]
    assert ids(database, {"s": {"$startsWith": "a"}}, "-s") == ["ab", "a"]
    assert ids(database, {"id": {"$gt": "B", "$lt": "b"}}) == ["_", "a", "ab"]
    page = list(database.find("m", query(None, "s", limit=4)))
    after = position_of(page[-1], query(None, "s").order)
    assert [each.id for each in database.find("m", query(None, "s", after=after))] == words[4:]


def test_3_an_index_needs_an_array(database: PostgreSQLDatabase) -> None:
    fill(database, scalar={"a": 5}, array={"a": [5]}, object={"a": {"0": 5}}, deep={"a": [[[5]]]})
    assert ids(database, {("a", 0): 5}) == ["array"]
    assert ids(database, {("a", "0"): 5}) == ["object"]
    assert ids(database, {("a", 0, 0, 0): 5}) == ["deep"]
    assert ids(database, {("a", 0, 0, 0): {"$exists": False}}) == ["array", "object", "scalar"]
    assert ids(database, {("a", 2**31 - 1): {"$exists": True}}) == []


def test_3_a_long_path_of_indexes_is_a_short_text(database: PostgreSQLDatabase) -> None:
    path = ("a", *[0] * 60)
    deep: Any = 5
    for _ in range(60):
        deep = [deep]
    fill(database, deep={"a": deep}, other={"a": [[5]]})
    assert len(compile_filter(parse_filter({path: 5})).sql) < 10_000
    assert ids(database, {path: 5}) == ["deep"]


def test_4_empty_arrays_sort_as_null(database: PostgreSQLDatabase) -> None:
    fill(database, a={"v": []}, b={"v": None}, c={"v": {}}, d={}, e={"v": -1e300}, f={"v": False})
    assert ids(database, None, "v") == ["a", "b", "c", "d", "e", "f"]
    assert ids(database, {"v": {"$lt": 5}}) == ["e"]
    assert ids(database, {"v": {"$gt": -(10.0**301)}}) == ["e"]


def test_5_containment_is_not_equality(database: PostgreSQLDatabase) -> None:
    fill(
        database, scalar={"a": 5}, one={"a": [5]}, two={"a": [[5]]}, three={"a": [5, 6]},
        object={"a": {"b": 5, "c": 6}},
    )  # fmt: skip
    assert ids(database, {"a": 5}) == ["scalar"]
    assert ids(database, {"a": {"$has": 5}}) == ["one", "three"]
    assert ids(database, {"a": [5]}) == ["one"]
    assert ids(database, {"a": {"$elemMatch": {"$eq": 5}}}) == ["one", "three"]
    assert ids(database, {"a": {"$elemMatch": {"$has": 5}}}) == ["two"]
    assert ids(database, {"a.b": 5}) == ["object"]


def test_6_nothing_is_evaluated_too_early(database: PostgreSQLDatabase) -> None:
    fill(database, a={"x": ["text", 5, None, True, [5], {"y": [1]}]}, b={"x": "text"}, c={"x": 1})
    for condition in (
        {"$elemMatch": {"$size": 1}},
        {"$elemMatch": {"$has": 5}},
        {"$elemMatch": {"$elemMatch": {"$eq": 5}}},
        {"$elemMatch": {("y", 0): 1}},
        {"$elemMatch": {(0,): 5}},
        {"$size": 6},
    ):
        assert ids(database, {"x": condition}) == ["a"], condition


def test_7_a_row_too_large_for_an_index_is_a_document_refused(
    database: PostgreSQLDatabase,
) -> None:
    fill(database, a={"s": "x"})
    run(database, "CREATE INDEX by_s ON m ((doc ->> 's'))")
    text = "".join(chr(0x4E00 + (number * 7919) % 20_000) for number in range(3000))
    with pytest.raises(InvalidDocumentError, match="index row"):
        database.create("m", write("b", {"s": text}))
    outcomes = database.create_many("m", [write("c"), write("d", {"s": text}), write("e")])
    assert outcomes[0] == outcomes[2] == 1
    assert isinstance(outcomes[1], InvalidDocumentError)
    assert outcomes[1].id == "d"


def test_8_names_are_quoted(database: PostgreSQLDatabase) -> None:
    keys = ["'", '"', "%", "%s", "%%", "$1", "\\", "a'b", "--", "\n", "", "é", "0", "a.b", "?"]
    fill(database, **{f"d{number}": {key: {key: number}} for number, key in enumerate(keys)})
    for number, key in enumerate(keys):
        assert ids(database, {(key, key): number}) == [f"d{number}"], key
        assert ids(database, {(key, key): {"$gte": number}}) == [f"d{number}"], key
        updated = database.update("m", f"d{number}", changes({"$inc": {(key, key): 1}}))
        assert updated[key] == {key: number + 1}
        updated = database.update("m", f"d{number}", changes({"$unset": [(key, key)]}))
        assert updated[key] == {}


def test_numbers_come_back_as_they_were(database: PostgreSQLDatabase) -> None:
    fill(
        database,
        **{f"d{number}": {"n": value, "l": [value]} for number, value in enumerate(DOUBLES)},
    )
    for number, value in enumerate(DOUBLES):
        found = database.find_by_id("m", f"d{number}")
        assert found is not None
        assert repr(found["n"]) == repr(value) == repr(found["l"][0])
        for condition in (value, {"$gte": value, "$lte": value}, {"$in": [value]}):
            assert ids(database, {"n": condition}) == [f"d{number}"], condition
    ordered = [f"d{DOUBLES.index(value)}" for value in sorted(DOUBLES)]
    assert ids(database, None, "n") == ordered
    assert [each["n"] for each in database.find("m", query(None, "n"))] == sorted(DOUBLES)


def test_what_other_programs_write_is_canonical(database: PostgreSQLDatabase) -> None:
    fill(database, a={})
    theirs = '{"a": 1.0, "b": [2.50, 1e3], "c": 12345678901234567890}'
    run(database, f"UPDATE m SET doc = '{theirs}'")
    found = database.find_by_id("m", "a")
    assert repr(found["a"]) == "1"  # type: ignore[index]
    assert found == {"id": "a", "a": 1, "b": [2.5, 1000], "c": 12345678901234567890.0}


def test_sums_are_those_of_doubles(database: PostgreSQLDatabase) -> None:
    fill(database, a={"n": 0.1, "m": 2**53 - 2})
    assert database.update("m", "a", changes({"$inc": {"n": 0.2}}))["n"] == 0.1 + 0.2
    assert database.update("m", "a", changes({"$inc": {"m": 1}}))["m"] == 2**53 - 1
    with pytest.raises(InvalidDocumentError, match="outside"):
        database.update("m", "a", changes({"$inc": {"m": 1}}))


def test_an_update_keeps_to_the_limit_of_documents(database: PostgreSQLDatabase) -> None:
    """However well PostgreSQL compresses what it holds."""
    fill(database, a={"l": ["x" * 180_000] * 10})
    with pytest.raises(InvalidDocumentError, match="limit"):
        database.update("m", "a", changes({"$push": {"l": "x" * 150_000}}))
    assert database.update("m", "a", changes({"$push": {"l": "x" * 50_000}})).version == 2


def test_many_and_large_changes_in_one_update(database: PostgreSQLDatabase) -> None:
    fill(database, a={})
    wide = {f"k{number}": number for number in range(200)}
    assert database.update("m", "a", changes(wide))["k199"] == 199
    large = database.update("m", "a", changes({"text": "x" * 500_000}))
    assert len(large["text"]) == 500_000


def test_update_many_finds_the_one_that_fails(database: PostgreSQLDatabase) -> None:
    fill(database, **{f"d{number:03}": {"n": number} for number in range(100)})
    run(database, "CREATE UNIQUE INDEX once ON m ((doc -> 'u'))")
    database.update("m", "d050", changes({"u": 7}))
    result = database.update_many("m", parse_filter({"n": {"$gte": 98}}), changes({"u": 8}))
    assert (result.updated, result.failed) == (1, 1)
    misfit = changes({"$inc": {"n.x": 1}})
    result = database.update_many("m", parse_filter({"n": {"$lt": 98}}), misfit)
    assert (result.updated, result.failed) == (0, 98)
