"""Each operation of the engine, on each library and in each format."""

from typing import Any

import pytest

from interstore.errors import (
    ConfigurationError,
    ConflictError,
    DuplicateError,
    InvalidDocumentError,
    InvalidQueryError,
    NotFoundError,
    UnavailableError,
)
from interstore.filters.tree import ALL
from interstore.prepared import MAX_DOCUMENT_BYTES, Partition
from interstore_backends.sqlite.database import SQLiteDatabase
from tests.engines.sqlite.support import Open, changes, fill, ids, query, tree, write


def test_reads_of_an_unknown_model_create_nothing(database: SQLiteDatabase) -> None:
    assert database.find_by_id("m", "a") is None
    assert list(database.find("m", query())) == []
    assert database.find_by_ids("m", ["a"]) == []
    assert (database.count("m", ALL), database.exists("m", ALL)) == (0, False)
    assert database.scan("m", Partition(), None, 10).documents == []
    assert database.partitions("m", 4) == [Partition()]
    assert database.delete("m", "a") is False
    assert database.delete_many("m", ALL).deleted == 0
    assert database.update_many("m", ALL, changes({"a": 1})).updated == 0
    assert database.find_one_and_update("m", query(), changes({"a": 1})) is None
    with pytest.raises(NotFoundError):
        database.update("m", "a", changes({"a": 1}))
    assert database.create_many("m", []) == []
    assert database.models() == []
    assert database.drop("m") is False


def test_create_and_find(database: SQLiteDatabase) -> None:
    made = database.create("m", write("a", {"n": 1, "deep": {"list": [1, None, "x"]}}))
    found = database.find_by_id("m", "a")
    assert found == made == {"id": "a", "n": 1, "deep": {"list": [1, None, "x"]}}
    assert found is not None
    assert (found.version, found.created, found.updated) == (1, made.created, made.updated)
    with pytest.raises(DuplicateError, match="m has a document 'a' already") as caught:
        database.create("m", write("a"))
    assert (caught.value.backend, caught.value.id) == ("sqlite", "a")


def test_inline_reads_never_wait(database: SQLiteDatabase) -> None:
    database.create("m", write("a", {"n": 1}))
    assert database.find_by_id_inline("m", "a") == {"id": "a", "n": 1}
    assert database.find_by_id_inline("m", "b") is None
    with pytest.raises(BlockingIOError):
        database.find_by_id_inline("unknown", "a")


def test_update(database: SQLiteDatabase) -> None:
    made = database.create("m", write("a", {"n": 1, "list": []}))
    updated = database.update("m", "a", changes({"$inc": {"n": 0.5}, "$push": {"list": "x"}}))
    assert updated == {"id": "a", "n": 1.5, "list": ["x"]} == database.find_by_id("m", "a")
    assert (updated.version, updated.created) == (2, made.created)
    assert updated.updated > made.updated
    with pytest.raises(ConflictError) as caught:
        database.update("m", "a", changes({"n": 0}), if_version=1)
    assert (caught.value.expected, caught.value.found) == (1, 2)
    with pytest.raises(InvalidDocumentError, match="needs a number at 'list'"):
        database.update("m", "a", changes({"$inc": {"n": 1, "list": 1}}))
    assert database.update("m", "a", changes({})).version == 2
    found = database.find_by_id("m", "a")
    assert found is not None
    assert found.version == 2


def test_put(database: SQLiteDatabase) -> None:
    made = database.put("m", write("a", {"n": 1}))
    again = database.put("m", write("a", {"z": 2}))
    assert (again.version, again.created) == (2, made.created)
    assert database.find_by_id("m", "a") == again == {"id": "a", "z": 2}
    assert database.put("m", write("a"), if_version=2).version == 3
    with pytest.raises(ConflictError):
        database.put("m", write("a", {"lost": 1}), if_version=2)
    with pytest.raises(NotFoundError):
        database.put("m", write("b"), if_version=1)
    with pytest.raises(NotFoundError):
        database.put("unknown", write("b"), if_version=1)
    assert database.models() == ["m"]


