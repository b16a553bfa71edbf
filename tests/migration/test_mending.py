"""Quarantine that is retried, and differences that are written again."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from interstore import Store, connect
from interstore.errors import ConfigurationError, InterstoreError, UnsupportedError
from interstore.migration import (
    Limits,
    Transform,
    migrate_async,
    resync,
    resync_async,
    resync_run,
    resync_run_async,
    retry_quarantine,
    retry_quarantine_async,
    verify,
)
from interstore.migration.journal import replay
from interstore.migration.quarantine import Quarantine
from tests.migration.conftest import INTERSTORE, MakeStore, Migrate, contents, fill
from tests.migration.test_quarantine import Picky

COUNT = 700


@pytest.fixture
def source(make_store: MakeStore) -> Store:
    store = make_store("sqlite", "source")
    fill(store, "users", COUNT)
    return store


def test_what_is_mended_leaves_quarantine(source: Store, run: Migrate, tmp_path: Path) -> None:
    engine = Picky()
    engine.refuse = {f"users-{n:06}" for n in range(0, COUNT, 100)}
    with connect(database=engine) as target:
        first = run(source, target)
        assert (first.status, first.totals.quarantined) == ("quarantine", 7)
        engine.refuse = {"users-000100"}
        source.update("users", "users-000200", {"mended": True})
        source.delete("users", "users-000300")
        options: dict[str, Any] = {"source": source, "target": target, "state": tmp_path / "state"}
        second = retry_quarantine(first.run, **options)
        assert (second.status, second.exit_code) == ("quarantine", 2)
        assert second.totals.balanced
        assert (second.totals.read, second.totals.quarantined) == (COUNT - 1, 1)
        assert "5 written, 1 no longer in the source, 1 refused again" in second.notes[0]
        quarantine = Quarantine(Path(first.folder))
        assert [item.id for item in quarantine.read("users")] == ["users-000100"]
        engine.refuse = set()
        third = retry_quarantine(first.run, **options)
        assert (third.status, third.exit_code, third.sessions) == ("done", 0, 3)
        assert third.totals.written == COUNT - 1
        assert third.verification is not None
        assert third.verification.ok
        assert not quarantine.file("users").exists()
        assert contents(target, "users") == contents(source, "users")
        again = retry_quarantine(first.run, **options)
        assert (again.status, again.totals.written) == ("done", COUNT - 1)


def test_a_transform_that_is_mended_is_retried(
    source: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code = (
        "def change(model, document):\n    return {**document, 'half': 10 / (document['n'] - %d)}\n"
    )
    Path("halves.py").write_text(code % 7)

    def command(*arguments: str) -> Any:
        found = subprocess.run(
            [INTERSTORE, *arguments], check=False, capture_output=True, text=True
        )
        assert found.stdout, found.stderr
        return json.loads(found.stdout)

    url = f"sqlite:{tmp_path / 'source.db'}"
    first = command("migrate", url, "sqlite:target.db", "--transform", "halves:change")
    assert (first["status"], first["models"][0]["totals"]["quarantined"]) == ("quarantine", 1)
    Path("halves.py").write_text(
        "def change(model, document):\n"
        "    n = document['n'] - 7\n"
        "    return {**document, 'half': 10 / n if n else 0}\n"
    )
    second = command("migrate", "retry-quarantine", first["run"])
    assert (second["status"], second["exit_code"]) == ("done", 0)
    assert command("migrate", "verify", first["run"])["status"] == "done"


def test_a_run_that_has_not_come_to_its_end_is_resumed_first(
    source: Store, run: Migrate, tmp_path: Path
) -> None:
    engine = Picky()
    engine.fail_at = "users-000400"
    with connect(database=engine) as target:
        with pytest.raises(InterstoreError) as caught:
            run(source, target, limits=Limits(attempts=1))
        name = caught.value.__notes__[0].rpartition(" ")[2]
        engine.fail_at = None
        folder = tmp_path / "state" / name
        before = [(folder / file).read_bytes() for file in ("journal.jsonl", "report.json")]
        with pytest.raises(ConfigurationError, match="resume it first"):
            retry_quarantine(name, source=source, target=target, state=tmp_path / "state")
        # It was no session of the run, and its report is what it was.
        assert before == [(folder / file).read_bytes() for file in ("journal.jsonl", "report.json")]


def test_only_the_documents_that_differ_are_written_again(
    source: Store, make_store: MakeStore, run: Migrate, tmp_path: Path
) -> None:
    target = make_store("json", "target")
    first = run(source, target)
    target.delete("users", "users-000001")
    target.update("users", "users-000002", {"n": -1})
    target.create("users", {"id": "mine"})
    untouched = target.get("users", "users-000003").updated
    options: dict[str, Any] = {"source": source, "target": target, "state": tmp_path / "state"}
    second = resync_run(first.run, **options)
    assert (second.status, second.exit_code) == ("mismatch", 3)
    assert (
        "2 documents were written again; 1 that only the target has were left" in (second.notes[0])
    )
    assert "1 documents are in the target that the source no longer has" in second.notes[1]
    third = resync_run(first.run, delete_extra=True, **options)
    assert third.ok
    assert contents(target, "users") == contents(source, "users")
    assert target.get("users", "users-000003").updated == untouched
    events = [
        (entry["written"], entry["deleted"])
        for entry in replay(Path(first.folder) / "journal.jsonl").entries
        if entry["event"] == "resynced"
    ]
    assert events == [(2, 0), (0, 1)]


def test_with_other_ids_the_documents_are_found_by_those_of_the_source(
    source: Store, make_store: MakeStore
) -> None:
    target = make_store("sqlite", "target")
    made = Transform(rename={"id": "old"}, id_from="n", where={"n": {"$lt": 50}})
    target.create("users", {"id": "7", "wrong": True})
    target.create("users", {"id": "extra"})
    done = resync(source, target, transform=made)
    assert (done.ok, done.exit_code) == (False, 3)
    assert [(each.written, each.left) for each in done.models] == [(50, 1)]
    assert target.get("users", "7")["old"] == "users-000007"
    assert resync(source, target, transform=made, delete_extra=True).ok
    assert target.count("users") == 50
    assert verify(source, target, transform=made).ok


def test_two_stores_are_made_equal(source: Store, make_store: MakeStore) -> None:
    target = make_store("json", "target")
    done = resync(source, target)
    assert done.ok
    assert done.models[0].written == COUNT
    assert contents(target, "users") == contents(source, "users")
    assert resync(source, target).models == []
    with pytest.raises(ConfigurationError, match="the same place"):
        resync(source, source)


def test_what_the_target_refuses_is_told(source: Store) -> None:
    engine = Picky()
    engine.refuse = {"users-000003"}
    with connect(database=engine) as target:
        done = resync(source, target)
        assert not done.ok
        assert [item.id for item in done.models[0].refused] == ["users-000003"]
        assert "no room for it" in done.models[0].sentence


def test_archives_and_files_are_not_written_to(source: Store, tmp_path: Path, run: Migrate) -> None:
    archive = f"archive:{tmp_path / 'backup'}"
    report = run(source, archive)
    with pytest.raises(UnsupportedError, match="does not change"):
        resync(source, archive)
    with pytest.raises(UnsupportedError, match="does not change"):
        resync_run(report.run, source=source, target=archive, state=tmp_path / "state")
    (tmp_path / "users.jsonl").write_text('{"id":"u1"}\n')
    with pytest.raises(UnsupportedError, match="only read"):
        resync(source, f"files:{tmp_path / 'users.jsonl'}")


def test_a_merge_keeps_what_the_target_alone_has(
    source: Store, make_store: MakeStore, run: Migrate, tmp_path: Path
) -> None:
    target = make_store("json", "target")
    target.create("users", {"id": "mine"})
    report = run(source, target, into="merge")
    options: dict[str, Any] = {"source": source, "target": target, "state": tmp_path / "state"}
    with pytest.raises(ConfigurationError, match="nothing of it is deleted"):
        resync_run(report.run, delete_extra=True, **options)
    assert target.get("users", "mine") == {"id": "mine"}


async def test_the_event_loop_goes_on_meanwhile(
    source: Store, make_store: MakeStore, tmp_path: Path
) -> None:
    target = make_store("json", "target")
    state = tmp_path / "state"
    report = await migrate_async(source, target, state=state)
    target.delete("users", "users-000001")
    options: dict[str, Any] = {"source": source, "target": target, "state": state}
    assert (await resync_run_async(report.run, **options)).ok
    assert (await retry_quarantine_async(report.run, **options)).ok
    target.delete("users", "users-000001")
    assert (await resync_async(source, target)).models[0].written == 1


def test_the_command_resyncs_two_stores(tmp_path: Path, source: Store) -> None:
    url, target = f"sqlite:{tmp_path / 'source.db'}", f"sqlite:{tmp_path / 'target.db'}"
    with connect(target) as store:
        store.create("users", {"id": "extra"})
    command = [INTERSTORE, "resync", url, target, "--delete-extra"]
    found = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (found.returncode, json.loads(found.stdout)["ok"]) == (0, True)
    found = subprocess.run(
        [*command[:3], f"json:{tmp_path / 'no'}"], check=False, capture_output=True, text=True
    )
    assert found.returncode == 1
