"""Places where MongoDB needs care, each by its name in the specification of filters."""

from collections.abc import Callable
from typing import Any

import pytest

from interstore.errors import (
    ConfigurationError,
    DuplicateError,
    InvalidDocumentError,
    InvalidQueryError,
)
from interstore.filters.tree import ALL
from interstore.prepared import Partition
from interstore.testing.samples import ODD_KEYS
from interstore_backends.mongodb._sync.database import MongoDBDatabase
from tests.engines.mongodb.support import Open, changes, fill, ids, query, tree, write

MAX = 2**53 - 1


def test_16_arrays_are_not_entered(database: MongoDBDatabase) -> None:
    fill(
        database,
        a={"x": [5, "5"]},
        b={"x": 5},
        c={"x": [{"y": 5}]},
        d={"x": {"y": 5}},
        e={"x": {"y": [5]}},
        f={"x": [[5]]},
    )
    assert ids(database, {"x": 5}) == ["b"]
    assert ids(database, {"x": {"$gt": 4}}) == ["b"]
    assert ids(database, {"x": {"$in": [5, "5"]}}) == ["b"]
    assert ids(database, {"x.y": 5}) == ["d"]
    assert ids(database, {"x.y": {"$exists": True}}) == ["d", "e"]
    assert ids(database, {"x.y": None}) == ["a", "b", "c", "f"]
    assert ids(database, {"x": {"$type": "number"}}) == ["b"]
    assert ids(database, {"x": {"$has": 5}}) == ["a"]
    assert ids(database, {"x": {"$ne": 5}}) == ["a", "c", "d", "e", "f"]


def test_16_null_behind_an_index(database: MongoDBDatabase) -> None:
    fill(database, a={"b": [1, {"b": 2}]}, b={"b": [{"b": None}]}, c={"b": [{}]}, d={})
    assert ids(database, {"b[0].b": None}) == ["a", "b", "c", "d"]
    assert ids(database, {"b[1].b": None}) == ["b", "c", "d"]
    assert ids(database, {"b[1].b": {"$in": [2, None]}}) == ["a", "b", "c", "d"]


def test_17_an_array_is_not_its_element(database: MongoDBDatabase) -> None:
    fill(database, a={"x": [1, 2]}, b={"x": [[1, 2]]}, c={"x": [[1, 2], 3]}, d={"x": []},
         e={"x": [[]]})  # fmt: skip
    assert ids(database, {"x": [1, 2]}) == ["a"]
    assert ids(database, {"x": []}) == ["d"]


def test_18_operators_that_come_twice_in_an_element(database: MongoDBDatabase) -> None:
    fill(database, a={"x": ["abc"]}, b={"x": ["ab", "bc"]}, c={"x": [[1, 2, 3]]}, d={"x": [[1], 2]})
    twice = {"$startsWith": "a", "$endsWith": "c", "$contains": "b", "$regex": "^a.c$"}
    assert ids(database, {"x": {"$elemMatch": twice}}) == ["a"]
    assert ids(database, {"x": {"$elemMatch": {"$startsWith": "a", "$gt": "a", "$lt": "b"}}}) == [
        "a", "b"
    ]  # fmt: skip
    assert ids(database, {"x": {"$elemMatch": {"$all": [1, 2, 3], "$has": 1}}}) == ["c"]
    many = {"$all": list(range(200))}
    assert ids(database, {"x": {"$elemMatch": many}}) == []
    assert ids(database, {"x": {"$elemMatch": {"$ne": "ab", "$nin": ["bc", 7]}}}) == ["a", "c", "d"]
    assert ids(database, {"x": {"$elemMatch": {"$type": "string", "$contains": ""}}}) == ["a", "b"]


def test_19_arrays_among_the_elements(database: MongoDBDatabase) -> None:
    fill(database, a={"x": [[7]]}, b={"x": [{"0": 7}]}, c={"x": [7]}, d={"x": [[{"y": 1}]]})
    assert ids(database, {"x": {"$elemMatch": {(0,): 7}}}) == ["a"]
    assert ids(database, {"x": {"$elemMatch": {("0",): 7}}}) == ["b"]
    assert ids(database, {"x": {"$elemMatch": {"y": 1}}}) == []
    assert ids(database, {"x": {"$elemMatch": {}}}) == ["a", "b", "d"]


