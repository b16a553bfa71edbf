"""`migrate` between every pair of engines, and what it refuses."""

from __future__ import annotations

import json
import os
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from interstore import Store, connect
from interstore.errors import (
    ConfigurationError,
    DuplicateError,
    InvalidQueryError,
    UnavailableError,
)
from interstore.migration import Limits, Progress, migrate_async, verify_async
from interstore.migration.locks import target_lock
from interstore.migration.references import place_of
from tests.migration.conftest import (
    ENGINES,
    ODD_IDS,
    MakeStore,
    Migrate,
    contents,
    fill,
    url_of,
)


@pytest.fixture
def source(make_store: MakeStore) -> Store:
    store = make_store("memory", "source")
    fill(store, "users", 2_345)
    store.create_many("odd", [{"id": id, "name": id} for id in ODD_IDS])
    store.create("empty", {"id": "x"})
    store.delete("empty", "x")
    return store


@pytest.mark.parametrize("to", ENGINES)
@pytest.mark.parametrize("of", ENGINES)
def test_every_document_arrives_with_its_envelope(
    of: str, to: str, make_store: MakeStore, run: Migrate
) -> None:
    source, target = make_store(of, "source"), make_store(to, "target")
    fill(source, "users", 1_234)
    source.create_many("odd", [{"id": id, "name": id} for id in ODD_IDS])
    report = run(source, target)
    assert (report.status, report.exit_code, report.ok) == ("done", 0, True)
    for model in ("users", "odd"):
        assert contents(target, model) == contents(source, model)
    assert report.totals.read == report.totals.written == 1_234 + len(ODD_IDS)
    assert report.totals.balanced
    assert report.verification is not None
    assert report.verification.compared == "id, fields, version and times"


@pytest.mark.parametrize("to", ENGINES)
def test_indexes_are_declared_on_the_target(to: str, make_store: MakeStore, run: Migrate) -> None:
    source, target = make_store("memory", "source"), make_store(to, "target")
    fill(source, "users", 100)
    source.create("tagged", {"id": "a", "tags": ["x"]})
    source.ensure_index("users", "n", type="number", unique=True)
    source.ensure_index("users", "n", "@created_at")
    source.ensure_index("tagged", "tags", type="string", list=True)
    report = run(source, target, map={"users": "people"})
    assert target.indexes("people") == source.indexes("users")
    assert target.indexes("tagged") == source.indexes("tagged")
    assert report.status == "done"
    assert "tagged has the source's indexes: index on tags (list, type=string)" in report.notes
    with pytest.raises(DuplicateError):
        target.create("people", {"n": 1})


def test_an_index_that_the_target_cannot_have_is_named(make_store: MakeStore, run: Migrate) -> None:
    source, target = make_store("memory", "source"), make_store("sqlite", "target")
    source.create("users", {"id": "a", "mail": "x"})
    source.ensure_index("users", "mail", unique=True)
    target.create("users", {"id": "b", "mail": "x"})
    report = run(source, target, into="merge")
    assert report.status == "done"
    assert target.indexes("users") == []
    [note] = [note for note in report.notes if "without" in note]
    assert note.startswith("users is without the index on mail (unique), which the source has: 2")


@pytest.mark.parametrize("level", ["count", "digest", "full"])
def test_the_report_is_written(
    source: Store, make_store: MakeStore, run: Migrate, level: str
) -> None:
    report = run(source, make_store("sqlite", "target"), level=level)
    folder = Path(report.folder)
    plain = json.loads((folder / "report.json").read_bytes())
    assert plain["ok"] is True
    assert plain["verification"]["level"] == level
    assert {model["source"] for model in plain["models"]} >= {"users", "odd"}
    text = (folder / "report.md").read_text()
    assert "| users | 2,345 | 2,345 | 0 | 0 | 0 |" in text
    assert "Verification: equal" in text


