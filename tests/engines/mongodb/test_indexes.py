"""What MongoDB is given for an index, beside what others put there and while others change it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from interstore.errors import (
    ConfigurationError,
    DuplicateError,
    InvalidDocumentError,
    UnavailableError,
)
from interstore.indexes import Index
from interstore_backends.mongodb._sync.database import MongoDBDatabase
from interstore_backends.mongodb.indexes import INDEXES, Declaration
from tests.engines.mongodb.support import Open, changes, declared, fill, ids, query, write

AGE = declared("age", "number")
OTHERS = {"$jsonSchema": {"required": ["name"]}}


def options(database: MongoDBDatabase) -> dict[str, Any]:
    [found] = database.native.list_collections(filter={"name": "m"})
    return dict(found["options"])


def native_names(database: MongoDBDatabase) -> list[str]:
    return sorted(database.native["m"].index_information())


def grow_old(database: MongoDBDatabase) -> None:
    """As if a while had gone by."""
    database._known.clear()


def test_what_is_stored(database: MongoDBDatabase) -> None:
    """As other tools see it."""
    database.ensure_index("m", declared("email", unique=True))
    database.ensure_index("m", declared("tags", "string", list=True))
    assert database.models() == ["m"]
    email, tags = database.native[INDEXES].find({"model": "m"}, sort=[("name", 1)])
    assert (email["paths"], email["types"], email["unique"]) == ([["email"]], [None], True)
    assert (tags["paths"], tags["types"], tags["list"]) == ([["tags"]], ["string"], True)
    information = database.native["m"].index_information()
    assert information[email["native"]]["key"] == [("email", 1), ("_id", 1)]
    unique = information[f"{email['native']}_unique"]
    assert unique["key"] == [("email", 1)]
    assert unique["partialFilterExpression"] == {"email": {"$type": ["number", "string", "bool"]}}
    assert options(database)["validator"]["$and"][0]["$comment"] == "interstore indexes"


def test_the_validator_of_others_stays(database: MongoDBDatabase) -> None:
    database.native.create_collection("m", validator=OTHERS)
    database.ensure_index("m", AGE)
    assert options(database)["validator"]["$and"][1] == OTHERS
    database.ensure_index("m", declared("s", "string"))
    assert options(database)["validator"]["$and"][1:] == [OTHERS]
    fill(database, a={"name": "Ada", "age": 1})
    with pytest.raises(InvalidDocumentError, match="is not a number"):
        database.create("m", write("b", {"name": "Eve", "age": "1"}))
    with pytest.raises(InvalidDocumentError, match="validator refuses it"):
        database.create("m", write("b", {"age": 1}))
    with pytest.raises(InvalidDocumentError, match="validator refuses it"):
        database.update("m", "a", changes({"$unset": ["name"]}))
    outcomes = database.create_many("m", [write("b"), write("c", {"name": "Cy"})])
    assert isinstance(outcomes[0], InvalidDocumentError)
    assert outcomes[1] == 1
    for index in database.indexes("m"):
        assert database.drop_index("m", index.name)
    assert options(database)["validator"] == OTHERS
    assert native_names(database) == ["_id_"]


@pytest.mark.parametrize("lenient", [{"validationLevel": "moderate"}, {"validationAction": "warn"}])
def test_a_validator_that_lets_pass(database: MongoDBDatabase, lenient: dict[str, Any]) -> None:
    database.native.create_collection("m", validator=OTHERS, **lenient)
    with pytest.raises(ConfigurationError, match="validator of others that lets documents pass"):
        database.ensure_index("m", AGE)
    assert database.indexes("m") == []
    assert options(database)["validator"] == OTHERS
    database.ensure_index("m", declared("@updated_at"))  # which demands nothing


def test_a_validator_that_others_removed(database: MongoDBDatabase) -> None:
    fill(database, a={"age": 1}, b={"age": 2})
    database.ensure_index("m", AGE)
    database.native.command("collMod", "m", validator={})
    fill(database, c={"age": [0, 9]})
    grow_old(database)
    assert ids(database, None, "age") == ["c", "a", "b"]
    with pytest.raises(InvalidDocumentError, match="1 document of m cannot be under the index"):
        database.ensure_index("m", AGE)
    database.delete("m", "c")
    database.ensure_index("m", AGE)
    with pytest.raises(InvalidDocumentError, match="is not a number"):
        database.create("m", write("c", {"age": [0, 9]}))


@pytest.mark.parametrize("filter", [None, {"age": {"$ne": 7}}, {"other": None}])
@pytest.mark.parametrize("drop", ["drop_index", "drop", "dropped by hand"])
def test_an_index_that_another_process_drops(opened: Open, filter: Any, drop: str) -> None:
    """Its documents were sorted by MongoDB's own order, which is not that of arrays."""
    one, other = opened(), opened()
    one.ensure_index("m", AGE)
    fill(one, a={"age": 1}, b={"age": 5}, c={"age": 3}, d={})
    before = ["d", "a", "c", "b"]
    assert ids(one, filter, "age") == ids(other, filter, "age") == before
    if drop == "drop_index":
        other.drop_index("m", AGE.name)
    elif drop == "drop":
        other.drop("m")
        fill(other, a={"age": 1}, b={"age": 5}, c={"age": 3}, d={})
    else:
        other.native["m"].drop_indexes()
    assert ids(one, filter, "age") == before
    if drop != "dropped by hand":
        other.update("m", "b", changes({"age": [2]}))
        other.update("m", "a", changes({"age": {"x": 1}}))
        assert ids(one, filter, "age") == ["a", "b", "d", "c"]
        assert ids(one, filter, "-age") == ["c", "d", "b", "a"]


