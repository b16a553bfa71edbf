"""Copying without decoding: what an engine hands on undecoded is what it would have decoded."""

from __future__ import annotations

import gc
import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from interstore import Store, connect
from interstore.collecting import collection_paused
from interstore.errors import CorruptionError, InvalidDocumentError
from interstore.migration import migrate, verify
from interstore.prepared import MAX_DOCUMENT_BYTES, Partition, ScanPage, StoredWrite, Write
from tests.migration.conftest import (
    ENGINES,
    ODD_IDS,
    SERVERS,
    MakeStore,
    contents,
    server_url,
    url_of,
)

ALL_ENGINES = [*ENGINES, *SERVERS]

ODD_FIELDS: list[dict[str, Any]] = [
    {},
    {"%": 1, "%25": {"a%b": [{"%22": 1}]}, "text": "100 %"},
    {'"': 1, 'a"b': {'"': ['"']}, "back\\slash": "\\", "quote": '"%"'},
    {"": 1, "$set": {"$inc": 1}, "a.b": {"c.d": 1}, "0": {"1": 2}, "deep": {"": {"": 0}}},
    {"_id": 1, "_interstore": {"version": 9}, "doc": {"id": 2}, "version": 7, "crc": "x"},
    {"large": [1e22, -1e22, 1.7976931348623157e308, 5e-324, 1e-7, 9007199254740993.0]},
    {"whole": [2**53 - 1, -(2**53 - 1), 2**31, -(2**31) - 1, 0, -1], "half": 0.5, "n": 1e15 + 0.5},
    {"text": "ß漢字😀\u2028\x7f\x01\n\t", "ключ": {"鍵": ["値", "1.0,", "2.0]"]}},
    {"none": None, "truth": [True, False], "empty": [[], {}, ""], "nested": [[[{"a": [1.5]}]]]},
    {"names": [f"name {number}" for number in range(300)]},
]
DOCUMENTS = [
    *({"id": f"d{number}", **fields} for number, fields in enumerate(ODD_FIELDS)),
    *({"id": id, "n": number} for number, id in enumerate(ODD_IDS)),
]


def fill(store: Store) -> None:
    store.create_many("odd", DOCUMENTS)
    store.create("odd", {"id": "expires"}, expires_at=datetime(2999, 1, 1, tzinfo=UTC))
    store.update("odd", "d3", {"again": 1.25})


def url(engine: str, folder: Path, name: str, request: pytest.FixtureRequest) -> str:
    return server_url(engine, request) if engine in SERVERS else url_of(engine, folder, name)


