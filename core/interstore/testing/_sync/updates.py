# Generated from core/interstore/testing/_async/updates.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 28afe29f9f502dd11cb3cac2

"""The language of changes: every operator, and what it does where the types do not fit."""

from __future__ import annotations

from typing import Any

from interstore._sync.store import Store
from interstore.errors import InvalidDocumentError
from interstore.testing._sync.suite import Suite
from interstore.testing.checks import exact, exact_all, refuses
from interstore.testing.samples import ODD_KEYS, show

__all__ = ["UpdateSuite"]

START: dict[str, Any] = {
    "n": 1,
    "f": 0.1,
    "s": "x",
    "t": True,
    "z": None,
    "l": [1, {"k": 1}],
    "o": {"p": {"q": 1}, "n": 5, "l": []},
}

# Changes, and what they make of START: fields that differ, `...` for one that is gone.
CHANGES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"n": 2}, {"n": 2}),
    ({"n": None, "new": {"a": [1]}}, {"n": None, "new": {"a": [1]}}),
    ({"o": {}}, {"o": {}}),
    ({"$set": {"n": 2}}, {"n": 2}),
    ({"$set": {"n": 1.0}}, {"n": 1}),
    ({"$set": {"z": "now", "s": None}}, {"z": "now", "s": None}),
    ({"$set": {"o.n": 6}}, {"o": {"p": {"q": 1}, "n": 6, "l": []}}),
    ({"$set": {"o.p.q": {"r": 1}}}, {"o": {"p": {"q": {"r": 1}}, "n": 5, "l": []}}),
    ({"$set": {"o.new.er.est": 1}}, {"o": {**START["o"], "new": {"er": {"est": 1}}}}),
    ({"$set": {"new.er": [], "new.est": {}}}, {"new": {"er": [], "est": {}}}),
    ({"$set": {("o", "a.b", ""): 1}}, {"o": {**START["o"], "a.b": {"": 1}}}),
    ({"$set": {"l": []}}, {"l": []}),
    ({"$unset": ["n", "z"]}, {"n": ..., "z": ...}),
    ({"$unset": {"o.p.q": True}}, {"o": {"p": {}, "n": 5, "l": []}}),
    ({"$unset": ["o.p"]}, {"o": {"n": 5, "l": []}}),
    ({"$unset": ["nothing", "o.nothing", "none.at.all"]}, {}),
    ({"$unset": ["n.below", "s.below", "z.below", "l.k", "l.0"]}, {}),
    ({"$inc": {"n": 1}}, {"n": 2}),
    ({"$inc": {"n": -1}}, {"n": 0}),
    ({"$inc": {"n": 0.5}}, {"n": 1.5}),
    ({"$inc": {"f": 0.2}}, {"f": 0.30000000000000004}),
    ({"$inc": {"f": 0.9}}, {"f": 1}),
    ({"$inc": {"o.n": 2**40}}, {"o": {**START["o"], "n": 5 + 2**40}}),
    ({"$inc": {"new": 3, "o.new": -2.5}}, {"new": 3, "o": {**START["o"], "new": -2.5}}),
    ({"$inc": {"a.b.c": 1}}, {"a": {"b": {"c": 1}}}),
    ({"$push": {"l": 2}}, {"l": [1, {"k": 1}, 2]}),
    ({"$push": {"l": [2, 3]}}, {"l": [1, {"k": 1}, [2, 3]]}),
    ({"$push": {"o.l": {"a": None}}}, {"o": {**START["o"], "l": [{"a": None}]}}),
    ({"$push": {"new": None, "a.b": 1}}, {"new": [None], "a": {"b": [1]}}),
    (
        {"$set": {"s": "y"}, "$unset": ["z"], "$inc": {"n": 1}, "$push": {"l": 3}},
        {"s": "y", "z": ..., "n": 2, "l": [1, {"k": 1}, 3]},
    ),
    (
        {"$set": {"o.a": 1}, "$unset": ["o.p"], "$inc": {"o.n": 1}, "$push": {"o.l": 1}},
        {"o": {"a": 1, "n": 6, "l": [1]}},
    ),
]