@pytest.mark.parametrize("filter", [None, {"other": None}])
def test_between_a_drop_and_the_next_index(opened: Open, filter: Any) -> None:
    """The same declaration later is another one: between, anything was stored."""
    one, other = opened(), opened()
    one.ensure_index("m", AGE)
    fill(one, a={"age": 1}, b={"age": 5})
    assert ids(one, filter, "age") == ["a", "b"]
    stamp = one._ready("m")[0].stamp
    other.drop_index("m", AGE.name)
    other.ensure_index("m", AGE)
    assert ids(one, filter, "age") == ["a", "b"]
    grow_old(one)
    assert one._ready("m")[0].stamp != stamp


def test_what_another_process_declares_is_used_soon(opened: Open) -> None:
    one, other = opened(), opened()
    fill(one, a={"age": 1})
    assert ids(one, None, "age") == ["a"]
    other.ensure_index("m", AGE)
    assert one._ready("m") == []
    grow_old(one)
    assert [each.index for each in one._ready("m")] == [AGE]


def test_arrays_on_the_way(database: MongoDBDatabase) -> None:
    """MongoDB would enter them: index their elements, and sort by them."""
    typed, unique = declared("o.n", "number"), declared("p.q.u", unique=True)
    fill(database, a={"o": [{"n": 1}]}, b={"p": {"q": []}}, c={"o": 7, "p": {"q": 1}})
    for index in (typed, unique):
        with pytest.raises(InvalidDocumentError, match="1 document of m"):
            database.ensure_index("m", index)
    database.delete("m", "a")
    database.delete("m", "b")
    database.ensure_index("m", typed)
    database.ensure_index("m", unique)
    with pytest.raises(InvalidDocumentError, match=r"at o: an array on the way to o\.n") as caught:
        database.create("m", write("a", {"o": [{"n": "x"}]}))
    assert (caught.value.path, caught.value.id) == ("o", "a")
    with pytest.raises(InvalidDocumentError, match=r"at p\.q: an array"):
        database.update("m", "c", changes({"p": {"q": [1]}}))
    outcomes = database.put_many("m", [write("d", {"p": [1]}), write("e", {"o": {"n": 1}})])
    assert isinstance(outcomes[0], InvalidDocumentError)
    assert outcomes[1] == 1


def test_null_behind_arrays(database: MongoDBDatabase) -> None:
    one, two = declared("o.a"), declared("o.b")
    fill(database, a={"o": [{"a": 1}]}, b={"o": {"a": 1}}, c={}, d={"o": {"a": [1]}})
    for index in (one, two):
        database.ensure_index("m", index)
    assert ids(database, {"o.a": None}) == ["a", "c"]
    [shared] = [name for name in native_names(database) if "arrays" in name]
    database.drop_index("m", one.name)
    assert native_names(database) == ["_id_", shared, f"interstore_{two.name}"]
    database.drop_index("m", two.name)
    assert native_names(database) == ["_id_"]


