"""Keys: any text is one, is kept exactly, and can be addressed by a path, in every library."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstore.errors import CorruptionError
from interstore.filters.tree import Eq
from interstore.prepared import Query, Write
from interstore_backends.sqlite import keys
from interstore_backends.sqlite.database import SQLiteDatabase
from interstore_backends.sqlite.keys import quote_path, quote_text, stored_json, unescape_keys
from tests.engines.sqlite.support import Open, fill, ids, write

ODD = (
    "", '"', '""', "%", "%22", "%25", '%"', "'", "''", "\\", '\\"', "\\\\", "\n", "\t", "\x01",
    "\x7f", "$", "$.a", "a.b", "a[0]", "[0]", "0", "é", "e\u0301", "\u2028", "\uffff", "\U0001f600",
    "?", "?1", ":a", "@a", "--", "/*", ";", "/", "\x1f",
)  # fmt: skip

odd_keys = st.one_of(
    st.sampled_from(ODD),
    st.text(st.sampled_from("\"%'\\2a5.[]$\n\x02é"), max_size=6),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5),
)


def test_odd_keys_are_kept_and_addressed(database: SQLiteDatabase) -> None:
    fields = {key or "_": {key: {key: number}} for number, key in enumerate(ODD)}
    database.create("m", write("a", fields))
    assert database.find_by_id("m", "a") == {"id": "a", **fields}
    for number, key in enumerate(ODD):
        assert ids(database, {(key or "_", key, key): number}) == ["a"], key
        assert ids(database, {(key or "_", key, key): {"$ne": number}}) == [], key


@given(first=odd_keys, second=odd_keys, value=odd_keys)
def test_any_key(memories: list[SQLiteDatabase], first: str, second: str, value: str) -> None:
    fields = {"x": {first: {second: value}}, "y": [{first: value}]}
    prepared = write("a", fields)
    assert unescape_keys(json.loads(stored_json(prepared))) == fields
    for database in memories:
        database.put("m", prepared)
        assert database.find_by_id("m", "a") == {"id": "a", **fields}
        for path in (("x", first, second), ("y", 0, first)):
            assert len(list(database.find("m", Query(Eq(path, value))))) == 1


def test_files_travel_between_libraries(opened: Open) -> None:
    pytest.importorskip("pysqlite3")
    key = {'"%': 1, "\\": {"'": 2}}
    for writing, reading in (({}, {"driver": "pysqlite3"}), ({"driver": "pysqlite3"}, {})):
        writer = opened(**writing)
        writer.put("m", write("a", key))
        writer.disconnect()  # two libraries in one process do not see each other's locks
        reader = opened(**reading)
        assert ids(reader, {('"%',): 1, ("\\", "'"): 2}) == ["a"]
        assert reader.find_by_id("m", "a") == {"id": "a", **key}
        reader.disconnect()


def test_keys_are_looked_at_only_where_the_text_has_a_mark(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*arguments: Any) -> None:
        raise AssertionError("looked at keys")

    monkeypatch.setattr(keys, "_any_key", fail)
    assert stored_json(write("a", {"a": "b\\c", "é": [1.5]})) == '{"a":"b\\\\c","é":[1.5]}'
    with pytest.raises(AssertionError):
        stored_json(write("a", {"a": "100 %"}))


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_a_literal_is_its_text(memories: list[SQLiteDatabase], text: str) -> None:
    for database in memories:
        assert database.native.execute(f"SELECT {quote_text(text)}").fetchall() == [(text,)]


@given(st.lists(st.one_of(odd_keys, st.integers(0, 2**31 - 1)), min_size=1, max_size=4))
def test_a_path_is_one_literal(memories: list[SQLiteDatabase], path: list[Any]) -> None:
    for database in memories:
        found = database.native.execute(f"SELECT json_type('null',{quote_path(tuple(path))})")
        assert found.fetchall() == [(None,)]


def test_a_row_that_is_no_json_is_damage(database: SQLiteDatabase, variant: dict[str, Any]) -> None:
    fill(database, a={"n": 1})
    damaged = "x'ff'" if variant.get("jsonb") else "'{\"n\":'"
    database.native.execute(f"UPDATE m SET doc = {damaged}")
    for call in (lambda: database.find_by_id("m", "a"), lambda: ids(database, {"n": 1})):
        with pytest.raises(CorruptionError) as caught:
            call()
        assert caught.value.file == database.stats().details["file"]
        assert caught.value.model == "m"


def test_json_that_is_no_object_is_damage(
    database: SQLiteDatabase, variant: dict[str, Any]
) -> None:
    fill(database, a={"n": 1})
    array = "jsonb('[1]')" if variant.get("jsonb") else "'[1]'"
    database.native.execute(f"UPDATE m SET doc = {array}")
    with pytest.raises(CorruptionError):
        database.find_by_id("m", "a")


def test_values_may_hold_what_keys_are_escaped_with() -> None:
    fields = {"a": '100 % "x" %22 %25'}
    prepared = Write("a", fields, version=1, created="", updated="")
    assert json.loads(stored_json(prepared)) == fields
    assert unescape_keys(fields) == fields
