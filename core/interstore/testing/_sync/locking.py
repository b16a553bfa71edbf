# Generated from core/interstore/testing/_async/locking.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: d620b1c01922c43eecccc1f8

"""Optimistic locking, and many writers at the same time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from interstore._sync.database import Database
from interstore._sync.store import Store
from interstore.changes import Changes
from interstore.document import Document
from interstore.errors import ConflictError, DuplicateError, NotFoundError
from interstore.plugins._sync.wrapper import Wrapper
from interstore.testing._sync.suite import Suite, at_once, fill
from interstore.testing.checks import exact_all, refuses

__all__ = ["LockingSuite"]

WORKERS = 8
ROUNDS = 5


class Meanwhile(Wrapper):
    """Somebody else acts before the first update or delete; what is built on these is derived."""

    def __init__(self, database: Database, act: Callable[[], Any]) -> None:
        self.acts = [act]
        super().__init__(database)

    def connect(self) -> None:
        """The database is connected, and stays so."""

    def disconnect(self) -> None:
        pass

    def update(
        self, model: str, id: str, changes: Changes, *, if_version: int | None = None
    ) -> Document:
        if self.acts:
            self.acts.pop()()
        return self.inner.update(model, id, changes, if_version=if_version)

    def delete(
        self,
        model: str,
        id: str,
        *,
        if_version: int | None = None,
        if_created: str | None = None,
    ) -> bool:
        if self.acts:
            self.acts.pop()()
        return self.inner.delete(model, id, if_version=if_version, if_created=if_created)


class LockingSuite(Suite):
    """`if_version`, increments that none may lose, and races that one alone may win."""

    def test_if_version_lets_the_current_version_pass(self, store: Store, model: str) -> None:
        store.create(model, {"id": "ada", "n": 1})
        assert store.update(model, "ada", {"n": 2}, if_version=1).version == 2
        assert store.put(model, {"id": "ada", "n": 3}, if_version=2).version == 3
        assert store.update(model, "ada", {}, if_version=3).version == 3
        assert store.delete(model, "ada", if_version=3) is True
        assert store.find_by_id(model, "ada") is None

    def test_if_version_stops_any_other(self, store: Store, model: str) -> None:
        store.create(model, {"id": "ada", "n": 1})
        store.update(model, "ada", {"n": 2})
        before = exact_all([store.get(model, "ada")])
        for version in (1, 3, 2**31, 2**53 - 1):
            for name, call in _guarded(store, model, version).items():
                with refuses(ConflictError, f"{name} with if_version={version} at version 2"):
                    call()
        after = store.find_by_id(model, "ada")
        assert exact_all([after]) == before, "a refused write has changed the document"

    def test_a_conflict_names_both_versions(self, store: Store, model: str) -> None:
        store.create(model, {"id": "ada", "n": 1})
        store.update(model, "ada", {"n": 2})
        for name, call in _guarded(store, model, 1).items():
            with refuses(ConflictError, f"{name} with if_version=1 at version 2") as refusal:
                call()
            error = refusal.error
            assert (error.expected, error.found) == (1, 2), name
            assert (error.model, error.id) == (model, "ada"), name
            assert error.backend, name

    def test_if_version_of_what_does_not_exist(self, store: Store, model: str) -> None:
        store.create(model, {"id": "bob"})
        for name, call in _guarded(store, model, 1).items():
            with refuses(NotFoundError, f"{name} with if_version of an id that does not exist"):
                call()
        assert store.find_by_id(model, "ada") is None

    def test_a_deleted_and_created_document_is_another(self, store: Store, model: str) -> None:
        store.create(model, {"id": "ada"})
        store.update(model, "ada", {"n": 1})
        store.delete(model, "ada")
        store.create(model, {"id": "ada"})
        with refuses(ConflictError, "update with the version of the deleted document"):
            store.update(model, "ada", {"n": 2}, if_version=2)

    def test_no_increment_is_lost(self, store: Store, model: str) -> None:
        store.create(model, {"id": "counter", "n": 0, "log": []})

        def work(worker: int) -> None:
            for turn in range(ROUNDS):
                change = {"$inc": {"n": 1}, "$push": {"log": [worker, turn]}}
                store.update(model, "counter", change)

        assert at_once(_each(work)) == [None] * WORKERS
        counter = store.get(model, "counter")
        total = WORKERS * ROUNDS
        assert counter["n"] == total, f"{total - counter['n']} of {total} increments are lost"
        assert len(counter["log"]) == total, "an element pushed is lost"
        assert counter.version == 1 + total

    def test_no_increment_is_lost_under_optimistic_locking(self, store: Store, model: str) -> None:
        store.create(model, {"id": "counter", "n": 0})

        def work(worker: int) -> None:
            done = 0
            while done < ROUNDS:
                read = store.get(model, "counter")
                try:
                    store.update(model, "counter", {"n": read["n"] + 1}, if_version=read.version)
                except ConflictError:
                    continue
                done += 1

        assert at_once(_each(work)) == [None] * WORKERS
        counter = store.get(model, "counter")
        assert counter["n"] == WORKERS * ROUNDS
        assert counter.version == 1 + WORKERS * ROUNDS

    def test_a_document_made_anew_is_judged_anew(self, store: Store, model: str) -> None:
        changes = {"$set": {"state": "taken"}, "$inc": {"tries": 1}}

        def anew() -> None:
            """Another document, with the same id and version, that does not match."""
            store.delete(model, "ada")
            store.create(model, {"id": "ada", "state": "done", "tries": 7})

        for name in ("find_one_and_update", "update_many"):
            store.delete(model, "ada")
            store.create(model, {"id": "ada", "state": "new", "tries": 0})
            with Store(Meanwhile(store.database, anew)) as beside:
                call: Any = getattr(beside, name)
                result = call(model, {"state": "new"}, changes)
            assert result is None or result.updated == 0, f"{name} changed what does not match"
            found = store.get(model, "ada")
            assert (found["state"], found["tries"], found.version) == ("done", 7, 1), name

    def test_a_document_made_anew_is_not_deleted_for_the_one_before(
        self, store: Store, model: str
    ) -> None:
        def anew() -> None:
            """Another document, with the same id and version, that does not match."""
            store.delete(model, "ada")
            store.create(model, {"id": "ada", "state": "done"})

        for name in ("find_one_and_delete", "delete_many"):
            store.delete(model, "ada")
            store.create(model, {"id": "ada", "state": "new"})
            with Store(Meanwhile(store.database, anew)) as beside:
                result = getattr(beside, name)(model, {"state": "new"})
            assert result is None or result.deleted == 0, f"{name} deleted what does not match"
            found = store.get(model, "ada")
            assert (found["state"], found.version) == ("done", 1), name

    def test_one_of_equal_versions_wins(self, store: Store, model: str) -> None:
        store.create(model, {"id": "ada", "winner": None})
        for version in range(1, 4):

            def work(worker: int, version: int = version) -> Document:
                return store.update(model, "ada", {"winner": worker}, if_version=version)

            outcomes = at_once(_each(work))
            winners = [n for n, outcome in enumerate(outcomes) if isinstance(outcome, Document)]
            losers = [outcome for outcome in outcomes if isinstance(outcome, ConflictError)]
            assert len(winners) == 1, f"{len(winners)} writers with if_version={version} have won"
            assert len(losers) == WORKERS - 1
            document = store.get(model, "ada")
            assert (document["winner"], document.version) == (winners[0], version + 1)

    def test_one_of_equal_creations_wins(self, store: Store, model: str) -> None:
        def work(worker: int) -> Document:
            return store.create(model, {"id": "ada", "worker": worker})

        outcomes = at_once(_each(work))
        winners = [n for n, outcome in enumerate(outcomes) if isinstance(outcome, Document)]
        assert len(winners) == 1, f"{len(winners)} creations of one id have succeeded"
        losers = [outcome for outcome in outcomes if isinstance(outcome, DuplicateError)]
        assert len(losers) == WORKERS - 1, f"other errors than DuplicateError: {outcomes}"
        assert store.get(model, "ada")["worker"] == winners[0]

    def test_one_of_equal_deletions_wins(self, store: Store, model: str) -> None:
        store.create(model, {"id": "ada"})

        def work(worker: int) -> bool:
            return store.delete(model, "ada")

        assert sorted(at_once(_each(work)), key=str) == [False] * (WORKERS - 1) + [True]

    def test_puts_at_once_give_each_its_version(self, store: Store, model: str) -> None:
        def work(worker: int) -> int:
            return store.put(model, {"id": "ada", "worker": worker}).version

        versions = at_once(_each(work))
        assert sorted(versions, key=str) == list(range(1, WORKERS + 1))
        document = store.get(model, "ada")
        assert versions[document["worker"]] == document.version == WORKERS

    def test_every_job_is_taken_once(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": str(n), "state": "new"} for n in range(2 * WORKERS)])

        def work(worker: int) -> list[str]:
            taken = []
            for _ in range(3):
                job = store.find_one_and_update(
                    model, {"state": "new"}, {"state": "taken", "worker": worker}
                )
                if job is not None:
                    assert job["worker"] == worker, "got the document of another worker"
                    taken.append(job.id)
            return taken

        outcomes = at_once(_each(work))
        taken = [id for outcome in outcomes for id in _texts(outcome)]
        assert sorted(taken) == sorted(set(taken)), "a job was taken twice"
        assert len(taken) == 2 * WORKERS

    def test_every_document_is_deleted_once(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": str(n), "n": n % 3} for n in range(2 * WORKERS)])

        def work(worker: int) -> list[str]:
            found = [store.find_one_and_delete(model, {}, sort="-n") for _ in range(3)]
            return [document.id for document in found if document is not None]

        outcomes = at_once(_each(work))
        taken = [id for outcome in outcomes for id in _texts(outcome)]
        assert sorted(taken) == sorted(set(taken)), "a document was given to two"
        assert len(taken) == 2 * WORKERS, "None means that nothing matches"
        assert store.count(model) == 0

    def test_the_first_writes_to_a_model_at_once(self, store: Store, model: str) -> None:
        def work(worker: int) -> Document:
            return store.create(model, {"id": str(worker)})

        outcomes = at_once(_each(work))
        assert all(isinstance(outcome, Document) for outcome in outcomes), outcomes
        assert store.count(model) == WORKERS


def _each(work: Callable[[int], Any]) -> list[Callable[[], Any]]:
    return [partial(work, worker) for worker in range(WORKERS)]


def _guarded(store: Store, model: str, version: int) -> dict[str, Callable[[], object]]:
    return {
        "update": lambda: store.update(model, "ada", {"n": 9}, if_version=version),
        "update with $inc": lambda: store.update(
            model, "ada", {"$inc": {"n": 1}}, if_version=version
        ),
        "update with {}": lambda: store.update(model, "ada", {}, if_version=version),
        "put": lambda: store.put(model, {"id": "ada", "n": 9}, if_version=version),
        "delete": lambda: store.delete(model, "ada", if_version=version),
    }


def _texts(outcome: object) -> list[str]:
    assert isinstance(outcome, list), outcome
    return [str(item) for item in outcome]
