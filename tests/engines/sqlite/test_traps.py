"""Places where SQLite needs care, each by its name in the specification of filters."""

import random
import struct
from typing import Any

import pytest

from interstore.filters.tree import ALL
from interstore.prepared import Query
from interstore_backends.sqlite.compile import compile_filter, compile_query
from interstore_backends.sqlite.database import SQLiteDatabase
from interstore_backends.sqlite.values import Value
from tests.engines.sqlite.support import changes, fill, ids, query, tree, write

DOUBLES = (
    0.1, 1 / 3, 0.30000000000000004, 5e-324, 2.2250738585072014e-308, 1e-7, 1e16, 1e22, 4.35,
    1.7976931348623157e308, -1.7976931348623157e308, 2.675, 1e300, 2**53 - 1.5,
)  # fmt: skip


def plan(database: SQLiteDatabase, what: Query, index: str) -> str:
    """How SQLite runs a query of the model `m` that has this index."""
    database.native.execute(f"CREATE INDEX IF NOT EXISTS by_key ON m ({index})")
    rest = compile_query(what)
    sql = f"EXPLAIN QUERY PLAN SELECT id FROM m{rest.sql}"
    return " / ".join(row[3] for row in database.native.execute(sql, rest.parameters).fetchall())


INDEX = f"{Value.at('doc', ('n',)).key}, id"


def test_1_negation_is_two_valued(memory: SQLiteDatabase) -> None:
    fill(memory, missing={}, null={"n": None}, text={"n": "5"}, five={"n": 5}, object={"n": {}})
    for positive in ({"n": 5}, {"n.x": {"$gt": 1}}, {"n": {"$size": 1}}, {"n": {"$regex": "5"}}):
        found = set(ids(memory, positive))
        assert set(ids(memory, {"$nor": [positive]})) == set(ids(memory, {})) - found


def test_9_scalars_beside_arrays_are_not_parsed(memory: SQLiteDatabase) -> None:
    fill(memory, a={"x": ["text", 5, None, True, [5], {"y": [1]}]}, b={"x": "text"})
    for condition in (
        {"$elemMatch": {"$size": 1}},
        {"$elemMatch": {"$has": 5}},
        {"$elemMatch": {"$elemMatch": {"$eq": 5}}},
        {"$elemMatch": {("y", 0): 1}},
        {"$elemMatch": {(0,): 5}},
    ):
        assert ids(memory, {"x": condition}) == ["a"], condition


def test_10_regex_of_what_is_no_text(memory: SQLiteDatabase) -> None:
    fill(memory, a={}, b={"n": None}, c={"n": 5}, d={"n": ["5"]}, e={"n": "x5"}, f={"n": True})
    assert ids(memory, {"n": {"$regex": ""}}) == ["e"]
    assert ids(memory, {"n": {"$regex": "5$"}}) == ["e"]
    assert ids(memory, {"n": {"$not": {"$regex": "5$"}}}) == ["a", "b", "c", "d", "f"]
    assert memory.native.execute("SELECT interstore_regex('', 0, NULL)").fetchall() == [(0,)]


def test_10_catastrophic_patterns_are_linear(memory: SQLiteDatabase) -> None:
    fill(memory, a={"n": "a" * 100_000})
    assert ids(memory, {"n": {"$regex": "(a*)*a*a*a*a*b"}}) == []


@pytest.mark.parametrize(
    ("filter", "terms"),
    [
        ({"n": 5}, "<expr>=?"),
        ({"n": None}, "<expr>=?"),
        ({"n": {"$in": [1, 2]}}, "<expr>=?"),
        ({"n": {"$in": list(range(100))}}, "<expr>=?"),
        ({"n": {"$gt": 10}}, "<expr>>? AND <expr><?"),
        ({"n": {"$gt": 10, "$lt": 11}}, "<expr>>? AND <expr><?"),
        ({"n": {"$startsWith": "x"}}, "<expr>>? AND <expr><?"),
    ],
)
def test_11_an_index_on_the_key_serves(
    memory: SQLiteDatabase, filter: dict[str, Any], terms: str
) -> None:
    fill(memory, a={"n": 10.5}, b={"n": "x"})
    assert f"INDEX by_key ({terms}" in plan(memory, query(filter), INDEX)


def test_12_positions_are_searched_and_order_is_the_index_s(memory: SQLiteDatabase) -> None:
    fill(memory, a={"n": 1}, b={"n": 2}, c={"n": 2})
    for sort, sign in (("n", ">"), ("-n", "<")):
        how = plan(memory, query({}, sort, limit=2, after=(2, "b")), INDEX)
        assert f"INDEX by_key (<expr>{sign}?)" in how
        assert "TEMP B-TREE" not in how
    after = query({}, "n", after=(2, "b"))
    assert [each.id for each in memory.find("m", after)] == ["c"]


def test_13_updates_leave_other_floats_alone(memory: SQLiteDatabase) -> None:
    fill(memory, a={"n": 0, "doubles": list(DOUBLES)})
    updated = memory.update("m", "a", changes({"$inc": {"n": 0.1}, "$push": {"doubles": 0.1}}))
    updated = memory.update("m", "a", changes({"$inc": {"n": 0.2}}))
    assert memory.find_by_id("m", "a") == updated
    assert updated["n"] == 0.30000000000000004
    assert updated["doubles"] == [*DOUBLES, 0.1]


