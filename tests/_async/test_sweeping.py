"""Sweeps in the background: they come again after faults, and end with the store."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from interstore._async.database import AsyncDatabase
from interstore._async.store import AsyncStore
from interstore._compat_async import ASYNC, sleep
from interstore.errors import ConfigurationError, UnavailableError, UnsupportedError
from tests.databases import memory_async
from tests.tiny import tiny_async

if ASYNC:
    pytestmark = pytest.mark.asyncio

PAST = datetime(2001, 1, 1, tzinfo=UTC)


class _Counting(AsyncStore):
    swept = 0
    failing = 0

    async def sweep(self, model: str | None = None, **bounds: Any) -> Any:
        if model is None:
            self.swept += 1
            if self.failing > 0:
                self.failing -= 1
                raise UnavailableError("not now", backend="memory")
        return await super().sweep(model, **bounds)


async def test_sweeps_come_again_after_faults_and_end_with_the_store(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = _Counting(memory_async())
    store.failing = 2
    store.sweep_in_background(0.01)
    with caplog.at_level(logging.WARNING, "interstore.sweep"):
        async with store:
            await store.create("m", {"id": "a"}, expires_at=PAST)
            for _ in range(300):
                if store.swept > 4:
                    break
                await sleep(0.01)
            assert store.swept > 4
            assert (await store.sweep("m")).removed == 0  # one of them has done it
    assert caplog.text.count("not now") == 2
    ended = store.swept
    await sleep(0.1)
    assert store.swept == ended


@pytest.mark.parametrize("every", [0, -1, True, "60", float("nan")])
async def test_what_is_no_time_between_sweeps(every: Any) -> None:
    with pytest.raises(ConfigurationError, match="sweep_every"):
        AsyncStore(memory_async()).sweep_in_background(every)


async def test_where_nothing_expires() -> None:
    database: AsyncDatabase = tiny_async()
    with pytest.raises(UnsupportedError, match="ttl"):
        AsyncStore(database).sweep_in_background(60)