# Changes that do not fit START, and the path at which they do not.
MISFITS: list[tuple[dict[str, Any], str]] = [
    ({"$set": {"n.x": 1}}, "n"),
    ({"$set": {"s.x": 1}}, "s"),
    ({"$set": {"z.x": 1}}, "z"),
    ({"$set": {"l.x": 1}}, "l"),
    ({"$set": {"l.0": 1}}, "l"),
    ({"$set": {"o.n.x.y": 1}}, "o.n"),
    ({"$inc": {"s": 1}}, "s"),
    ({"$inc": {"t": 1}}, "t"),
    ({"$inc": {"z": 1}}, "z"),
    ({"$inc": {"l": 1}}, "l"),
    ({"$inc": {"o": 1}}, "o"),
    ({"$inc": {"o.p": 1}}, "o.p"),
    ({"$inc": {"s.x": 1}}, "s"),
    ({"$inc": {"n": 2**53 - 1}}, "n"),
    ({"$inc": {"o.n": -(2**53) + 1, "n": 2**53 - 1}}, "n"),
    ({"$push": {"n": 1}}, "n"),
    ({"$push": {"z": 1}}, "z"),
    ({"$push": {"s": 1}}, "s"),
    ({"$push": {"o": 1}}, "o"),
    ({"$push": {"o.n.x": 1}}, "o.n"),
    ({"$set": {"new": 1}, "$inc": {"s": 1}}, "s"),
    ({"$unset": ["n"], "$push": {"s": 1}}, "s"),
]


class UpdateSuite(Suite):
    """What `update` makes of a document."""

    def test_every_change(self, store: Store, model: str) -> None:
        for number, (changes, differing) in enumerate(CHANGES):
            id = f"d{number}"
            store.create(model, {"id": id, **START})
            updated = store.update(model, id, changes)
            merged = {"id": id, **START, **differing}
            expected = {key: value for key, value in merged.items() if value is not ...}
            assert exact(updated) == exact(expected), f"returned by update with {changes}"
            assert updated.version == 2, f"version after {changes}"
            stored = store.get(model, id)
            assert exact(stored) == exact(expected), f"stored by update with {changes}"
            assert stored.version == 2

    def test_every_misfit(self, store: Store, model: str) -> None:
        before = store.create(model, {"id": "a", **START})
        for changes, path in MISFITS:
            with refuses(InvalidDocumentError, f"update with {changes}") as refusal:
                store.update(model, "a", changes)
            error = refusal.error
            assert error.path == path, f"the path that {changes} does not fit"
            assert (error.model, error.id) == (model, "a")
            after = store.get(model, "a")
            assert exact_all([after]) == exact_all([before]), f"{changes} was written in part"

    def test_the_same_through_every_way(self, store: Store, model: str) -> None:
        for number, (changes, differing) in enumerate(CHANGES):
            store.create(model, {"id": f"many{number}", "round": number, **START})
            store.create(model, {"id": f"one{number}", "round": -number - 1, **START})
            store.update_many(model, {"round": number}, changes)
            store.find_one_and_update(model, {"round": -number - 1}, changes)
            merged = {**START, **differing}
            expected = {key: value for key, value in merged.items() if value is not ...}
            for way in ("many", "one"):
                stored = store.get(model, f"{way}{number}").fields()
                del stored["round"]
                assert exact(stored) == exact(expected), f"{way} with {changes}"

    def test_odd_keys(self, store: Store, model: str) -> None:
        store.create(model, {"id": "a", "o": {}})
        for key in ODD_KEYS:
            changes: dict[str, Any] = {"$set": {("o", key, key): 1}}
            store.update(model, "a", changes)
            changes = {"$inc": {("o", key, key): 1}, "$push": {("o", key, "l"): key}}
            updated = store.update(model, "a", changes)
            expected = {key: 2, "l": [key]} if key != "l" else updated["o"][key]
            assert exact(updated["o"][key]) == exact(expected), f"key {show(key)}"
        stored = store.get(model, "a")
        assert sorted(stored["o"]) == sorted(ODD_KEYS)
        store.update(model, "a", {"$unset": [("o", key) for key in ODD_KEYS]})
        assert store.get(model, "a")["o"] == {}

    def test_odd_keys_at_the_root(self, store: Store, model: str) -> None:
        store.create(model, {"id": "a"})
        store.update(model, "a", {"$set": {(key,): key for key in ODD_KEYS}})
        assert store.get(model, "a").fields() == {key: key for key in ODD_KEYS}
        store.update(model, "a", {"$unset": [(key,) for key in ODD_KEYS]})
        assert store.get(model, "a").fields() == {}

    def test_a_document_may_not_grow_beyond_the_limits(self, store: Store, model: str) -> None:
        text = "x" * 100_000
        store.create(model, {"id": "a", "l": [text] * 18})
        with refuses(InvalidDocumentError, "a document that grows beyond 1,900,000 bytes"):
            store.update(model, "a", {"$push": {"l": text}})
        assert store.get(model, "a").version == 1
        with refuses(InvalidDocumentError, "a $set that grows it beyond"):
            store.update(model, "a", {"$set": {"t": text}})
        assert store.get(model, "a").version == 1