def test_models_are_chosen_and_renamed(source: Store, make_store: MakeStore, run: Migrate) -> None:
    target = make_store("sqlite", "target")
    report = run(source, target, models=["users"], map={"users": "people"})
    assert report.ok
    assert target.models() == ["people"]
    assert contents(target, "people") == contents(source, "users")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"models": ["user"]}, "no model 'user'; it has .*users"),
        ({"map": {"nope": "x"}}, "no model 'nope'"),
        ({"models": ["odd"], "map": {"users": "x"}}, "not to be moved"),
        ({"map": {"users": "odd"}}, "would both become 'odd'"),
        ({"executor": "magic:4"}, "write threads:N"),
        ({"executor": "threads:0"}, "write threads:N"),
        ({"resume": "nope"}, "no run 'nope'"),
        ({"resume": "../x"}, "no run"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    source: Store, make_store: MakeStore, run: Migrate, options: dict[str, Any], message: str
) -> None:
    target = make_store("sqlite", "target")
    with pytest.raises(ConfigurationError, match=message):
        run(source, target, **options)
    assert target.models() == []


def test_names_of_models_are_checked(source: Store, make_store: MakeStore, run: Migrate) -> None:
    with pytest.raises(InvalidQueryError, match="not valid"):
        run(source, make_store("sqlite", "target"), map={"users": "a b"})