def test_20_the_end_is_the_end(database: MongoDBDatabase) -> None:
    fill(database, a={"x": "ab"}, b={"x": "ab\n"})
    assert ids(database, {"x": {"$regex": "b$"}}) == ["a"]
    assert ids(database, {"x": {"$endsWith": "b"}}) == ["a"]
    assert ids(database, {"x": {"$endsWith": "\n"}}) == ["b"]


@pytest.mark.parametrize("text", ["(*UTF8)", "a.b", "[", "\\E", "\\Q", "/", " #", "{2}", "$", "^"])
def test_texts_are_no_patterns(database: MongoDBDatabase, text: str) -> None:
    fill(database, a={"x": f"_{text}_"}, b={"x": "_"}, c={"x": f"_{text}"})
    assert ids(database, {"x": {"$contains": text}}) == ["a", "c"]
    assert ids(database, {"x": {"$endsWith": text}}) == ["c"]


def test_21_a_collection_that_ignores_case(database: MongoDBDatabase) -> None:
    database.native.create_collection("m", collation={"locale": "en", "strength": 1})
    fill(database, a={"s": "abc"}, b={"s": "ABC"}, c={"s": "ábc"}, D={"s": "b"}, e={"s": "C"})
    assert ids(database, {"s": "abc"}) == ["a"]
    assert ids(database, {"s": {"$in": ["ABC"]}}) == ["b"]
    assert ids(database, {"s": {"$gt": "a"}}, "s") == ["a", "D", "c"]
    assert ids(database, None, "s") == ["b", "e", "a", "D", "c"]
    assert ids(database, None) == ["D", "a", "b", "c", "e"]
    assert database.find_by_id("m", "A") is None
    assert database.count("m", tree({"s": "abc"})) == 1
    assert database.exists("m", tree({"s": "aBc"})) is False
    assert [each.id for each in database.find_by_ids("m", ["A", "b"])] == ["b"]
    assert database.delete("m", "A") is False
    assert database.delete_many("m", tree({"s": "abc"})).deleted == 1
    page = database.scan("m", Partition(after="D", until="c"), None, 10)
    assert [document.id for document in page.documents] == ["b", "c"]


@pytest.mark.parametrize("key", [*ODD_KEYS, "_id", "_interstore", "%5Fid", "$where", "0", "%", ""])
def test_hostile_keys(database: MongoDBDatabase, key: str) -> None:
    fields = {key: {key: [1, {key: "x"}]}}
    fill(database, a=fields, b={})
    found = database.find_by_id("m", "a")
    assert found is not None
    assert found.fields() == fields
    assert ids(database, {(key, key, 0): 1}, [((key, key, 0), 1)]) == ["a"]
    assert ids(database, {(key, key, 1, key): "x"}) == ["a"]
    assert [each.fields() for each in database.find("m", query({(key,): {"$exists": True}}))] == [
        fields
    ]
    updated = database.update("m", "b", changes({"$set": {(key, key): {key: 1}}}))
    assert updated.fields() == {key: {key: {key: 1}}}
    updated = database.update("m", "b", changes({"$inc": {(key, key, key): 1}}))
    assert updated.fields() == {key: {key: {key: 2}}}
    assert database.put("m", write("b", fields)).version == 4


@pytest.mark.parametrize(
    ("before", "amount", "after"),
    [
        (MAX - 1, 1, MAX),
        (MAX, 1, None),
        (-MAX, -1, None),
        (MAX - 1, 0.5, MAX - 1),
        (1e300, 1, None),
        (0.1, 0.2, 0.30000000000000004),
        (2**31 - 1, 1, 2**31),
        (1.5, 0.5, 2),
        (0.5, -0.5, 0),
        (None, 1, None),
        (True, 1, None),
        ([1], 1, None),
    ],
)
def test_sums_at_the_limits(
    database: MongoDBDatabase, before: Any, amount: float, after: Any
) -> None:
    fill(database, a={"n": before})
    update = changes({"$inc": {"n": amount}})
    if after is None:
        with pytest.raises(InvalidDocumentError):
            database.update("m", "a", update)
        after = before
    else:
        database.update("m", "a", update)
    found = database.find_by_id("m", "a")
    assert found is not None
    assert (found["n"], type(found["n"])) == (after, type(after))


