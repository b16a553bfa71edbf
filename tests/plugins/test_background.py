"""What is done again and again, as long as a store is open."""

from __future__ import annotations

import asyncio
import logging
import threading

import pytest

from interstore.errors import UnavailableError
from interstore.plugins import AsyncBackground, Background
from tests.patience import eventually


def test_a_thread_goes_on_after_errors_and_tells_each_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interstore._sync.background._PAUSE", 0.001)
    calls = 0

    def work() -> float:
        nonlocal calls
        calls += 1
        if calls < 4:
            raise UnavailableError("the server is away")
        if calls == 4:
            raise ZeroDivisionError
        return 0.001

    background = Background(work, "the test's work", "interstore.test")
    with caplog.at_level(logging.WARNING, "interstore.test"):
        background.start()
        eventually(lambda: check(calls))
        background.stop()
    ended = calls
    assert [record.message for record in caplog.records] == [
        "the test's work: the server is away",
        "the test's work failed",
    ]
    assert all(each.name != "the test's work" for each in threading.enumerate())
    background.start()  # once more
    eventually(lambda: check(calls - ended))
    background.stop()


def check(calls: int) -> None:
    assert calls > 6


async def test_a_task_ends_where_it_is() -> None:
    begun = asyncio.Event()

    async def work() -> float:
        begun.set()
        await asyncio.sleep(60)
        return 0.0

    background = AsyncBackground(work, "the test's work", "interstore.test")
    background.start()
    await begun.wait()
    await background.stop()
    await background.stop()
    assert len(asyncio.all_tasks()) == 1
