"""Conditional writes: declared and free of races, or refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from interstore.blobs._async.store import AsyncBlobStore
from interstore.blobs.blob import BlobInfo
from interstore.errors import ConflictError, DuplicateError, InvalidQueryError, UnsupportedError
from interstore.testing._async.blobs.contents import LARGE
from interstore.testing._async.blobs.suite import AsyncBlobSuite, keys_of
from interstore.testing._async.suite import at_once
from interstore.testing.checks import refuses, require

__all__ = ["AsyncBlobConditionSuite"]

WRITERS = 8


class AsyncBlobConditionSuite(AsyncBlobSuite):
    """`if_absent` and `if_match`."""

    async def test_if_absent(self, store: AsyncBlobStore, root: str) -> None:
        require(store, "if_absent")
        key = f"{root}a"
        await store.put(key, b"first", if_absent=True)
        for data in (b"second", LARGE):
            with refuses(DuplicateError, "if_absent of what is there") as duplicate:
                await store.put(key, data, if_absent=True)
            assert duplicate.error.id == key
            with refuses(DuplicateError, "if_absent of a stream"):
                await store.put(key, iter([data]), if_absent=True)
        with refuses(DuplicateError, "a copy onto what is there"):
            await store.copy(key, await _other(store, root), if_absent=True)
        assert await store.get(key) == b"first"
        await store.delete(key)
        await store.put(key, iter([LARGE]), if_absent=True)
        assert await keys_of(store, root) == ["a", "other"]

    async def test_if_match(self, store: AsyncBlobStore, root: str) -> None:
        require(store, "if_match")
        key = f"{root}a"
        first = await store.put(key, b"first")
        second = await store.put(key, b"second", if_match=first.etag)
        for data in (b"third", LARGE):
            with refuses(ConflictError, "if_match of an old etag") as conflict:
                await store.put(key, data, if_match=first.etag)
            assert conflict.error.id == key
            with refuses(ConflictError, "if_match of an old etag, streamed"):
                await store.put(key, iter([data]), if_match=first.etag)
        with refuses(ConflictError, "a delete of an old etag"):
            await store.delete(key, if_match=first.etag)
        assert await store.get(key) == b"second"
        stat = await store.stat(key)
        assert stat.etag == second.etag
        assert await store.delete(key, if_match=stat.etag)
        with refuses(ConflictError, "if_match of what is not there"):
            await store.put(key, b"x", if_match=second.etag)
        with refuses(ConflictError, "a delete of what is not there"):
            await store.delete(key, if_match=second.etag)
        assert await keys_of(store, root) == []

    async def test_of_many_if_absent_one_wins(self, store: AsyncBlobStore, root: str) -> None:
        require(store, "if_absent")
        for streamed in (False, True):
            key = f"{root}{streamed}"
            outcomes = await at_once(
                [
                    partial(_write, store, key, number, streamed=streamed, if_absent=True)
                    for number in range(WRITERS)
                ]
            )
            await _one_won(store, key, outcomes, DuplicateError)

    async def test_of_many_if_match_one_wins(self, store: AsyncBlobStore, root: str) -> None:
        require(store, "if_match")
        for streamed in (False, True):
            key = f"{root}{streamed}"
            etag = (await store.put(key, b"before")).etag
            outcomes = await at_once(
                [
                    partial(_write, store, key, number, streamed=streamed, if_match=etag)
                    for number in range(WRITERS)
                ]
            )
            await _one_won(store, key, outcomes, ConflictError)

    async def test_of_many_writers_the_last_is_there_whole(
        self, store: AsyncBlobStore, root: str
    ) -> None:
        key = f"{root}a"
        calls: list[Callable[[], Awaitable[BlobInfo]]] = [
            partial(_write, store, key, number, streamed=True) for number in range(WRITERS)
        ]
        await at_once(calls)
        data = await store.get(key)
        assert len(data) == 300_000
        assert len(set(data)) == 1, "two writes were mixed"
        assert await keys_of(store, root) == ["a"]

    async def test_conditions_that_are_not_declared(self, store: AsyncBlobStore, root: str) -> None:
        key = f"{root}a"
        etag = (await store.put(key, b"before")).etag
        if not store.capabilities.if_absent:
            with refuses(UnsupportedError, "if_absent (not declared)"):
                await store.put(f"{root}b", b"x", if_absent=True)
            with refuses(UnsupportedError, "copy with if_absent (not declared)"):
                await store.copy(key, f"{root}b", if_absent=True)
        if not store.capabilities.if_match:
            with refuses(UnsupportedError, "if_match (not declared)"):
                await store.put(key, b"x", if_match=etag)
            with refuses(UnsupportedError, "delete with if_match (not declared)"):
                await store.delete(key, if_match=etag)
        assert await store.get(key) == b"before"
        assert await keys_of(store, root) == ["a"]

    async def test_conditions_that_are_not_valid(self, store: AsyncBlobStore, root: str) -> None:
        with refuses(InvalidQueryError, "both conditions"):
            await store.put(f"{root}a", b"", if_absent=True, if_match="x")
        for wrong in ("", 5):
            with refuses(InvalidQueryError, f"if_match={wrong!r}"):
                await store.put(f"{root}a", b"", if_match=wrong)  # type: ignore[arg-type]


async def _other(store: AsyncBlobStore, root: str) -> str:
    key = f"{root}other"
    await store.put(key, b"other")
    return key


async def _write(
    store: AsyncBlobStore,
    key: str,
    number: int,
    *,
    streamed: bool,
    if_absent: bool = False,
    if_match: str | None = None,
) -> BlobInfo:
    data = bytes([number]) * 300_000
    source = iter([data[:200_000], data[200_000:]]) if streamed else data
    return await store.put(key, source, if_absent=if_absent, if_match=if_match)


async def _one_won(
    store: AsyncBlobStore, key: str, outcomes: Sequence[object], error: type[Exception]
) -> None:
    won = [number for number, outcome in enumerate(outcomes) if isinstance(outcome, BlobInfo)]
    assert len(won) == 1, f"{len(won)} writers won: {outcomes}"
    others = [outcome for outcome in outcomes if not isinstance(outcome, BlobInfo)]
    assert all(isinstance(outcome, error) for outcome in others), others
    assert set(await store.get(key)) == set(won)
