"""`Document`, errors and names: what they carry and what they survive."""

import copy
import multiprocessing
import pickle
from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import StrEnum
from uuid import UUID

import pytest

from interstore import errors
from interstore.bulk import BulkResult, Outcome
from interstore.document import Document
from interstore.errors import InvalidDocumentError, InvalidQueryError
from interstore.names import check_id, check_model, check_new_model, id_problem, new_id
from interstore.prepare import prepare_write
from interstore.times import format_time, now, parse_time

CREATED = "2026-01-01T00:00:00.000001Z"
UPDATED = "2026-01-02T00:00:00.000000Z"


def document() -> Document:
    return Document({"a": [1]}, id="x", version=2, created=CREATED, updated=UPDATED)


def test_a_document_is_a_dict_with_an_envelope() -> None:
    it = document()
    assert it == {"id": "x", "a": [1]}
    assert (it.id, it.version, it.partial, it.expires_at) == ("x", 2, False, None)
    assert it.created_at == datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
    assert it.updated_at == datetime(2026, 1, 2, tzinfo=UTC)
    assert it.fields() == {"a": [1]}


@pytest.mark.parametrize(
    "duplicate",
    [Document.copy, copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))],
)
def test_copies_keep_the_envelope(duplicate: Callable[[Document], Document]) -> None:
    it = document()
    twin = duplicate(it)
    assert twin is not it
    assert twin == it
    assert type(twin) is Document
    assert (twin.version, twin.created, twin.updated) == (2, CREATED, UPDATED)


def test_equality_and_union_are_those_of_fields() -> None:
    other = Document({"a": [1]}, id="x", version=9, created=UPDATED, updated=UPDATED)
    assert document() == other
    assert type(document() | {"b": 2}) is dict


def test_fields_are_never_attributes() -> None:
    it = Document({"title": 1, "version": "mine"}, id="x", version=1, created="", updated="")
    assert it.version == 1
    assert it["version"] == "mine"
    assert not hasattr(it, "title")


@pytest.mark.parametrize("name", [name for name in errors.__all__ if name != "BulkError"])
def test_errors_cross_processes(name: str) -> None:
    kind = getattr(errors, name)
    error = kind("words", backend="b", model="m", id="x")
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is kind
    assert (str(twin), twin.backend, twin.model, twin.id) == ("words", "b", "m", "x")
    assert twin.__dict__ == error.__dict__


def test_a_bulk_error_crosses_processes_with_its_result() -> None:
    failed = errors.DuplicateError("exists", id="x", index="email")
    result = BulkResult.of([Outcome.of("x", failed), Outcome.of("y", 1)])
    twin = pickle.loads(pickle.dumps(errors.BulkError("words", result=result)))
    assert (twin.result.created, twin.result.duplicates) == (1, 1)
    assert twin.result.outcomes[0].error.index == "email"


def test_all_errors_are_exported_and_of_one_tree() -> None:
    kinds = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    assert kinds == set(errors.__all__)
    assert all(issubclass(getattr(errors, name), errors.InterstoreError) for name in kinds)
    assert all(name in (errors.__doc__ or "") for name in kinds)


@pytest.mark.parametrize(
    ("id", "words"),
    [
        (None, "not a string"),
        (5, "is an int"),
        ("", "empty"),
        (" a", "space"),
        ("a\n", "space"),
        ("a\0b", "control"),
        ("a\x85b", "control"),
        ("\ud800", "surrogate"),
        ("x" * 256, "256 bytes"),
        ("ä" * 128, "256 bytes"),
    ],
)
def test_what_is_no_id(id: object, words: str) -> None:
    assert words in (id_problem(id) or "")
    with pytest.raises(InvalidQueryError, match=words):
        check_id(id, "m")


@pytest.mark.parametrize("id", ["a", "x" * 255, "a b", "/\\#?%'\"", "ä" * 127, "..", "null", "😀"])
def test_what_is_an_id(id: str) -> None:
    assert check_id(id, "m") == id


def test_uuids_and_kinds_of_text_are_ids() -> None:
    class Key(StrEnum):
        HOME = "home"

    assert check_id(UUID(int=1), "m") == "00000000-0000-0000-0000-000000000001"
    assert type(check_id(Key.HOME, "m")) is str
    assert prepare_write("m", {"id": UUID(int=1)}, now()).id == check_id(UUID(int=1), "m")
    for id in (b"a", 1, date(2026, 1, 1), None):
        with pytest.raises(InvalidDocumentError, match="not a string"):
            prepare_write("m", {"id": id}, now())


@pytest.mark.parametrize(
    "model",
    [None, "", "1a", "_a", "a.b", "a b", "a\n", "ä", "x" * 49, "a/b", "interstore", "Interstore_x"],
)
def test_what_is_no_model(model: object) -> None:
    with pytest.raises(InvalidQueryError, match="model name"):
        check_model(model)


def test_models_that_differ_in_case_only() -> None:
    check_new_model("users", ["users", "other"])
    with pytest.raises(InvalidQueryError, match=r"'Users' differs from .* 'users'"):
        check_new_model("Users", ["users"])


def test_new_ids_increase_and_are_uuids_of_version_7() -> None:
    ids = [new_id() for _ in range(10_000)]
    assert ids == sorted(set(ids))
    assert {id[14] for id in ids} == {"7"}
    assert {id[19] for id in ids} <= set("89ab")
    assert id_problem(ids[0]) is None


def _ids(count: int) -> list[str]:
    return [new_id() for _ in range(count)]


def test_new_ids_of_forked_processes_differ() -> None:
    new_id()
    with multiprocessing.get_context("fork").Pool(2) as pool:
        first, second = pool.map(_ids, [1000, 1000])
    assert not set(first) & set(second) & set(_ids(1000))
    assert len({*first, *second}) == 2000


def test_times_are_text_of_fixed_width() -> None:
    time = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert format_time(time) == "2026-01-02T03:04:05.000000Z"
    assert parse_time(format_time(time)) == time
    assert len(now()) == len(format_time(time))
    with pytest.raises(ValueError, match="time zone"):
        format_time(datetime(2026, 1, 2))  # noqa: DTZ001