def test_lists_behind_arrays(database: MongoDBDatabase) -> None:
    database.ensure_index("m", declared("o.tags", "string", list=True))
    fill(database, a={"o": {"tags": ["x", None]}}, b={"o": [{"tags": [1]}]}, c={"o": {"tags": []}})
    assert ids(database, {"o.tags": {"$has": "x"}}) == ["a"]
    assert ids(database, {"o.tags": {"$has": 1}}) == []
    with pytest.raises(InvalidDocumentError, match=r"at o\.tags"):
        database.create("m", write("d", {"o": {"tags": ["x", 1]}}))


def test_two_arrays_under_one_index(database: MongoDBDatabase) -> None:
    """MongoDB has no index for them, so of paths without types it indexes the first alone."""
    database.ensure_index("m", declared("x", "y"))
    fill(database, a={"x": [1], "y": [2]}, b={"x": 1, "y": [2]}, c={"x": 1, "y": 3})
    assert ids(database, {"x": 1, "y": 3}) == ["c"]
    keys = [index["key"] for index in database.native["m"].index_information().values()]
    assert sorted(keys) == [[("_id", 1)], [("x", 1), ("_id", 1)]]


def test_indexes_that_share_one_of_mongodbs(database: MongoDBDatabase) -> None:
    plain, unique = declared("age"), declared("age", unique=True)
    fill(database, a={"age": 1}, b={"age": 2})
    for index in (plain, AGE, unique):
        database.ensure_index("m", index)
    assert native_names(database) == [
        "_id_", f"interstore_{plain.name}", f"interstore_{unique.name}_unique",
    ]  # fmt: skip
    assert ids(database, None, "age") == ["a", "b"]
    database.drop_index("m", plain.name)
    assert len(native_names(database)) == 3
    assert {each.native for each in database._ready("m")} <= set(native_names(database))
    database.drop_index("m", unique.name)
    assert native_names(database) == ["_id_", f"interstore_{AGE.name}"]
    with pytest.raises(InvalidDocumentError):
        database.create("m", write("c", {"age": "1"}))
    assert database.create("m", write("c", {"age": 1})).version == 1


def test_an_index_of_others_serves_and_stays(database: MongoDBDatabase) -> None:
    fill(database, a={"age": 1})
    database.native["m"].create_index([("age", 1), ("_id", 1)], name="theirs")
    database.ensure_index("m", AGE)
    assert native_names(database) == ["_id_", "theirs"]
    assert ids(database, None, "age") == ["a"]
    database.drop_index("m", AGE.name)
    assert native_names(database) == ["_id_", "theirs"]


def test_in_a_collection_that_ignores_case(database: MongoDBDatabase) -> None:
    database.native.create_collection("m", collation={"locale": "en", "strength": 1})
    index = declared("s", "string", unique=True)
    database.ensure_index("m", index)
    fill(database, a={"s": "b"}, b={"s": "B"}, c={"s": "a"})
    assert ids(database, None, "s") == ["b", "c", "a"]
    with pytest.raises(DuplicateError) as caught:
        database.create("m", write("d", {"s": "B"}))
    assert caught.value.index == index.name


def test_what_was_removed_by_hand(database: MongoDBDatabase) -> None:
    index = declared("@updated_at")
    for remove in (database.native["m"].drop_indexes, database.native["m"].drop):
        database.ensure_index("m", index)
        fill(database, a={})
        remove()
        database.ensure_index("m", index)
        assert native_names(database) == ["_id_", f"interstore_{index.name}"]
        database.delete("m", "a")
    database.native["m"].drop()
    assert database.drop("m") is False
    assert database.indexes("m") == []


def test_who_went_away_in_the_middle(database: MongoDBDatabase) -> None:
    """The declaration is there, and not ready: it can be built, or dropped."""
    fill(database, a={"age": 1})
    left = Declaration(model="m", index=AGE, stamp="0")
    for step in ("ensure", "drop"):
        database.native[INDEXES].replace_one({"_id": left.id}, left.document(), upsert=True)
        assert database.indexes("m") == []
        assert ids(database, None, "age") == ["a"]
        if step == "ensure":
            database.ensure_index("m", AGE)
            assert [each.ready for each in database._ready("m")] == [True]
        else:
            assert database.drop_index("m", AGE.name)
    assert database.indexes("m") == []
    assert "validator" not in options(database) or not options(database)["validator"]


