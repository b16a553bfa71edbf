# Generated from core/interstore/testing/_async/refusals.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 0897505bbced771a2fe354c3

"""Bad input to every operation: a typed error, and nothing written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interstore._sync.store import Store
from interstore.document import Document
from interstore.errors import InvalidDocumentError, InvalidQueryError, NotFoundError
from interstore.testing import samples
from interstore.testing._sync.suite import Suite, at_once, fill
from interstore.testing.checks import exact_all, refuses
from interstore.testing.samples import show

__all__ = ["RefusalSuite"]

Call = Callable[[Any], object]

# Some values are refused in the document, as what it says, and some as an id that it bears.
DOCUMENT_ERRORS = (InvalidDocumentError, InvalidQueryError)


class RefusalSuite(Suite):
    """What the door refuses, it refuses in every operation and on every engine alike."""

    def test_bad_models(self, store: Store, model: str) -> None:
        calls: dict[str, Call] = {
            "create": lambda bad: store.create(bad, {"id": "a"}),
            "put": lambda bad: store.put(bad, {"id": "a"}),
            "find_by_id": lambda bad: store.find_by_id(bad, "a"),
            "get": lambda bad: store.get(bad, "a"),
            "find_by_ids": lambda bad: store.find_by_ids(bad, ["a"]),
            "update": lambda bad: store.update(bad, "a", {"n": 1}),
            "delete": lambda bad: store.delete(bad, "a"),
            "find": lambda bad: store.find(bad).to_list(),
            "find_one": lambda bad: store.find_one(bad),
            "page": lambda bad: store.page(bad),
            "count": lambda bad: store.count(bad),
            "exists": lambda bad: store.exists(bad, {}),
            "aggregate": lambda bad: store.aggregate(bad, n="count"),
            "distinct": lambda bad: store.distinct(bad, "n"),
            "create_many": lambda bad: store.create_many(bad, [{"id": "a"}]),
            "put_many": lambda bad: store.put_many(bad, [{"id": "a"}]),
            "update_many": lambda bad: store.update_many(bad, {}, {"n": 1}),
            "delete_many": lambda bad: store.delete_many(bad, {}),
            "find_one_and_update": lambda bad: store.find_one_and_update(bad, {}, {"n": 1}),
            "find_one_and_delete": lambda bad: store.find_one_and_delete(bad),
            "drop": lambda bad: store.drop(bad),
        }
        _refused(calls, "model", samples.BAD_MODELS, InvalidQueryError)
        if store.capabilities.models:
            bad = [str(name) for name in samples.BAD_MODELS]
            assert not set(store.models()) & set(bad), "a refused model was created"

    def test_bad_ids(self, store: Store, model: str) -> None:
        before = fill(store, model, [{"id": "a", "n": 1}, {"id": "b"}])
        calls: dict[str, Call] = {
            "find_by_id": lambda bad: store.find_by_id(model, bad),
            "get": lambda bad: store.get(model, bad),
            "find_by_ids": lambda bad: store.find_by_ids(model, ["a", bad]),
            "update": lambda bad: store.update(model, bad, {"n": 1}),
            "delete": lambda bad: store.delete(model, bad),
            "create": lambda bad: store.create(model, {"id": bad, "n": 1}),
            "put": lambda bad: store.put(model, {"id": bad, "n": 1}),
        }
        reads = {name: call for name, call in calls.items() if name not in ("create", "put")}
        _refused(reads, "id", samples.BAD_IDS, InvalidQueryError)
        # Bytes are stored as text, so they are no bad id of a document.
        ids = [bad for bad in samples.BAD_IDS if not isinstance(bad, bytes)]
        writes = {name: calls[name] for name in ("create", "put")}
        _refused(writes, "id", ids, DOCUMENT_ERRORS)
        _unchanged(store, model, before)

    def test_no_list_of_ids(self, store: Store, model: str) -> None:
        calls: dict[str, Call] = {"find_by_ids": lambda bad: store.find_by_ids(model, bad)}
        _refused(calls, "ids", (None, "a", 1, True, object(), b"ab"), InvalidQueryError)

    def test_bad_values(self, store: Store, model: str) -> None:
        before = fill(store, model, [{"id": "a", "n": 1, "l": []}])
        calls: dict[str, Call] = {
            "create": lambda bad: store.create(model, {"id": "new", "v": bad}),
            "put": lambda bad: store.put(model, {"id": "a", "v": bad}),
            "put of a new one": lambda bad: store.put(model, {"id": "new", "v": bad}),
            "update": lambda bad: store.update(model, "a", {"v": bad}),
            "$set": lambda bad: store.update(model, "a", {"$set": {"v": bad}}),
            "$set below": lambda bad: store.update(model, "a", {"$set": {"o.p": bad}}),
            "$push": lambda bad: store.update(model, "a", {"$push": {"l": bad}}),
            "update_many": lambda bad: store.update_many(model, {}, {"v": bad}),
            "find_one_and_update": lambda bad: store.find_one_and_update(model, {}, {"v": bad}),
        }
        _refused(calls, "value", samples.BAD_VALUES, InvalidDocumentError)
        _unchanged(store, model, before)

    def test_a_refused_value_is_named_with_its_place(self, store: Store, model: str) -> None:
        for document, path in (
            ({"a": {"b": [0, float("nan")]}}, "a.b[1]"),
            ({"a": 2**53}, "a"),
            ({"list": [{"x": set()}]}, "list[0].x"),
        ):
            with refuses(InvalidDocumentError, f"create of {document}") as refusal:
                store.create(model, {"id": "new", **document})
            assert refusal.error.path == path
            assert path in str(refusal.error)
        assert store.count(model) == 0

    def test_bad_documents(self, store: Store, model: str) -> None:
        before = fill(store, model, [{"id": "a", "n": 1}])
        calls: dict[str, Call] = {
            "create": lambda bad: store.create(model, bad),
            "put": lambda bad: store.put(model, bad),
        }
        _refused(calls, "document", samples.BAD_DOCUMENTS, InvalidDocumentError)
        many: dict[str, Call] = {
            "create_many": lambda bad: store.create_many(model, bad),
            "put_many": lambda bad: store.put_many(model, bad),
        }
        bad_lists = (None, 1, True, "ab", b"ab", object())
        _refused(many, "list of documents", bad_lists, DOCUMENT_ERRORS)
        _unchanged(store, model, before)

    def test_a_document_that_is_too_long(self, store: Store, model: str) -> None:
        before = fill(store, model, [{"id": "a", "n": 1}])
        text = "x" * 2_000_000
        calls: dict[str, Call] = {
            "create": lambda bad: store.create(model, {"id": "new", "v": bad}),
            "put": lambda bad: store.put(model, {"id": "new", "v": bad}),
            "put over": lambda bad: store.put(model, {"id": "a", "v": bad}),
            "update": lambda bad: store.update(model, "a", {"v": bad}),
            "$push": lambda bad: store.update(model, "a", {"$push": {"v": bad}}),
        }
        lists = ["x" * 1_000] * 2_000
        _refused(calls, "document of 2 MB", (text, lists), InvalidDocumentError)
        many = store.create_many(model, [{"id": "new", "v": text}], on_error="report")
        assert [outcome.status for outcome in many.outcomes] == ["failed"]
        _unchanged(store, model, before)
        largest = {"id": "b", "v": "é" * 949_990}
        assert store.create(model, largest)["v"] == largest["v"]
        assert store.get(model, "b")["v"] == largest["v"]

    def test_bad_changes(self, store: Store, model: str) -> None:
        before = fill(store, model, [{"id": "a", "a": 1}])
        calls: dict[str, Call] = {
            "update": lambda bad: store.update(model, "a", bad),
            "update_many": lambda bad: store.update_many(model, {}, bad),
            "find_one_and_update": lambda bad: store.find_one_and_update(model, {}, bad),
        }
        _refused(calls, "changes", samples.BAD_CHANGES, InvalidDocumentError)
        _unchanged(store, model, before)

    def test_bad_versions(self, store: Store, model: str) -> None:
        before = fill(store, model, [{"id": "a", "n": 1}])
        calls: dict[str, Call] = {
            "update": lambda bad: store.update(model, "a", {"n": 2}, if_version=bad),
            "put": lambda bad: store.put(model, {"id": "a"}, if_version=bad),
            "delete": lambda bad: store.delete(model, "a", if_version=bad),
        }
        _refused(calls, "if_version", samples.BAD_VERSIONS, InvalidQueryError)
        _unchanged(store, model, before)

    def test_bad_filters(self, store: Store, model: str) -> None:
        before = fill(store, model, [{"id": "a", "a": 1}])
        calls: dict[str, Call] = {
            "find": lambda bad: store.find(model, bad).to_list(),
            "find_one": lambda bad: store.find_one(model, bad),
            "page": lambda bad: store.page(model, bad),
            "count": lambda bad: store.count(model, bad),
            "exists": lambda bad: store.exists(model, bad),
            "aggregate": lambda bad: store.aggregate(model, bad, n="count"),
            "distinct": lambda bad: store.distinct(model, "a", bad),
            "update_many": lambda bad: store.update_many(model, bad, {"n": 1}),
            "delete_many": lambda bad: store.delete_many(model, bad),
            "find_one_and_update": lambda bad: store.find_one_and_update(model, bad, {"n": 1}),
            "find_one_and_delete": lambda bad: store.find_one_and_delete(model, bad),
        }
        _refused(calls, "filter", samples.BAD_FILTERS, InvalidQueryError)
        _unchanged(store, model, before)

    def test_an_unknown_operator_names_the_nearest(self, store: Store, model: str) -> None:
        names = {"$gtee": "$gte", "$startswith": "$startsWith", "$nim": "$nin"}
        for written, nearest in names.items():
            with refuses(InvalidQueryError, f"the operator {written}") as refusal:
                store.count(model, {"a": {written: 1}})
            assert written in str(refusal.error)
            assert nearest in str(refusal.error)

    def test_bad_sorts_limits_and_fields(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": "a", "a": 1}])
        sorts: dict[str, Call] = {
            "find": lambda bad: store.find(model, sort=bad).to_list(),
            "find_one": lambda bad: store.find_one(model, sort=bad),
            "page": lambda bad: store.page(model, sort=bad),
            "find_one_and_update": lambda bad: store.find_one_and_update(
                model, {}, {"n": 1}, sort=bad
            ),
            "find_one_and_delete": lambda bad: store.find_one_and_delete(model, {}, sort=bad),
        }
        _refused(sorts, "sort", samples.BAD_SORTS, InvalidQueryError)
        limits: dict[str, Call] = {
            "find": lambda bad: store.find(model, limit=bad).to_list(),
            "page": lambda bad: store.page(model, limit=bad),
        }
        _refused(limits, "limit", samples.BAD_LIMITS, InvalidQueryError)
        skips: dict[str, Call] = {
            "find": lambda bad: store.find(model, skip=bad).to_list(),
            "find_one": lambda bad: store.find_one(model, skip=bad),
        }
        _refused(skips, "skip", samples.BAD_SKIPS, InvalidQueryError)
        fields: dict[str, Call] = {
            "find": lambda bad: store.find(model, fields=bad).to_list(),
            "find_one": lambda bad: store.find_one(model, fields=bad),
            "page": lambda bad: store.page(model, fields=bad),
        }
        _refused(fields, "fields", samples.BAD_FIELDS, InvalidQueryError)
        assert store.get(model, "a").version == 1

    def test_bad_aggregates(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": "a", "a": 1}])
        figures: dict[str, Call] = {
            "aggregate": lambda bad: store.aggregate(model, n=bad),
        }
        kinds: tuple[Any, ...] = (
            None,
            1,
            "sums",
            "sum",
            ("sum",),
            ("median", "a"),
            ("sum", 1),
            ("sum", ""),
            [],
            {},
        )
        _refused(figures, "figure", kinds, InvalidQueryError)
        groups: dict[str, Call] = {
            "aggregate": lambda bad: store.aggregate(model, group_by=bad, n="count"),
            "distinct": lambda bad: store.distinct(model, bad or ""),
        }
        _refused(groups, "path", (1, "", "a..b", b"a", object()), InvalidQueryError)

    def test_on_error_of_another_kind(self, store: Store, model: str) -> None:
        before = fill(store, model, [{"id": "a"}])
        calls: dict[str, Call] = {
            "create_many": lambda bad: store.create_many(model, [{"id": "b"}], on_error=bad),
            "put_many": lambda bad: store.put_many(model, [{"id": "b"}], on_error=bad),
            "update_many": lambda bad: store.update_many(model, {}, {"n": 1}, on_error=bad),
            "delete_many": lambda bad: store.delete_many(model, {}, on_error=bad),
        }
        _refused(calls, "on_error", (None, "ignore", True, 1, []), InvalidQueryError)
        _unchanged(store, model, before)

    def test_refusals_at_once(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": "a", "s": "x"}])
        calls = [
            lambda: store.update(model, "a", {"$inc": {"s": 1}}),
            lambda: store.update(model, "missing", {"n": 1}),
            lambda: store.update(model, "a", {"n": 1}),
        ] * 4
        outcomes = at_once(calls)
        kinds = (InvalidDocumentError, NotFoundError, Document)
        for kind, outcome in zip(kinds * 4, outcomes, strict=True):
            assert isinstance(outcome, kind), f"one call's error reached another: {outcome!r}"


def _refused(calls: dict[str, Call], what: str, bad: Any, errors: Any) -> None:
    for value in bad:
        for name, call in calls.items():
            with refuses(errors, f"{name} with the {what} {show(value)}"):
                call(value)


def _unchanged(store: Store, model: str, before: list[Document]) -> None:
    after = store.find(model).to_list()
    assert exact_all(after) == exact_all(before), "a refused call has written"
