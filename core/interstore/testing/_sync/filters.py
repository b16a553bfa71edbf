# Generated from core/interstore/testing/_async/filters.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: d7608981703978f45eef83de

"""Every operator, literally, and filters on odd keys and values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from interstore._sync.store import Store
from interstore.filters.builder import field
from interstore.testing._sync.suite import Suite, fill
from interstore.testing.checks import ids
from interstore.testing.samples import ODD_KEYS, ODD_VALUES, show
from interstore.testing.truth import COLUMNS, CONDITIONS, DOCUMENTS, FILTERS, ROWS

__all__ = ["FilterSuite"]


class FilterSuite(Suite):
    """Which documents a filter matches."""

    def test_the_truth_table(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": name, **fields} for name, fields, _ in ROWS])
        for column, condition in enumerate(COLUMNS):
            truth = {name: bits.replace(" ", "")[column] == "1" for name, _, bits in ROWS}
            expected = [name for name, matches in truth.items() if matches]
            _check(store, model, {"a": condition}, expected)

    def test_every_condition(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": id, **fields} for id, fields in DOCUMENTS.items()])
        for condition, expected in CONDITIONS:
            _check(store, model, {"a": condition}, expected)

    def test_every_complement(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": id, **fields} for id, fields in DOCUMENTS.items()])
        for condition, matching in CONDITIONS:
            _check(store, model, {"$nor": [{"a": condition}]}, set(DOCUMENTS) - matching)

    def test_every_condition_below_an_object(self, store: Store, model: str) -> None:
        documents = [{"id": id, "o": {"p": fields}} for id, fields in DOCUMENTS.items()]
        fill(store, model, documents)
        for condition, expected in CONDITIONS:
            _check(store, model, {"o.p.a": condition}, expected)

    def test_every_condition_on_an_element(self, store: Store, model: str) -> None:
        documents = [{"id": id, "l": ["x", *fields.values()]} for id, fields in DOCUMENTS.items()]
        fill(store, model, documents)
        for condition, expected in CONDITIONS:
            _check(store, model, {"l[1]": condition}, expected)

    def test_whole_filters(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": id, **fields} for id, fields in DOCUMENTS.items()])
        for filter, expected in FILTERS:
            _check(store, model, filter, expected)

    def test_compiled_patterns_and_built_filters(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": id, **fields} for id, fields in DOCUMENTS.items()])
        _check(store, model, {"a": {"$regex": re.compile("^b$", re.IGNORECASE)}}, {"B", "b"})
        _check(store, model, field("a") > 1, {"1.5", "10", "big"})
        _check(store, model, (field("a") == 1) | (field("a") == "a"), {"1", "a"})
        _check(store, model, (field("a") > 0) & (field("a") < 10), {"1", "1.5"})

    def test_odd_keys(self, store: Store, model: str) -> None:
        documents: list[dict[str, Any]] = [
            {"id": f"{n}", key: n, "o": {key: {key: n}}} for n, key in enumerate(ODD_KEYS)
        ]
        fill(store, model, documents)
        for n, key in enumerate(ODD_KEYS):
            what = f"key {show(key)}"
            _check(store, model, {(key,): n}, [f"{n}"], what)
            _check(store, model, {("o", key, key): {"$gte": n}}, [f"{n}"], what)
            _check(store, model, {(key,): {"$exists": True}}, [f"{n}"], what)
            _check(store, model, {("o", key): {"$type": "object"}}, [f"{n}"], what)
            found = store.find(model, sort=[((key,), -1)], limit=1).to_list()
            assert ids(found) == [f"{n}"], f"sort by {what}"
            found = store.find(model, {"id": f"{n}"}, fields=[("o", key, key)]).to_list()
            assert found[0].fields() == {"o": {key: {key: n}}}, f"fields of {what}"

    def test_odd_values(self, store: Store, model: str) -> None:
        scalars = [value for value in ODD_VALUES if not isinstance(value, (list, dict))]
        documents = [{"id": f"{n}", "a": v, "l": [v, 1]} for n, v in enumerate(scalars)]
        fill(store, model, documents)
        everyone = {f"{n}" for n in range(len(scalars))}
        for n, value in enumerate(scalars):
            what = f"value {show(value)}"
            _check(store, model, {"a": value}, [f"{n}"], what)
            _check(store, model, {"a": {"$ne": value}}, everyone - {f"{n}"}, what)
            _check(store, model, {"a": {"$in": [value, "absent"]}}, [f"{n}"], what)
            _check(store, model, {"l": [value, 1]}, [f"{n}"], what)
            if type(value) is not int or value != 1:
                _check(store, model, {"l": {"$has": value}}, [f"{n}"], what)
            if isinstance(value, str) and value:
                exactly = {"$startsWith": value, "$endsWith": value, "$lte": value}
                found = store.find(model, {"a": exactly}).to_list()
                assert f"{n}" in ids(found), what
                pattern = re.escape(value)
                if len(pattern) <= 256:
                    _check(store, model, {"a": {"$regex": f"^{pattern}$"}}, [f"{n}"], what)

    def test_many_values(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": f"{n:03}", "n": n} for n in range(100)])
        wanted = {"$in": list(range(50, 10_050))}
        _check(store, model, {"n": wanted}, [f"{n:03}" for n in range(50, 100)])
        _check(store, model, {"n": {"$nin": wanted["$in"]}}, [f"{n:03}" for n in range(50)])
        terms = [{"n": n} for n in range(500)]
        _check(store, model, {"$or": terms[90:]}, [f"{n:03}" for n in range(90, 100)])

    def test_a_deep_filter(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": "a", "n": 1}, {"id": "b", "n": 2}])
        filter: dict[str, Any] = {"n": 1}
        for _ in range(14):
            filter = {"$nor": [filter]}
        _check(store, model, filter, ["a"])

    def test_deep_element_matches(self, store: Store, model: str) -> None:
        def wrapped(value: Any) -> Any:
            for _ in range(14):
                value = [value]
            return value

        def filter(value: Any) -> Any:
            condition: dict[str, Any] = {"$eq": value}
            for _ in range(14):
                condition = {"$elemMatch": condition}
            return {"v": condition}

        fill(store, model, [{"id": "a", "v": wrapped(1)}, {"id": "b", "v": wrapped(True)}])
        _check(store, model, filter(1), ["a"])
        _check(store, model, filter(True), ["b"])
        _check(store, model, {"$nor": [filter(True)]}, ["a"])

    def test_a_long_path(self, store: Store, model: str) -> None:
        value: Any = 1
        for _ in range(60):
            value = {"k": value}
        fill(store, model, [{"id": "a", "v": value}, {"id": "b", "v": {"k": 1}}])
        _check(store, model, {".".join(["v"] + ["k"] * 60): 1}, ["a"])

    def test_patterns_that_backtrack(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": "a", "s": "a" * 300}, {"id": "b", "s": "aab"}])
        _check(store, model, {"s": {"$regex": "^a*a*a*a*b$"}}, ["b"])
        _check(store, model, {"s": {"$regex": "^(a+)+b$"}}, ["b"])


def _check(store: Store, model: str, filter: Any, expected: Iterable[str], what: str = "") -> None:
    """Compare what a filter finds, counts and tells to exist with what it must."""
    wanted = sorted(expected)
    found = ids(store.find(model, filter).to_list())
    assert found == wanted, _difference(filter, found, wanted, what)
    assert store.count(model, filter) == len(wanted), f"count of {show(filter)} {what}"
    told = store.exists(model, filter)
    assert told is bool(wanted), f"exists {show(filter)} {what}"


def _difference(filter: Any, found: list[str], wanted: list[str], what: str) -> str:
    missing = [id for id in wanted if id not in found]
    wrong = [id for id in found if id not in wanted]
    return (
        f"filter {show(filter)} {what}: misses {missing}, finds wrongly {wrong}"
        if missing or wrong
        else f"filter {show(filter)} {what}: finds in the order {found}, which is not that of ids"
    )