def test_delete(database: SQLiteDatabase) -> None:
    fill(database, a={}, b={})
    with pytest.raises(ConflictError):
        database.delete("m", "a", if_version=2)
    with pytest.raises(NotFoundError):
        database.delete("m", "c", if_version=1)
    assert database.delete("m", "a", if_version=1) is True
    assert database.delete("m", "b") is True
    assert database.delete("m", "b") is False


def test_create_many_reports_each(database: SQLiteDatabase) -> None:
    fill(database, b={"old": 1})
    large = write("c", {"text": "x" * (MAX_DOCUMENT_BYTES + 1)})
    first, second, third, fourth = database.create_many(
        "m", [write("a"), write("b"), large, write("d")]
    )
    assert (first, fourth) == (1, 1)
    assert isinstance(second, DuplicateError)
    assert isinstance(third, InvalidDocumentError)
    assert ids(database, None) == ["a", "b", "d"]
    assert database.find_by_id("m", "b") == {"id": "b", "old": 1}


def test_put_many_reports_each(database: SQLiteDatabase) -> None:
    fill(database, b={"old": 1})
    database.update("m", "b", changes({"x": 1}))
    assert database.put_many("m", [write("a"), write("b", {"new": 1})]) == [1, 3]
    assert database.find_by_id("m", "b") == {"id": "b", "new": 1}


def test_write_page_keeps_the_envelope(database: SQLiteDatabase) -> None:
    assert database.write_page("m", [write("a", {"n": 1}, 5)], "upsert") == [5]
    pages = (write("a", {"n": 2}, 4), write("b", {"n": 2}, 7))
    assert database.write_page("m", pages, "insert_if_absent") == [0, 7]
    pages = (write("a", {"n": 3}, 5), write("b", {"n": 3}, 8))
    assert database.write_page("m", pages, "replace_if_newer") == [0, 8]
    assert database.write_page("m", [write("a", {"n": 4}, 2)], "upsert") == [2]
    assert [(each["n"], each.version) for each in database.find("m", query())] == [(4, 2), (3, 8)]


def test_update_many_reports_what_does_not_fit(database: SQLiteDatabase) -> None:
    fill(database, a={"n": 1}, b={"n": "text"}, c={"n": 2}, d={"other": 1})
    result = database.update_many("m", tree({"n": {"$exists": True}}), changes({"$inc": {"n": 1}}))
    assert (result.updated, result.failed) == (2, 1)
    assert [outcome.id for outcome in result.outcomes] == ["b"]
    assert [each.get("n") for each in database.find("m", query())] == [2, "text", 3, None]


def test_update_many_sees_each_document_once(database: SQLiteDatabase) -> None:
    database.create_many("m", [write(f"{n:04}", {"n": n}) for n in range(1_203)])
    result = database.update_many("m", tree({"n": {"$gte": 0}}), changes({"$inc": {"n": 1}}))
    assert result.updated == 1_203
    assert {each.version for each in database.find("m", query())} == {2}


def test_delete_many(database: SQLiteDatabase) -> None:
    fill(database, a={"n": 1}, b={"n": 2}, c={})
    assert database.delete_many("m", tree({"n": {"$gt": 1}})).deleted == 1
    assert database.delete_many("m", ALL).deleted == 2
    assert database.count("m", ALL) == 0


def test_find_one_and_update(database: SQLiteDatabase) -> None:
    fill(database, a={"n": 1}, b={"n": 3}, c={"n": 2})
    taken = database.find_one_and_update("m", query({"n": {"$gt": 1}}, "n"), changes({"n": 0}))
    assert taken == {"id": "c", "n": 0}
    assert database.find_by_id("m", "c") == {"id": "c", "n": 0}
    assert database.find_one_and_update("m", query({"n": 9}), changes({"n": 0})) is None


