"""Blobs and several processes: exactly one winner, no stale listing, writers that are killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.blobs.child import opened


class Child:
    """A process that does as it is told (`tests.blobs.child`)."""

    def __init__(self, url: str, *command: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.blobs.child", url, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def hear(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def order(self, *order: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def do(self, *order: Any) -> Any:
        self.order(*order)
        return self.hear()


@contextmanager
def child(url: str, *command: str) -> Generator[Child]:
    one = Child(url, *(command or ("obey",)))
    with one.process as process:
        try:
            if not command:
                assert one.hear() == "ready"
            yield one
        finally:
            process.kill()


@pytest.fixture(
    params=[
        "local",
        pytest.param("s3", marks=pytest.mark.long),
        pytest.param("azure", marks=pytest.mark.long),
    ]
)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "local":
        return f"local:{tmp_path / 'blobs'}"
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


def test_of_many_writers_one_wins(url: str, request: pytest.FixtureRequest) -> None:
    rounds = 30 if request.config.getoption("--long") else 10
    with ExitStack() as stack:
        children = [stack.enter_context(child(url)) for _ in range(4)]
        store = stack.enter_context(opened(url))
        for number in range(rounds):
            key = f"k{number}"
            winner, etag = _race(children, key, {"if_absent": True})
            assert store.get(key).decode() == winner
            for _ in range(2):
                winner, etag = _race(children, key, {"if_match": etag})
                assert store.get(key).decode() == winner
                assert store.stat(key).etag == etag


def _race(children: list[Child], key: str, condition: dict[str, Any]) -> tuple[str, str]:
    """What the one winner wrote, and its etag."""
    for number, one in enumerate(children):
        one.order("conditional", key, f"{number} {condition}", condition)
    etags = [one.hear() for one in children]
    [winner] = [number for number, etag in enumerate(etags) if etag is not None]
    return f"{winner} {condition}", etags[winner]


def test_listings_are_never_stale(url: str) -> None:
    """What one process did is what the other sees, at once."""
    with child(url) as other, opened(url) as store:
        for number in range(10):
            mine, theirs = f"a/{number}", f"a/{number}-other"
            assert other.do("list", "a/") == []
            assert not store.exists(theirs)
            store.put(mine, b"1")
            assert other.do("list", "a/") == [mine]
            assert other.do("put", theirs, "2")
            assert [entry.key for entry in store.list("a/")] == [mine, theirs]
            assert store.get(theirs) == b"2"
            assert other.do("delete", mine)
            assert [entry.key for entry in store.list("a/")] == [theirs]
            assert not store.exists(mine)
            assert store.delete(theirs)


def test_an_upload_that_is_killed_leaves_nothing_visible(url: str) -> None:
    with opened(url) as store:
        store.put("old", b"before")
        for key in ("old", "new/er"):
            with child(url, "upload", key) as one:
                while one.hear() < 40:  # MB: several parts have been sent
                    pass
                one.process.send_signal(signal.SIGKILL)
                one.process.wait()
    with opened(url) as store:
        assert [entry.key for entry in store.list()] == ["old"]
        assert store.get("old") == b"before"
        store.put("new/er", b"after")
        assert store.get("new/er") == b"after"
    if url.startswith("local:"):
        drafts = Path(url.removeprefix("local:")) / ".interstore/drafts"
        assert list(drafts.iterdir()) == []


@pytest.mark.long
def test_a_gigabyte_takes_no_memory(url: str) -> None:
    with child(url, "stream", "1024") as one:
        took = one.hear()
    assert took["written"] < 40, took
    assert took["read"] < 40, took


@pytest.mark.long
def test_ten_thousand_keys(url: str) -> None:
    names = [f"{'abc'[number % 3]}/{number:05}" for number in range(10_000)]
    with opened(url) as store:
        for name in names:
            store.put(name, b"")
        assert [entry.key for entry in store.list()] == sorted(names)
        page = store.page("b/", limit=7, after="b/05000")
        assert [entry.key for entry in page.entries] == sorted(
            name for name in names if name > "b/05000"
        )[:7]
        assert [entry.key for entry in store.list(delimiter="/")] == ["a/", "b/", "c/"]
        gone = 0
        for number, entry in enumerate(store.list()):  # what is removed meanwhile, and what is not
            if number % 2:
                gone += store.delete(entry.key)
        assert gone == 5_000
        assert store.delete_many(prefix="") == 5_000
        assert list(store.list()) == []
