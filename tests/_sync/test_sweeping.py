# Generated from tests/_async/test_sweeping.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: b9a185e2580b0893f872f369

"""Sweeps in the background: they come again after faults, and end with the store."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from interstore._compat import sleep
from interstore._sync.database import Database
from interstore._sync.store import Store
from interstore.errors import ConfigurationError, UnavailableError, UnsupportedError
from tests.databases import memory
from tests.tiny import tiny

PAST = datetime(2001, 1, 1, tzinfo=UTC)


class _Counting(Store):
    swept = 0
    failing = 0

    def sweep(self, model: str | None = None, **bounds: Any) -> Any:
        if model is None:
            self.swept += 1
            if self.failing > 0:
                self.failing -= 1
                raise UnavailableError("not now", backend="memory")
        return super().sweep(model, **bounds)


def test_sweeps_come_again_after_faults_and_end_with_the_store(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = _Counting(memory())
    store.failing = 2
    store.sweep_in_background(0.01)
    with caplog.at_level(logging.WARNING, "interstore.sweep"):
        with store:
            store.create("m", {"id": "a"}, expires_at=PAST)
            for _ in range(300):
                if store.swept > 4:
                    break
                sleep(0.01)
            assert store.swept > 4
            assert store.sweep("m").removed == 0  # one of them has done it
    assert caplog.text.count("not now") == 2
    ended = store.swept
    sleep(0.1)
    assert store.swept == ended


@pytest.mark.parametrize("every", [0, -1, True, "60", float("nan")])
def test_what_is_no_time_between_sweeps(every: Any) -> None:
    with pytest.raises(ConfigurationError, match="sweep_every"):
        Store(memory()).sweep_in_background(every)


def test_where_nothing_expires() -> None:
    database: Database = tiny()
    with pytest.raises(UnsupportedError, match="ttl"):
        Store(database).sweep_in_background(60)