@pytest.mark.parametrize(("documents", "shares"), [(0, 1), (1, 1), (3, 3), (10, 4), (100, 7)])
def test_partitions_cover_all_ids(opened: Open, documents: int, shares: int) -> None:
    database = opened(path=":memory:")
    database.create_many("m", [write(f"{n:03}") for n in range(documents)])
    partitions = database.partitions("m", 7 if documents > 10 else 4)
    assert len(partitions) == shares
    assert (partitions[0].after, partitions[-1].until) == (None, None)
    sizes, seen = [], []
    for partition in partitions:
        size, token = 0, None
        while True:
            page = database.scan("m", partition, token, 5)
            seen += [each.id for each in page.documents]
            size += len(page.documents)
            if (token := page.next) is None:
                break
        sizes.append(size)
    assert seen == [f"{n:03}" for n in range(documents)]
    assert max(sizes) - min(sizes) <= 1


def test_models_and_drop(database: SQLiteDatabase) -> None:
    database.create("users", write("a"))
    database.create("Orders", write("a"))
    assert database.models() == ["Orders", "users"]
    with pytest.raises(InvalidQueryError, match="differs from the existing model 'users' in case"):
        database.create("Users", write("b"))
    assert database.find_by_id("Users", "a") is None
    assert database.drop("users") is True
    assert database.drop("users") is False
    assert database.find_by_id("users", "a") is None
    database.create("Users", write("b"))
    assert database.models() == ["Orders", "Users"]


@pytest.mark.parametrize(
    "model", ["select", "sqlite_master", "SQLite_x", "table", "a-b", "doc", "id", "e1", "x" * 48]
)
def test_every_name_of_a_model_works(database: SQLiteDatabase, model: str) -> None:
    database.create(model, write("a", {"n": 1}))
    assert database.update(model, "a", changes({"$inc": {"n": 1}})) == {"id": "a", "n": 2}
    assert [each.id for each in database.find(model, query({"n": {"$has": 1}}))] == []
    assert [each.id for each in database.find(model, query({"n": 2}))] == ["a"]
    assert database.models() == [model]
    assert database.drop(model) is True


@pytest.mark.parametrize(
    "id", ["'", '"; DROP TABLE m; --', "%", "é", "\U0001f600", "a/b", "?", "x" * 255]
)
def test_every_id_works(database: SQLiteDatabase, id: str) -> None:
    database.create("m", write(id, {"n": 1}))
    assert database.update("m", id, changes({"n": 2})).id == id
    assert [each.id for each in database.find_by_ids("m", [id, "other"])] == [id]
    assert ids(database, {"id": {"$in": [id]}}) == [id]
    assert database.delete("m", id) is True


def test_auto_create_off_names_the_models(opened: Open) -> None:
    opened().create("users", write("a"))
    database = opened(auto_create=False)
    database.create("users", write("b"))
    with pytest.raises(ConfigurationError, match=r"'user', .* off; the models that exist: users"):
        database.create("user", write("a"))


def test_stats_native_and_ping(database: SQLiteDatabase, variant: dict[str, Any]) -> None:
    fill(database, a={}, b={})
    figures = database.stats()
    assert figures.documents == figures.models["m"].documents == 2
    assert (figures.bytes or 0) >= 4096
    assert figures.details["driver"] == variant.get("driver", "sqlite3")
    assert database.native.execute("SELECT count(*) FROM m").fetchall() == [(2,)]
    database.ping()


def test_disconnect_twice_and_connect_again(database: SQLiteDatabase) -> None:
    fill(database, a={})
    database.disconnect()
    database.disconnect()
    for call in (database.ping, database.models, lambda: database.find_by_id("m", "a")):
        with pytest.raises(UnavailableError, match="not connected"):
            call()
    with pytest.raises(UnavailableError, match="not connected"):
        database.create("m", write("b"))
    database.connect()
    assert ids(database, None) == ["a"]


def test_memory_is_empty_after_reconnecting(memory: SQLiteDatabase) -> None:
    fill(memory, a={"n": 1})
    assert memory.find_by_id_inline("m", "a") == {"id": "a", "n": 1}
    assert ids(memory, {"n": 1}) == ["a"]
    memory.disconnect()
    memory.connect()
    assert memory.models() == []
