# Generated from tests/_async/test_faults_watching.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: aea7021eadb0939ad5886195

"""Watching while servers are killed, hang and restart: errors in time, and nothing lost."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from functools import partial
from threading import Event

import pytest

from interstore._compat import sleep
from interstore._sync.store import Store
from interstore.watching import Change
from tests._sync.writers import FAULTS, Told, check_told, prepare, write_until
from tests.faults.served import Served
from tests.faults.together import together
from tests.patience import eventually, no_hang

WRITERS = [f"w{number}" for number in range(4)]

# The driver of MongoDB leaves sockets that were not connected to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def watch_until(done: Event, store: Store, model: str, since: str | None) -> list[Change]:
    """Everything that comes until nothing does any more, whatever goes wrong meanwhile."""
    seen: list[Change] = []
    with store.watch(model, since) as changes:
        while True:
            ending = done.is_set()
            try:
                change = changes.next(1.0 if ending else 0.2)
            except FAULTS:
                sleep(0.05)
                continue
            if change is not None:
                seen.append(change)
            elif ending:
                return seen


def test_killed_while_some_write_and_others_watch(served: Served) -> None:
    served.need_lasting_data()
    done, enough, writing = Event(), Event(), set(WRITERS)

    def act() -> None:
        for _ in range(2):
            time.sleep(0.4)
            served.process.kill()
            served.process.start()
        time.sleep(0.6)
        enough.set()

    def write(name: str) -> Told:
        try:
            return write_until(enough, store, name)
        finally:
            writing.remove(name)
            if not writing:
                done.set()

    with served.store(timeout=10.0) as store:
        prepare(store, WRITERS)
        watches = []
        for model in ("counters", "things"):
            store.enable_watch(model)
            since = store.watch(model).start()
            watches.append(partial(watch_until, done, store, model, since))
        calls = [partial(write, name) for name in WRITERS]
        *writers, counters, things = together(act, [*calls, *watches])
        check_told(store, writers)
        assert isinstance(counters, list)
        assert isinstance(things, list)
        stored = {document.id for document in store.find("things")} - {"first"}
        assert Counter(each.id for each in things) == dict.fromkeys(stored, 1)
        histories = defaultdict(list)
        for each in counters:
            histories[each.id].append(each.version)
        for id, versions in histories.items():
            last = store.get("counters", id).version
            assert versions == list(range(2, last + 1)), id


def test_a_server_that_hangs(served: Served) -> None:
    with served.store(timeout=1.0) as store:
        store.enable_watch("m")
        with store.watch("m") as changes:
            store.create("m", {"id": "a"})
            assert changes.next(10) is not None
            served.process.pause()
            with no_hang(), pytest.raises(FAULTS):
                changes.next(30)
            served.process.resume()
            eventually(lambda: store.put("m", {"id": "b"}))
            seen: list[str] = []

            def go_on() -> None:
                change = changes.next(20)
                assert change is not None
                seen.append(change.id)

            eventually(go_on)
            assert seen == ["b"]
