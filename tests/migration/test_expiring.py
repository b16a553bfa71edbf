"""Documents that expire while they are moved and compared."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest

from interstore import Store
from interstore.migration import verify
from interstore.migration.plan import Level
from tests.migration.conftest import ENGINES, MakeStore, Migrate

LIVES = 1.5


def wait_for(moment: datetime) -> None:
    time.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()) + 0.01)


def fill(store: Store, soon: datetime) -> None:
    store.create_many("users", [{"id": f"short{n:03}"} for n in range(50)], expires_at=soon)
    later = soon + timedelta(days=1)
    store.create_many("users", [{"id": f"long{n:03}"} for n in range(50)], expires_at=later)
    store.create_many("users", [{"id": f"ever{n:03}"} for n in range(50)])


def late(call: Callable[..., Any], moment: datetime) -> Callable[..., Any]:
    """The call, when the moment has come."""

    def called(*arguments: Any) -> Any:
        wait_for(moment)
        return call(*arguments)

    return called


@pytest.mark.parametrize("engine", ENGINES)
def test_expiry_is_copied(engine: str, make_store: MakeStore, run: Migrate) -> None:
    source, target = make_store("memory", "left"), make_store(engine, "right")
    soon = datetime.now(UTC) + timedelta(seconds=LIVES)
    fill(source, soon)
    report = run(source, target)
    assert (report.status, report.ok, report.totals.written) == ("done", True, 150)
    expiries = {each.id: each.expires_at for each in target.find("users")}
    assert expiries == {each.id: each.expires_at for each in source.find("users")}
    wait_for(soon)
    assert target.count("users") == 100
    for level in ("count", "digest", "full"):
        assert verify(source, target, level=level).ok
    target.delete("users", "long007")
    assert verify(source, target).exit_code == 3


@pytest.mark.parametrize("level", ["count", "digest", "full"])
@pytest.mark.parametrize("slow", ["source", "target"])
def test_what_expires_between_two_looks_is_no_difference(
    slow: str, level: Level, make_store: MakeStore, run: Migrate
) -> None:
    """One side is read before it expires, the other after."""
    source, target = make_store("memory", "left"), make_store("sqlite", "right")
    soon = datetime.now(UTC) + timedelta(seconds=LIVES)
    fill(source, soon)
    assert run(source, target).ok
    assert datetime.now(UTC) < soon, "the machine is too slow for this test"
    database = (source if slow == "source" else target).database
    looks = {"count": "count", "digest": "scan", "full": "find_by_ids"}[level]
    with patch.object(database, looks, late(getattr(database, looks), soon)):
        found = verify(source, target, level=level)
    assert datetime.now(UTC) > soon
    assert found.ok, found.to_markdown()