def test_a_lock_that_was_not_returned(opened: Open) -> None:
    patient, hasty = opened(), opened(timeout=0.5)
    fill(patient, a={"age": 1})
    taken = {"until": {"$add": ["$$NOW", 60_000]}, "holder": "gone"}
    locks = patient.native[INDEXES]
    locks.update_one({"_id": "m"}, [{"$set": taken}], upsert=True)
    with pytest.raises(UnavailableError, match="another process changes the indexes of m"):
        hasty.ensure_index("m", AGE)
    locks.update_one({"_id": "m"}, [{"$set": {"until": "$$NOW"}}])
    hasty.ensure_index("m", AGE)
    assert hasty.indexes("m") == [AGE]


def test_errors_name_the_index(database: MongoDBDatabase) -> None:
    index = declared("u", "v", unique=True)
    database.ensure_index("m", index)
    fill(database, a={"u": 1, "v": 1}, b={"u": 1, "v": 2})
    calls: tuple[Callable[[], object], ...] = (
        lambda: database.create("m", write("c", {"u": 1, "v": 2})),
        lambda: database.put("m", write("c", {"u": 1, "v": 2})),
        lambda: database.put("m", write("a", {"u": 1, "v": 2}), if_version=1),
        lambda: database.update("m", "a", changes({"v": 2})),
        lambda: database.update("m", "a", changes({"$inc": {"v": 1}})),
    )
    for call in calls:
        with pytest.raises(DuplicateError, match="under u_v_") as caught:
            call()
        assert (caught.value.index, caught.value.backend) == (index.name, "mongodb")
        assert caught.value.id in ("a", "c")
    assert database.find_by_id("m", "a") == {"id": "a", "u": 1, "v": 1}


def test_an_id_that_exists_comes_first(database: MongoDBDatabase) -> None:
    """MongoDB asks the validator before it looks for the id."""
    database.ensure_index("m", AGE)
    fill(database, a={"age": 1})
    wrong = write("a", {"age": "1"})
    with pytest.raises(DuplicateError) as caught:
        database.create("m", wrong)
    assert caught.value.index is None
    [outcome, other] = database.create_many("m", [wrong, write("b", {"age": "1"})])
    assert isinstance(outcome, DuplicateError)
    assert isinstance(other, InvalidDocumentError)
    assert database.write_page("m", [wrong], "insert_if_absent") == [0]
    for outcomes in (
        database.write_page("m", [wrong], "upsert"),
        database.write_page("m", [write("a", {"age": []}, 2)], "replace_if_newer"),
        database.put_many("m", [wrong]),
    ):
        assert isinstance(outcomes[0], InvalidDocumentError)
        assert (outcomes[0].path, outcomes[0].id) == ("age", "a")
    assert database.write_page("m", [wrong], "replace_if_newer") == [0]


def test_clashes_are_counted(database: MongoDBDatabase) -> None:
    fill(database, **{f"d{n}": {"u": n % 4 or None, "v": True} for n in range(12)})
    for index in (declared("u", unique=True), declared("u", "v", unique=True)):
        with pytest.raises(DuplicateError, match=r"9 documents of m .*'d1', .* and 4 more"):
            database.ensure_index("m", index)
    assert database.indexes("m") == []
    assert native_names(database) == ["_id_"]


def test_a_declared_index_of_a_position_from_before(database: MongoDBDatabase) -> None:
    """A page's position may be a value of a class that the index does not allow any more."""
    database.ensure_index("m", AGE)
    fill(database, a={"age": 1}, b={})
    for sort, value, expected in (("age", "x", []), ("-age", "x", ["a", "b"])):
        found = database.find("m", query(None, sort, after=(value, "a")))
        assert [document.id for document in found] == expected


def test_a_long_index_is_no_index_of_the_id(database: MongoDBDatabase) -> None:
    index = Index(paths=(("a.b",), ("$c",), "@version"), types=("number", "string", "number"))
    database.ensure_index("m", index)
    fill(database, a={"a.b": 2, "$c": "x"}, b={"a.b": 1})
    sort = [(("a.b",), 1), (("$c",), 1), ("@version", 1)]
    assert ids(database, None, sort) == ["b", "a"]
