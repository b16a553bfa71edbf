# Generated from core/interstore/testing/_async/blobs/conditions.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 3f25ce5bd5fe5652f5788870

"""Conditional writes: declared and free of races, or refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from interstore.blobs._sync.store import BlobStore
from interstore.blobs.blob import BlobInfo
from interstore.errors import ConflictError, DuplicateError, InvalidQueryError, UnsupportedError
from interstore.testing._sync.blobs.contents import LARGE
from interstore.testing._sync.blobs.suite import BlobSuite, keys_of
from interstore.testing._sync.suite import at_once
from interstore.testing.checks import refuses, require

__all__ = ["BlobConditionSuite"]

WRITERS = 8


class BlobConditionSuite(BlobSuite):
    """`if_absent` and `if_match`."""

    def test_if_absent(self, store: BlobStore, root: str) -> None:
        require(store, "if_absent")
        key = f"{root}a"
        store.put(key, b"first", if_absent=True)
        for data in (b"second", LARGE):
            with refuses(DuplicateError, "if_absent of what is there") as duplicate:
                store.put(key, data, if_absent=True)
            assert duplicate.error.id == key
            with refuses(DuplicateError, "if_absent of a stream"):
                store.put(key, iter([data]), if_absent=True)
        with refuses(DuplicateError, "a copy onto what is there"):
            store.copy(key, _other(store, root), if_absent=True)
        assert store.get(key) == b"first"
        store.delete(key)
        store.put(key, iter([LARGE]), if_absent=True)
        assert keys_of(store, root) == ["a", "other"]

    def test_if_match(self, store: BlobStore, root: str) -> None:
        require(store, "if_match")
        key = f"{root}a"
        first = store.put(key, b"first")
        second = store.put(key, b"second", if_match=first.etag)
        for data in (b"third", LARGE):
            with refuses(ConflictError, "if_match of an old etag") as conflict:
                store.put(key, data, if_match=first.etag)
            assert conflict.error.id == key
            with refuses(ConflictError, "if_match of an old etag, streamed"):
                store.put(key, iter([data]), if_match=first.etag)
        with refuses(ConflictError, "a delete of an old etag"):
            store.delete(key, if_match=first.etag)
        assert store.get(key) == b"second"
        stat = store.stat(key)
        assert stat.etag == second.etag
        assert store.delete(key, if_match=stat.etag)
        with refuses(ConflictError, "if_match of what is not there"):
            store.put(key, b"x", if_match=second.etag)
        with refuses(ConflictError, "a delete of what is not there"):
            store.delete(key, if_match=second.etag)
        assert keys_of(store, root) == []

    def test_of_many_if_absent_one_wins(self, store: BlobStore, root: str) -> None:
        require(store, "if_absent")
        for streamed in (False, True):
            key = f"{root}{streamed}"
            outcomes = at_once(
                [
                    partial(_write, store, key, number, streamed=streamed, if_absent=True)
                    for number in range(WRITERS)
                ]
            )
            _one_won(store, key, outcomes, DuplicateError)

    def test_of_many_if_match_one_wins(self, store: BlobStore, root: str) -> None:
        require(store, "if_match")
        for streamed in (False, True):
            key = f"{root}{streamed}"
            etag = store.put(key, b"before").etag
            outcomes = at_once(
                [
                    partial(_write, store, key, number, streamed=streamed, if_match=etag)
                    for number in range(WRITERS)
                ]
            )
            _one_won(store, key, outcomes, ConflictError)

    def test_of_many_writers_the_last_is_there_whole(self, store: BlobStore, root: str) -> None:
        key = f"{root}a"
        calls: list[Callable[[], BlobInfo]] = [
            partial(_write, store, key, number, streamed=True) for number in range(WRITERS)
        ]
        at_once(calls)
        data = store.get(key)
        assert len(data) == 300_000
        assert len(set(data)) == 1, "two writes were mixed"
        assert keys_of(store, root) == ["a"]

    def test_conditions_that_are_not_declared(self, store: BlobStore, root: str) -> None:
        key = f"{root}a"
        etag = store.put(key, b"before").etag
        if not store.capabilities.if_absent:
            with refuses(UnsupportedError, "if_absent (not declared)"):
                store.put(f"{root}b", b"x", if_absent=True)
            with refuses(UnsupportedError, "copy with if_absent (not declared)"):
                store.copy(key, f"{root}b", if_absent=True)
        if not store.capabilities.if_match:
            with refuses(UnsupportedError, "if_match (not declared)"):
                store.put(key, b"x", if_match=etag)
            with refuses(UnsupportedError, "delete with if_match (not declared)"):
                store.delete(key, if_match=etag)
        assert store.get(key) == b"before"
        assert keys_of(store, root) == ["a"]

    def test_conditions_that_are_not_valid(self, store: BlobStore, root: str) -> None:
        with refuses(InvalidQueryError, "both conditions"):
            store.put(f"{root}a", b"", if_absent=True, if_match="x")
        for wrong in ("", 5):
            with refuses(InvalidQueryError, f"if_match={wrong!r}"):
                store.put(f"{root}a", b"", if_match=wrong)  # type: ignore[arg-type]


def _other(store: BlobStore, root: str) -> str:
    key = f"{root}other"
    store.put(key, b"other")
    return key


def _write(
    store: BlobStore,
    key: str,
    number: int,
    *,
    streamed: bool,
    if_absent: bool = False,
    if_match: str | None = None,
) -> BlobInfo:
    data = bytes([number]) * 300_000
    source = iter([data[:200_000], data[200_000:]]) if streamed else data
    return store.put(key, source, if_absent=if_absent, if_match=if_match)


def _one_won(
    store: BlobStore, key: str, outcomes: Sequence[object], error: type[Exception]
) -> None:
    won = [number for number, outcome in enumerate(outcomes) if isinstance(outcome, BlobInfo)]
    assert len(won) == 1, f"{len(won)} writers won: {outcomes}"
    others = [outcome for outcome in outcomes if not isinstance(outcome, BlobInfo)]
    assert all(isinstance(outcome, error) for outcome in others), others
    assert set(store.get(key)) == set(won)