@pytest.fixture(params=ALL_ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with connect(url(request.param, tmp_path, "source", request)) as store:
        fill(store)
        yield store


def page_of(store: Store, limit: int = 1_000) -> ScanPage:
    return store.database.scan("odd", Partition(), None, limit)


def whole(write: Write) -> tuple[Any, ...]:
    return (
        write.id,
        write.fields,
        json.loads(write.json),
        write.version,
        write.created,
        write.updated,
        write.expires,
    )


def test_the_writes_of_a_page_are_its_documents(store: Store) -> None:
    expected = [whole(Write.of(document)) for document in page_of(store).documents]
    assert len(expected) == len(DOCUMENTS) + 1
    assert [whole(write) for write in page_of(store).writes] == expected
    json_first = page_of(store).writes
    assert [json.loads(write.json) for write in json_first] == [each[2] for each in expected]
    assert [whole(write) for write in json_first] == expected
    assert [write.take_fields() for write in page_of(store).writes] == [
        each[1] for each in expected
    ]


def test_numbers_are_spelled_as_if_they_had_been_decoded(store: Store) -> None:
    expected = {
        document.id: json.loads(Write.of(document).json, parse_float=str, parse_int=str)
        for document in page_of(store).documents
        if document.id.startswith("d")
    }
    spelled = {
        write.id: json.loads(write.json, parse_float=str, parse_int=str)
        for write in page_of(store).writes
        if write.id in expected
    }
    assert {id: values(each) for id, each in spelled.items()} == {
        id: values(each) for id, each in expected.items()
    }


def values(spelled: Any) -> Any:
    """With each number as the kind and value that it has wherever it is read."""
    if isinstance(spelled, dict):
        return {key: values(value) for key, value in spelled.items()}
    if isinstance(spelled, list):
        return [values(value) for value in spelled]
    try:
        return float(spelled), "." in spelled or "e" in spelled
    except (TypeError, ValueError):
        return spelled


def test_a_page_gives_both_forms_in_either_order(store: Store) -> None:
    expected = contents(store, "odd")
    for forms in (("documents", "writes"), ("writes", "documents")):
        page = page_of(store)
        for form in forms:
            assert len(getattr(page, form)) == len(expected)
        assert {write.id: dict(write.document()) for write in page.writes} == {
            document.id: dict(document) for document in page.documents
        }
        assert {
            each.id: (dict(each), each.version, each.created, each.updated)
            for each in page.documents
        } == expected


@pytest.mark.parametrize("limit", [1, 3])
def test_pages_that_are_not_decoded_go_on_after_their_last_document(
    store: Store, limit: int
) -> None:
    found: list[str] = []
    after: Any = None
    while True:
        page = store.database.scan("odd", Partition(), after, limit)
        found += [write.id for write in page.writes]
        if (after := page.next) is None:
            break
    assert sorted(found) == sorted(contents(store, "odd"))


def test_what_is_handed_on_can_be_written_again(store: Store) -> None:
    page = page_of(store)
    assert all(store.database.write_page("copy", page.writes, "upsert"))
    assert contents(store, "copy") == contents(store, "odd")
    again = page_of(store).writes
    store.database.put_many("anew", again)
    store.database.put_many("anew", again)
    assert {id: each[0] for id, each in contents(store, "anew").items()} == {
        id: each[0] for id, each in contents(store, "odd").items()
    }
    assert {each[1] for id, each in contents(store, "anew").items() if id != "d3"} == {2}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(one, other, marks=[pytest.mark.long] if one == other else [])
        for one, other in product(ALL_ENGINES, repeat=2)
    ],
)
def test_odd_documents_arrive_from_every_engine_at_every_engine(
    one: str, other: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if one == other and one in SERVERS:
        pytest.skip("one server gives a test one database; the test above writes within it")
    left, right = url(one, tmp_path, "left", request), url(other, tmp_path, "right", request)
    with (
        connect(left) as source,
        connect(right) as target,
    ):
        fill(source)
        for into in ("empty", "merge"):
            report = migrate(source, target, state=tmp_path / "state", into=into, level="full")
            assert report.ok, report
        assert contents(target, "odd") == contents(source, "odd")
        assert verify(source, target, level="full").ok


def test_lines_of_json_files_are_copied_as_they_are(tmp_path: Path) -> None:
    source, target = (url_of("json", tmp_path, name) for name in ("source", "target"))
    with connect(source) as store:
        fill(store)
    assert migrate(source, target, state=tmp_path / "state").ok
    lines = [
        {
            line
            for file in (tmp_path / name).glob("*.jsonl")
            for line in file.read_bytes().split(b"\n")
        }
        for name in ("source", "target")
    ]
    copied = {line for line in lines[1] if b'"id"' in line}
    assert len(copied) == len(DOCUMENTS) + 1
    assert copied < lines[0]
    with connect(target) as store:  # which looks at every checksum
        assert store.count("odd") == len(copied)


def test_text_that_is_no_json_is_not_handed_on(make_store: MakeStore, tmp_path: Path) -> None:
    source = make_store("sqlite", "source")
    fill(source)
    with sqlite3.connect(tmp_path / "source.db") as file:
        [(table,)] = file.execute("SELECT name FROM sqlite_master WHERE name LIKE '%odd'")
        file.execute("PRAGMA ignore_check_constraints = ON")
        file.execute(f"UPDATE \"{table}\" SET doc = '{{broken' WHERE id = 'd1'")
    page = page_of(source)
    with pytest.raises(CorruptionError):
        _ = page.writes
    with pytest.raises(CorruptionError):
        _ = page_of(source).documents


class Kept(StoredWrite[str]):
    __slots__ = ()

    @property
    def size(self) -> int:
        return len(self.stored)

    def _decoded(self) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(self.stored)
        return fields


def kept(stored: str) -> Kept:
    return Kept(stored, "a", 3, "2026-01-01T00:00:00.000000Z", "2026-01-02T00:00:00.000000Z", None)


def test_a_stored_write_is_decoded_when_it_is_asked_for() -> None:
    write = kept('{"n": 1}')
    assert write.take_fields() is not write.take_fields()
    assert write.fields is write.fields == {"n": 1}
    assert write.json == b'{"n":1}'
    assert dict(write.document()) == {"id": "a", "n": 1}
    assert write.document().version == 3
    assert write.with_fields({"m": 2}).json == b'{"m":2}'
    with pytest.raises(AttributeError, match="field"):
        _ = write.field  # type: ignore[attr-defined]


def test_what_is_too_large_is_refused_though_it_is_not_encoded() -> None:
    kept('{"n": 1}').check_size()
    kept(json.dumps({"text": "x" * (MAX_DOCUMENT_BYTES // 2)})).check_size()
    with pytest.raises(InvalidDocumentError, match="limit"):
        kept(json.dumps({"text": "x" * MAX_DOCUMENT_BYTES})).check_size()


def test_looking_for_garbage_is_paused_and_goes_on() -> None:
    assert gc.isenabled()
    with collection_paused():
        assert not gc.isenabled()
        with collection_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError), collection_paused():
        _ = 1 / 0
    assert gc.isenabled()
