"""Bulk calls beyond the kit: documents whose envelopes differ, and rows in many chunks."""

from __future__ import annotations

import gc

import pytest

from interstore.bulk import WriteOutcome
from interstore.errors import DuplicateError
from interstore.prepared import Write
from interstore_backends.postgresql import bulk
from interstore_backends.postgresql._sync.database import PostgreSQLDatabase
from tests.engines.postgresql.support import query, write


def at(id: str, time: str, expires: str | None = None, version: int = 1) -> Write:
    fields = {"at": time}
    return Write(id, fields, version=version, created=time, updated=time, expires=expires)


T3 = "2099-01-01T00:00:00.000002Z"
T1, T2 = "2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:00.000001Z"
WRITES = [at("b", T1), at("a", T1), at("c", T2), at("d", T2, expires=T3), at('e"\\', T1)]


def test_each_keeps_its_own_times(database: PostgreSQLDatabase) -> None:
    assert database.create_many("m", WRITES) == [1] * 5
    found = {each.id: each for each in database.find("m", query())}
    assert list(found) == sorted(found)
    for each in WRITES:
        document = found[each.id]
        assert document.fields() == each.fields
        assert (document.created, document.updated) == (each.created, each.updated)
        assert document.expires == each.expires
    assert database.put_many("m", WRITES) == [2] * 5
    assert [type(each) for each in database.create_many("m", WRITES)] == [DuplicateError] * 5


def test_batches_of_documents_that_are_alike() -> None:
    outcomes: list[WriteOutcome] = []
    batches = list(bulk.batches(WRITES, outcomes, alike=True))
    assert [batch.places for batch in batches] == [[0, 1], [2], [3], [4]]
    assert outcomes == [1] * 5
    assert len(list(bulk.batches(WRITES, [], alike=False))) == 1


def test_numbers_of_others_in_one_of_many_chunks(database: PostgreSQLDatabase) -> None:
    """Whether texts may be decoded at once is decided chunk by chunk."""
    database.create_many("m", [write(f"{n:04}", {"n": n}) for n in range(1200)])
    with database.native.connection() as connection:
        connection.execute("""UPDATE m SET doc = '{"n": 1.0, "m": 1e22}' WHERE id = '0700'""")
    found = list(database.find("m", query()))
    assert [each["n"] for each in found] == [1 if n == 700 else n for n in range(1200)]
    assert type(found[700]["n"]) is int
    assert found[700]["m"] == 1e22


@pytest.mark.parametrize("collecting", [True, False])
def test_garbage_collection_is_as_before(database: PostgreSQLDatabase, collecting: bool) -> None:
    """It rests while many documents are read."""
    database.create_many("m", [write(f"{n:04}") for n in range(600)])
    try:
        if not collecting:
            gc.disable()
        assert len(list(database.find("m", query()))) == 600
        assert gc.isenabled() == collecting
    finally:
        gc.enable()