@pytest.mark.parametrize("engine", ["json", "sqlite"])
def test_the_same_place_is_refused_however_it_is_spelled(
    engine: str, tmp_path: Path, run: Migrate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    url = url_of(engine, tmp_path, "place")
    with connect(url) as store:
        store.create("users", {"id": "a"})
        with pytest.raises(ConfigurationError, match="the same place"):
            run(store, store)
    with pytest.raises(ConfigurationError, match="the same place"):
        run(url, url.replace(str(tmp_path), "../" + tmp_path.name))


def test_a_source_without_models_is_refused(tmp_path: Path, run: Migrate) -> None:
    mistyped = url_of("json", tmp_path, "mistyped")
    with connect(mistyped) as store:
        store.create("dropped", {})
        store.drop("dropped")
    report = run(mistyped, url_of("json", tmp_path, "target"))
    assert (report.status, report.exit_code) == ("blocked", 5)
    [blocker] = report.blockers
    assert blocker.code == "empty-source"
    assert "mistyped has no models" in blocker.message
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_target_that_holds_data_is_refused(
    engine: str, source: Store, make_store: MakeStore, run: Migrate
) -> None:
    target = make_store(engine, "target")
    target.create("users", {"id": "mine"})
    report = run(source, target)
    assert (report.status, report.exit_code) == ("blocked", 5)
    assert [(blocker.code, blocker.model) for blocker in report.blockers] == [
        ("not-empty", "users")
    ]
    assert target.models() == ["users"]
    assert target.count("users") == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_merging_keeps_what_only_the_target_has(
    engine: str, source: Store, make_store: MakeStore, run: Migrate
) -> None:
    target = make_store(engine, "target")
    target.create("users", {"id": "mine"})
    target.create("users", {"id": "users-000001", "n": "old"})
    report = run(source, target, into="merge")
    assert report.ok
    assert target.get("users", "mine").version == 1
    expected = contents(source, "users")
    assert {id: item for id, item in contents(target, "users").items() if id != "mine"} == expected
    assert report.verification is not None
    users = next(model for model in report.verification.models if model.source == "users")
    assert (users.ok, users.kept) == (True, 1)


@pytest.mark.parametrize("engine", ENGINES)
def test_replacing_deletes_what_the_target_had(
    engine: str, source: Store, make_store: MakeStore, run: Migrate
) -> None:
    target = make_store(engine, "target")
    target.create("users", {"id": "mine"})
    target.create("other", {"id": "stays"})
    report = run(source, target, into="replace")
    assert report.ok
    assert contents(target, "users") == contents(source, "users")
    assert target.count("other") == 1


def test_a_plan_writes_nothing(
    source: Store, make_store: MakeStore, run: Migrate, tmp_path: Path
) -> None:
    target = make_store("json", "target")
    report = run(source, target, plan_only=True)
    assert (report.status, report.exit_code, report.run) == ("planned", 0, "")
    assert target.models() == []
    assert not (tmp_path / "state").exists()
    assert "users (2,345 documents)" in report.notes[0]


def test_versions_start_anew_if_that_is_wanted(
    source: Store, make_store: MakeStore, run: Migrate
) -> None:
    target = make_store("sqlite", "target")
    report = run(source, target, drop_versions=True)
    assert report.ok
    assert report.verification is not None
    assert report.verification.compared == "id and fields"
    assert source.get("users", "users-000000").version == 2
    assert target.get("users", "users-000000").version == 1
    assert dict(target.get("users", "users-000000")) == dict(source.get("users", "users-000000"))


def test_a_name_that_differs_in_case_only_is_refused(
    source: Store, make_store: MakeStore, run: Migrate
) -> None:
    target = make_store("json", "target")
    target.create("Users", {"id": "x"})
    report = run(source, target)
    assert [blocker.code for blocker in report.blockers] == ["model-name"]
    assert "--map users:NAME" in report.blockers[0].cure


def test_two_runs_to_one_target_at_once_are_refused(
    source: Store, make_store: MakeStore, run: Migrate
) -> None:
    target = make_store("sqlite", "target")
    lock = target_lock(place_of(target).identity)
    assert lock.acquire()
    report = run(source, target)
    assert (report.exit_code, [blocker.code for blocker in report.blockers]) == (5, ["busy"])
    assert target.models() == []
    lock.release()
    assert run(source, target).ok


@pytest.mark.parametrize("executor", ["threads:1", "threads:4", ThreadPoolExecutor(3)])
def test_any_number_of_threads_gives_the_same(
    source: Store, make_store: MakeStore, run: Migrate, executor: Any
) -> None:
    target = make_store("sqlite", "target")
    report = run(source, target, executor=executor, limits=Limits(page=50, bytes=5_000))
    assert report.ok
    assert contents(target, "users") == contents(source, "users")


def test_slices_run_in_other_processes(tmp_path: Path, run: Migrate, make_store: MakeStore) -> None:
    fill(make_store("json", "source"), "users", 1_000)
    urls = url_of("json", tmp_path, "source"), url_of("sqlite", tmp_path, "target")
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        report = run(*urls, executor=pool)
        assert report.ok
        assert report.totals.written == 1_000
        with pytest.raises(ConfigurationError, match="open store"):
            run(make_store("json", "source"), urls[1], executor=pool)
        with pytest.raises(ConfigurationError, match="this process only"):
            run("memory:", urls[1], executor=pool)


def test_a_dead_worker_stops_the_run_and_it_can_be_resumed(
    tmp_path: Path, run: Migrate, make_store: MakeStore
) -> None:
    fill(make_store("sqlite", "source"), "users", 100)
    urls = url_of("sqlite", tmp_path, "source"), url_of("sqlite", tmp_path, "target")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        with suppress(BrokenProcessPool):
            pool.submit(os._exit, 1).result()
        with pytest.raises(UnavailableError, match="a worker of the executor died") as caught:
            run(*urls, executor=pool)
    assert run(*urls, resume=caught.value.__notes__[0].rpartition(" ")[2]).ok


def test_progress_is_told(source: Store, make_store: MakeStore, run: Migrate) -> None:
    told: list[Progress] = []
    run(source, make_store("sqlite", "target"), progress=told.append)
    assert {progress.phase for progress in told} == {"check", "copy", "verify"} - {"check"}
    last = told[-1]
    assert last.done == last.total == 2 * (2_345 + len(ODD_IDS))


def test_an_async_store_is_refused_with_the_cure(make_store: MakeStore, run: Migrate) -> None:
    from interstore import connect_async

    with pytest.raises(ConfigurationError, match="AsyncStore"):
        run(connect_async("memory:"), make_store("sqlite", "target"))


async def test_migrating_does_not_block_the_event_loop(
    source: Store, make_store: MakeStore, tmp_path: Path
) -> None:
    target = make_store("sqlite", "target")
    report = await migrate_async(source, target, state=tmp_path / "state")
    assert report.ok
    assert (await verify_async(source, target)).ok


def test_pages_shrink_where_documents_are_large(
    make_store: MakeStore, run: Migrate, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = make_store("sqlite", "source"), make_store("sqlite", "target")
    source.create_many("big", [{"id": f"{n:03d}", "text": "x" * 500_000} for n in range(60)])
    sizes: list[int] = []
    scan = source.database.scan

    def counted(model: str, partition: Any, after: Any, limit: int) -> Any:
        sizes.append(limit)
        return scan(model, partition, after, limit)

    monkeypatch.setattr(source.database, "scan", counted)
    assert run(source, target).ok
    assert sizes[:3] == [20, 15, 20]
