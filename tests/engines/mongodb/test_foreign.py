"""Collections that others made in MongoDB: every type, every kind of id, views, plans."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from bson import Regex
from bson.binary import Binary
from bson.code import Code
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from bson.int64 import Int64
from bson.max_key import MaxKey
from bson.objectid import ObjectId
from bson.timestamp import Timestamp
from pymongo.synchronous.collection import Collection

from interstore._sync.foreign import Foreign
from interstore._sync.store import Store
from interstore.errors import (
    ConfigurationError,
    DuplicateError,
    InvalidDocumentError,
    InvalidQueryError,
    UnsupportedError,
)
from interstore_backends.mongodb.foreign_values import FOREIGN_CODEC
from tests.databases import mongodb

KEY = UUID("0192d3b4-0000-7000-8000-0123456789ab")
OID = ObjectId("65b0c0ffee65b0c0ffee65b0")
WHEN = datetime(2026, 1, 31, 12, 0, 0, 123_000, tzinfo=UTC)


@pytest.fixture
def store(mongodb_url: str) -> Iterator[Store]:
    with Store(mongodb(mongodb_url, durability="primary")) as store:
        yield store


@pytest.fixture
def raw(store: Store) -> Collection[dict[str, Any]]:
    """The collection ``c`` as others see it."""
    collection: Collection[dict[str, Any]] = store.native["c"].with_options(FOREIGN_CODEC)
    return collection


VALUES: dict[str, tuple[Any, Any]] = {
    "i32": (5, 5),
    "i64": (Int64(2**63 - 1), 2**63 - 1),
    "double": (0.1, 0.1),
    "whole": (3.0, 3),
    "nan": (float("nan"), "NaN"),
    "inf": (float("-inf"), "-Infinity"),
    "dec": (Decimal128("1234567890123456789012345678.1200"), "1234567890123456789012345678.12"),
    "decnan": (Decimal128("NaN"), "NaN"),
    "text": ("é \0 x", "é \0 x"),
    "bool": (True, True),
    "null": (None, None),
    "date": (WHEN, "2026-01-31T12:00:00.123000Z"),
    "late": (DatetimeMS(253_402_300_800_000), "253402300800000 ms"),
    "early": (DatetimeMS(-62_135_596_800_001), "-62135596800001 ms"),
    "oid": (OID, str(OID)),
    "uuid": (Binary(KEY.bytes, 4), str(KEY)),
    "old uuid": (Binary(KEY.bytes, 3), b64encode(KEY.bytes).decode()),
    "bin": (Binary(b"\x00\xff", 0), b64encode(b"\x00\xff").decode()),
    "own": (Binary(b"\x01", 128), "AQ=="),
    "regex": (Regex("^a", "i"), {"$regularExpression": {"pattern": "^a", "options": "i"}}),
    "stamp": (Timestamp(5, 6), {"$timestamp": {"t": 5, "i": 6}}),
    "code": (Code("f()"), {"$code": "f()"}),
    "max": (MaxKey(), {"$maxKey": 1}),
    "nested": ({"a.b": [WHEN, {"$x": Int64(2**60)}], "0": {}}, {
        "a.b": ["2026-01-31T12:00:00.123000Z", {"$x": 2**60}], "0": {}}),
}  # fmt: skip


@pytest.fixture
def types(store: Store, raw: Collection[dict[str, Any]]) -> Foreign:
    raw.insert_one({"_id": 1, **{name: value for name, (value, _) in VALUES.items()}})
    raw.insert_one({"_id": 2})
    return store.foreign("c")


def test_types(types: Foreign) -> None:
    document = types.get(1)
    for name, (_, wanted) in VALUES.items():
        assert document[name] == wanted, name
        assert type(document[name]) is type(wanted), name
    assert types.get(2) == {"id": "2"}


def test_filters_on_types(types: Foreign) -> None:
    for name, (_, value) in VALUES.items():
        if isinstance(value, dict) or name == "text":
            continue
        assert types.count({name: value}) == (2 if value is None else 1), name
        assert types.count({name: {"$in": [value, "other", 0.3]}}) >= 1
        assert types.count({name: {"$in": ["other", 0.3, False]}}) == 0
        if value is None or isinstance(value, bool):
            continue
        assert types.count({name: {"$gte": value}}) == 1, name
        assert types.count({name: {"$lte": value}}) == 1, name
        assert types.count({name: {"$lt": value}}) == types.count({name: {"$gt": value}}) == 0
        for odd in ("9999-12-31T00:00:00.000000Z", "2026-01-31", "2026-01-31T12:00:00.123456Z",
                    "0", "x", "", "\x7f", "A"):  # fmt: skip
            less = isinstance(value, str) and value < odd
            more = isinstance(value, str) and value > odd
            assert types.count({name: {"$lt": odd}}) == less, (name, odd)
            assert types.count({name: {"$gt": odd}}) == more, (name, odd)
            starts = isinstance(value, str) and value.startswith(odd)
            assert types.count({name: {"$startsWith": odd}}) == starts, (name, odd)


def test_operands_of_python(types: Foreign) -> None:
    for name, value in {
        "date": WHEN, "uuid": KEY, "bin": b"\x00\xff", "own": b"\x01",
        "dec": Decimal("1234567890123456789012345678.12"),
    }.items():  # fmt: skip
        assert types.count({name: value}) == 1, name
    assert types.count({"date": {"$gt": WHEN.replace(microsecond=122_999), "$lte": WHEN}}) == 1
    assert types.count({"date": {"$gt": WHEN.replace(microsecond=123_001)}}) == 0
    assert types.count({("nested", "a.b", 0): WHEN}) == 1
    assert types.count({("nested", "a.b", 1, "$x"): 2**60}) == 1


def test_arrays_are_not_entered(store: Store, raw: Collection[dict[str, Any]]) -> None:
    values: list[Any] = [[5, "x"], {"b": 5}, [{"b": 5}]]
    raw.insert_many([{"_id": number, "a": value} for number, value in enumerate(values)])
    c = store.foreign("c")
    assert [c.count({"a": 5}), c.count({"a": {"$has": 5}}), c.count({"a.b": 5})] == [0, 1, 1]
    assert [c.count({"a.b": None}), c.count({"a.c": None}), c.count({"a": None})] == [2, 3, 0]


def test_updates_keep_types(types: Foreign, raw: Collection[dict[str, Any]]) -> None:
    later, other = WHEN.replace(year=2027), ObjectId()
    raw.update_one({"_id": 1}, {"$set": {"dates": [WHEN], "deep": {"at": WHEN, "n": 1}}})
    types.update(1, {"$set": {
        "date": later, "oid": str(other), "uuid": UUID(int=5), "bin": b"\x05", "own": b"\x06",
        "dec": Decimal("1.5"), "nan": "Infinity", "i64": 7, "i32": 2**40, "whole": 4,
        "double": 2, "deep.at": later, "new": WHEN,
    }, "$push": {"dates": later}, "$unset": ["regex", "deep.n", "nothing"]})  # fmt: skip
    stored = raw.find_one({"_id": 1})
    assert stored is not None
    for name, value in {
        "date": later, "oid": other, "uuid": Binary(UUID(int=5).bytes, 4), "bin": b"\x05",
        "own": Binary(b"\x06", 128), "dec": Decimal128("1.5"), "nan": float("inf"),
        "i64": Int64(7), "i32": Int64(2**40), "whole": 4.0, "double": 2.0,
        "deep": {"at": later}, "dates": [WHEN, later], "new": "2026-01-31T12:00:00.123000Z",
        "late": VALUES["late"][0], "stamp": Timestamp(5, 6), "decnan": VALUES["decnan"][0],
    }.items():  # fmt: skip
        assert (stored[name], type(stored[name])) == (value, type(value)) or name == "decnan", name
    assert "regex" not in stored
    types.update(1, {"deep": {"at": WHEN, "x": [1]}})
    assert (raw.find_one({"_id": 1}) or {})["deep"] == {"at": WHEN, "x": [1]}
    assert types.update(1, {"$inc": {"double": 0.5, "i64": 2**53 - 1}})["i64"] == 2**53 + 6
    for name in VALUES.keys() - {"regex", "stamp", "code", "max", "nested", "text", "null"}:
        before = raw.find_one({"_id": 1}, {name: 1})
        types.update(1, {name: types.get(1)[name]})
        assert str(raw.find_one({"_id": 1}, {name: 1})) == str(before), name


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"date": WHEN.replace(microsecond=1)}, "has milliseconds"),
        ({"i64": 2**63}, "64 bits"),
        ({"$inc": {"i64": 1}}, "64 bits"),
        ({"$inc": {"date": 1}}, "needs a number"),
        ({"$set": {("nested", "a.b"): 1}}, "cannot address"),
        ({"$set": {("$x",): 1}}, "cannot address"),
        ({"_id": 5}, "is the id"),
        ({"$set": {"date.x": 5}}, "needs an object"),
    ],
    ids=str,
)
def test_what_is_refused(types: Foreign, changes: Any, message: str) -> None:
    before = types.get(1)
    with pytest.raises(InvalidDocumentError, match=message):
        types.update(1, changes)
    assert types.get(1) == before


def test_a_validator_is_heard(store: Store, raw: Collection[dict[str, Any]]) -> None:
    store.native.create_collection("c", validator={"n": {"$lt": 5}})
    raw.insert_one({"_id": 1, "n": 1})
    with pytest.raises(InvalidDocumentError, match="validator"):
        store.foreign("c").update(1, {"n": 7})
    raw.insert_one({"_id": 2, "n": 2})
    raw.create_index("n", unique=True)
    with pytest.raises(DuplicateError) as duplicate:
        store.foreign("c").update(1, {"n": 2})
    assert (duplicate.value.index, duplicate.value.id) == ("n", "1")


# Ids.


IDS: dict[str, list[Any]] = {
    "objectid": [ObjectId(f"{n:024x}") for n in (3, 1, 2, 2**90)],
    "int": [10, Int64(-5), 9.0, Int64(2**63 - 1)],
    "uuid": [Binary(UUID(int=n << 90).bytes, 4) for n in (3, 1, 2, 500)],
    "string": ["b", "B", "é", " odd \t", "x" * 600],
}


@pytest.mark.parametrize("kind", IDS)
def test_ids(store: Store, raw: Collection[dict[str, Any]], kind: Any) -> None:
    raw.insert_many([{"_id": id, "n": n} for n, id in enumerate(IDS[kind])])
    ordered = [each["n"] for each in raw.find(sort=[("_id", 1)])]
    for c in (store.foreign("c"), store.foreign("c", id_type=kind)):
        documents = c.find().to_list()
        assert [each["n"] for each in documents] == ordered
        assert [each["n"] for each in c.find(sort="-id")] == ordered[::-1]
        assert c.find_by_ids(each.id for each in documents) == documents
        for document in documents:
            assert c.get(document.id) == document
            assert c.count({"id": document.id}) == 1
        walked, token = [], None
        while True:
            page = c.page(limit=1, after=token)
            walked += [each["n"] for each in page.documents]
            token = page.next
            if token is None:
                break
        assert walked == ordered
        seen = [
            each["n"]
            for part in c.database.partitions("c", 3)
            for each in c.database.scan("c", part, None, 100).documents
        ]
        assert seen == ordered
    c = store.foreign("c", id_type=kind)
    documents = c.find().to_list()
    assert c.update(documents[0].id, {"n": 50})["n"] == 50
    assert c.delete(documents[1].id)
    if kind != "string":
        with pytest.raises(InvalidQueryError, match=f"ids of type '{kind}'"):
            c.get("x")


def test_ids_of_another_type(store: Store, raw: Collection[dict[str, Any]]) -> None:
    raw.insert_many([{"_id": OID}, {"_id": "65b0c0ffee65b0c0ffee65b1"}])
    id_type: Any
    for id_type in (None, "objectid", "string"):
        c = store.foreign("c", id_type=id_type)
        with pytest.raises(ConfigurationError, match=r"in '_id', and the ids are of type .*view"):
            c.find().to_list()
    store.native.create_collection(
        "texts", viewOn="c", pipeline=[{"$match": {"_id": {"$type": "string"}}}]
    )
    assert [each.id for each in store.foreign("texts").find()] == ["65b0c0ffee65b0c0ffee65b1"]


def test_a_strange_id_that_comes_later(store: Store, raw: Collection[dict[str, Any]]) -> None:
    raw.insert_many([{"_id": n} for n in range(3)])
    c = store.foreign("c")
    assert c.count() == 3
    raw.insert_one({"_id": 1.5})
    with pytest.raises(ConfigurationError, match=r"1\.5 \(of type float\)"):
        c.find().to_list()
    raw.delete_one({"_id": 1.5})
    raw.insert_one({"_id": "x"})
    with pytest.raises(ConfigurationError, match="type 'int'"):
        c.find({"n": 1}).to_list()


def test_another_field_as_id(store: Store, raw: Collection[dict[str, Any]]) -> None:
    raw.insert_many([{"_id": OID, "sku": "b", "id": 5}, {"sku": "a"}])
    with pytest.raises(ConfigurationError, match=r"rename=\{'id'"):
        store.foreign("c", id="sku").get("b")
    c = store.foreign("c", id="sku", rename={"id": "ext_id"})
    assert c.get("b") == {"id": "b", "_id": str(OID), "ext_id": 5}
    with pytest.raises(UnsupportedError, match="unique index"):
        c.update("b", {"n": 1})
    raw.create_index("sku", unique=True)
    assert c.update("b", {"n": 1})["n"] == 1
    raw.insert_one({"n": 1})
    with pytest.raises(ConfigurationError, match="no value in 'sku'"):
        c.find().to_list()
    raw.delete_many({})
    raw.drop_indexes()
    raw.insert_many([{"sku": "a"}, {"sku": "a"}])
    call: Callable[[], object]
    for call in (lambda: c.find().to_list(), lambda: c.page(limit=1), lambda: c.get("a")):
        with pytest.raises(ConfigurationError, match="stands in more than one"):
            call()


# What is opened.


def test_views_are_read(store: Store, raw: Collection[dict[str, Any]]) -> None:
    raw.insert_many([{"_id": 1, "n": 10}, {"_id": 2, "n": 20}])
    store.native.create_collection("v", viewOn="c", pipeline=[{"$match": {"n": {"$gt": 10}}}])
    view = store.foreign("v")
    assert view.find({"n": 20}).to_list() == [{"id": "2", "n": 20}]
    assert view.count() == 1
    for call in (lambda: view.update(2, {"n": 1}), lambda: view.delete(2)):
        with pytest.raises(UnsupportedError, match="it is a view"):
            call()


def test_what_is_not_foreign(store: Store) -> None:
    store.create("users", {"id": "a"})
    with pytest.raises(ConfigurationError, match="Interstore's own"):
        store.foreign("users").find().first()
    with pytest.raises(ConfigurationError, match="no such collection; there are users"):
        store.foreign("x").find().first()


def test_a_model_that_others_write_names_the_cure(
    store: Store, raw: Collection[dict[str, Any]]
) -> None:
    raw.insert_one({"_id": "a", "n": 1})
    for call in (lambda: store.get("c", "a"), lambda: store.find("c").to_list()):
        with pytest.raises(ConfigurationError, match=r"store\.foreign\(\.\.\.\)"):
            call()


# Plans.


@pytest.mark.parametrize(
    ("filter", "examined"),
    [
        ({"id": "5"}, 2),
        ({"name": "name 5"}, 4),
        ({"name": {"$in": ["name 5", "name 6"]}}, 8),
        ({"name": {"$startsWith": "name 299"}}, 30),
        ({"n": {"$gte": 2_990}}, 20),
        ({"at": {"$gte": datetime(2027, 1, 1, tzinfo=UTC)}}, 10),
        ({"at": WHEN}, 4),
    ],
    ids=str,
)
def test_indexes_are_used(
    store: Store, raw: Collection[dict[str, Any]], filter: Any, examined: int
) -> None:
    raw.insert_many([{"_id": n, "name": f"name {n}", "n": n, "at": WHEN} for n in range(3_000)])
    for name in ("name", "n", "at"):
        raw.create_index(name)
    raw.update_many({"n": {"$gt": 3}}, [{"$set": {"at": {"$add": ["$at", "$n"]}}}])
    c = store.foreign("c")
    c.count()
    database = c.database.database
    filters: list[Any] = []
    find = database._find  # type: ignore[attr-defined]

    def noted(condition: Any, **options: Any) -> Any:
        filters.append(condition)
        return find(condition, **options)

    database._find = noted  # type: ignore[attr-defined]
    c.find(filter).to_list()
    plan = store.native.command(
        "explain", {"find": "c", "filter": filters[0], "sort": {"_id": 1}, "limit": 1_001},
        verbosity="executionStats",
    )  # fmt: skip
    assert plan["executionStats"]["totalDocsExamined"] <= examined