def test_14_booleans_are_no_numbers(memory: SQLiteDatabase) -> None:
    fill(memory, t={"n": True}, f={"n": False}, one={"n": 1}, zero={"n": 0}, list={"n": [True, 1]})
    memory.update("m", "zero", changes({"flag": True}))
    assert memory.find_by_id("m", "zero") == {"id": "zero", "n": 0, "flag": True}
    assert ids(memory, {"n": True}) == ["t"]
    assert ids(memory, {"n": 1}) == ["one"]
    assert ids(memory, {"n": {"$in": [False, 1]}}) == ["f", "one"]
    assert ids(memory, {"n": {"$in": [False, 1, *range(5, 30)]}}) == ["f", "one"]
    assert ids(memory, {"n": {"$has": False}}) == []
    assert ids(memory, {"n": [True, 1]}) == ["list"]
    assert ids(memory, {"n": [1, True]}) == []


def test_15_what_is_stored_has_each_key_once(memory: SQLiteDatabase) -> None:
    fill(memory, a={"n": 1})
    memory.put("m", write("a", {"n": 2}))
    [(text,)] = memory.native.execute("SELECT json(doc) FROM m").fetchall()
    assert text == '{"n":2}'


def test_doubles_compare_exactly(memory: SQLiteDatabase) -> None:
    """Newer libraries read a quarter of random doubles in JSON as a neighbour."""
    numbers = [*DOUBLES, *_random_doubles(200)]
    memory.create_many("m", [write(f"{i:04}", {"n": n}) for i, n in enumerate(numbers)])
    for i, number in enumerate(numbers):
        for condition in (
            number,
            {"$gte": number, "$lte": number},
            {"$in": [number]},
            {"$in": [number, *[f"x{n}" for n in range(20)]]},
        ):
            assert f"{i:04}" in ids(memory, {"n": condition}), (number, condition)


def test_pages_over_doubles_lose_nothing(memory: SQLiteDatabase) -> None:
    numbers = _random_doubles(300)
    memory.create_many("m", [write(f"{i:04}", {"n": n}) for i, n in enumerate(numbers)])
    for sort in ("n", "-n"):
        what, seen = query({}, sort, limit=1), []
        while page := list(memory.find("m", what)):
            seen.append(page[0]["n"])
            what = what.only(after=(page[0]["n"], page[0].id))
        assert seen == sorted(numbers, reverse=sort == "-n")


def _random_doubles(count: int) -> list[float]:
    generator = random.Random(7)
    made = (struct.unpack("d", generator.randbytes(8))[0] for _ in range(2 * count))
    return [number for number in made if abs(number) < float("inf")][:count]


@pytest.mark.parametrize(
    "filter",
    [
        pytest.param({"$or": [{"n": {"$gte": i, "$lt": i + 0.5}} for i in range(250)]}, id="wide"),
        pytest.param({"$and": [{"n": {"$ne": i}} for i in range(5, 505)]}, id="chain"),
        pytest.param({"n": {"$all": list(range(500))}}, id="all"),
        pytest.param({"n": list(range(500))}, id="array"),
        pytest.param({"n": {"$in": list(range(10_000))}}, id="in"),
        pytest.param({"id": {"$in": [f"d{i}" for i in range(10_000)]}}, id="ids"),
        pytest.param({"$or": [{"n": {"$in": [*range(i, i + 30)]}} for i in range(500)]}, id="ins"),
    ],
)
def test_the_largest_filters_run(memory: SQLiteDatabase, filter: dict[str, Any]) -> None:
    documents = {f"d{n}": {"n": n} for n in range(3)} | {"list": {"n": list(range(500))}}
    fill(memory, **documents)
    _agrees(memory, filter)


@pytest.mark.parametrize("form", ["values", "objects", "logic"])
def test_the_deepest_filters_run(memory: SQLiteDatabase, form: str) -> None:
    """Older libraries have a stack of 100 entries to parse with; core evaluates instead."""
    value: Any = 5
    for _ in range(15):
        value = [value] if form == "values" else [{"n": value}]
    fill(memory, a={"n": value}, b={"n": []}, c={"n": 5})
    filter: Any = {"$gt": 3} if form == "values" else {"n": 5}
    for level in range(15):
        if form == "values":
            filter = {"$elemMatch": filter}
        elif form == "objects":
            filter = {"n": {"$elemMatch": filter}}
        else:
            filter = {("$or", "$nor")[level % 2]: [filter, {"n": level}]}
    _agrees(memory, {"n": filter} if form == "values" else filter)
    deep = tree({"n": filter} if form == "values" else filter)
    matching = memory.count("m", deep)
    assert memory.exists("m", deep) is (matching > 0)
    assert memory.update_many("m", deep, changes({"seen": 1})).updated == matching
    assert memory.find_one_and_update("m", Query(deep), changes({"seen": 2})) is not None
    assert memory.delete_many("m", deep).deleted == matching


def _agrees(database: SQLiteDatabase, filter: dict[str, Any]) -> None:
    from interstore.filters.evaluate import compile_filter as reference

    matches = reference(tree(filter))
    expected = [each.id for each in database.find("m", Query(ALL)) if matches(each)]
    assert expected
    assert ids(database, filter) == expected


def test_compiling_is_deterministic() -> None:
    filter = {"n": {"$type": ["string", "null", "array"], "$elemMatch": {"$has": 1}}}
    assert compile_filter(tree(filter)) == compile_filter(tree(filter))