def test_an_update_cannot_outgrow_the_limit(database: MongoDBDatabase) -> None:
    fill(database, a={"x": "\x01" * 300_000}, b={"l": ["y" * 90_000]})
    with pytest.raises(InvalidDocumentError, match="1,900,000"):
        database.update("m", "a", changes({"$set": {"y": "\x01" * 20_000}}))
    found = database.update("m", "a", changes({"$set": {"x": "\x01" * 310_000}}))
    assert found.version == 2
    push = changes({"$push": {"l": "y" * 90_000}})
    for _ in range(20):
        database.update("m", "b", push)
    with pytest.raises(InvalidDocumentError, match="1,900,000"):
        database.update("m", "b", push)


def test_documents_of_others(database: MongoDBDatabase) -> None:
    fill(database, a={})
    database.native["m"].insert_one({"_id": "b", "x": 1})
    calls: tuple[Callable[[], object], ...] = (
        lambda: database.find_by_id("m", "b"),
        lambda: database.find("m", query()),
        lambda: database.find("m", query({"x": 1}, "x")),
        lambda: database.update("m", "b", changes({"x": 2})),
        lambda: database.update("m", "b", changes({"$inc": {"x": 2}})),
        lambda: database.put("m", write("b")),
        lambda: database.put_many("m", [write("b")]),
        lambda: database.write_page("m", [write("b")], "upsert"),
        lambda: database.write_page("m", [write("b")], "replace_if_newer"),
    )
    for call in calls:
        with pytest.raises(ConfigurationError, match=r"not written by Interstore.*store\.foreign"):
            call()
    assert database.delete("m", "b") is False
    assert database.delete_many("m", ALL).deleted == 1
    assert database.native["m"].find_one() == {"_id": "b", "x": 1}


def test_unique_indexes_are_named(database: MongoDBDatabase) -> None:
    fill(database, a={"x": 1}, b={"x": 2})
    database.native["m"].create_index([("x", 1)], unique=True)
    calls: tuple[Callable[[], object], ...] = (
        lambda: database.create("m", write("c", {"x": 1})),
        lambda: database.put("m", write("c", {"x": 1})),
        lambda: database.update("m", "b", changes({"x": 1})),
        lambda: database.put("m", write("b", {"x": 1}), if_version=1),
    )
    for call in calls:
        with pytest.raises(DuplicateError) as caught:
            call()
        assert caught.value.index == "x"
    outcomes = database.put_many("m", [write("b", {"x": 1}), write("c", {"x": 3})])
    assert isinstance(outcomes[0], DuplicateError)
    assert outcomes[0].index == "x"
    assert outcomes[1] == 1


def test_models_and_their_collections(opened: Open) -> None:
    database = opened()
    database.native.create_collection("not.a.model")
    database.native.command("create", "view", viewOn="not.a.model", pipeline=[])
    fill(database, a={})
    assert database.models() == ["m"]
    assert list(database.find("other", query())) == []
    assert database.models() == ["m"]
    with pytest.raises(InvalidQueryError, match="case only"):
        database.create("M", write("a"))
    with pytest.raises(ConfigurationError, match="models that exist: m"):
        opened(auto_create=False).create("n", write("a"))
    with pytest.raises(ConfigurationError, match="view"):
        database.create("view", write("a"))


def test_what_lies_in_the_collection(database: MongoDBDatabase) -> None:
    """As other tools see it."""
    fill(database, a={"name": "Ada", "n": 1, "f": 1.5, "a.b": [None, True]})
    [stored] = list(database.native["m"].find())
    assert stored.pop("_interstore").keys() == {"version", "created_at", "updated_at"}
    assert stored == {"_id": "a", "name": "Ada", "n": 1, "f": 1.5, "a%2Eb": [None, True]}
