"""Backups and restores: whole, checked, and refused when they are not."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest

from interstore import Store, connect
from interstore.errors import ConfigurationError, CorruptionError, UnsupportedError
from interstore.migration import Limits, Transform, migrate, verify
from interstore.migration.archives import find_archives, open_archive, prune_archives
from interstore.migration.journal import replay
from tests.migration.conftest import INTERSTORE, ODD_IDS, MakeStore, Migrate, contents, fill, url_of

SMALL = Limits(page=100, bytes=20_000)


@pytest.fixture
def source(make_store: MakeStore) -> Store:
    store = make_store("sqlite", "source")
    fill(store, "users", 1_500)
    fill(store, "orders", 10)
    store.create_many("odd", [{"id": id, "name": id, id: [id]} for id in ODD_IDS])
    store.ensure_index("users", "n", type="number")
    return store


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def archive(source: Store, place: Path, run: Migrate) -> str:
    """The URL of a backup of the source, in many small chunks."""
    report = run(source, f"archive:{place}", limits=SMALL)
    assert (report.status, report.ok) == ("done", True)
    return f"archive:{place}"


@pytest.mark.parametrize("engine", ["json", "sqlite", "memory"])
def test_a_backup_is_restored_to_any_engine(
    engine: str, archive: str, source: Store, make_store: MakeStore, run: Migrate
) -> None:
    target = make_store(engine, "restored")
    report = run(archive, target)
    assert (report.status, report.totals.written) == ("done", 1_510 + len(ODD_IDS))
    for model in ("users", "orders", "odd"):
        assert contents(target, model) == contents(source, model)
    assert [index.paths for index in target.indexes("users")] == [(("n",),)]


def test_an_archive_can_be_read_as_it_is(archive: str, source: Store) -> None:
    with connect(archive) as store:
        assert store.models() == ["odd", "orders", "users"]
        assert store.get("users", "users-000097") == source.get("users", "users-000097")
        assert store.find_by_id("users", "users-009999") is None
        assert store.count("users") == 1_500
        found = store.find("users", {"n": {"$lt": 3}}, sort="-n")
        assert [document["n"] for document in found] == [2, 1, 0]
        assert verify(source, store).ok
        with pytest.raises(UnsupportedError, match="does not change; restore it"):
            store.create("users", {"id": "new"})
        with pytest.raises(UnsupportedError):
            store.delete("users", "users-000001")


def test_its_files_can_be_read_by_hand(archive: str, place: Path) -> None:
    files = sorted((place / "data" / "orders").iterdir())
    lines = [
        json.loads(line)
        for file in files
        for line in gzip.decompress(file.read_bytes()).split(b"\n")[:-1]
    ]
    assert [line["id"] for line in lines] == [f"orders-{n:06d}" for n in range(10)]
    assert lines[0].keys() == {"id", "version", "created_at", "updated_at", "doc"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in place.rglob("*.gz"))
    manifest = json.loads((place / "manifest.json").read_text())
    assert manifest["contents"]["models"]["users"]["sums"]["count"] == 1_500
    assert manifest["contents"]["checked"]


def test_only_some_beside_what_is_there(
    archive: str, source: Store, run: Migrate, tmp_path: Path
) -> None:
    report = run(
        archive,
        source,
        models=["users"],
        map={"users": "users2"},
        transform=Transform(where={"n": {"$gte": 1_490}}),
    )
    assert report.ok
    assert source.count("users2") == 10
    assert run(archive, source, models=["users"]).blockers[0].code == "not-empty"


def test_an_archive_is_never_written_over(archive: str, source: Store, run: Migrate) -> None:
    report = run(source, archive)
    assert (report.exit_code, report.blockers[0].code) == (5, "not-empty")
    assert run(source, f"{archive}2", into="merge").blockers[0].code == "archive-into"


def _chunk(place: Path) -> Path:
    return min((place / "data" / "users").iterdir())


def _cut(place: Path) -> None:
    chunk = _chunk(place)
    chunk.write_bytes(chunk.read_bytes()[:-20])


def _flip(place: Path) -> None:
    chunk = _chunk(place)
    content = bytearray(chunk.read_bytes())
    content[len(content) // 2] ^= 1
    chunk.write_bytes(content)


def _lose(place: Path) -> None:
    _chunk(place).unlink()


@pytest.mark.parametrize("damage", [_cut, _flip, _lose])
def test_a_damaged_archive_is_refused_before_anything_is_written(
    damage: Callable[[Path], None],
    archive: str,
    place: Path,
    make_store: MakeStore,
    run: Migrate,
) -> None:
    damage(place)
    target = make_store("sqlite", "restored")
    report = run(archive, target)
    assert (report.exit_code, [blocker.code for blocker in report.blockers]) == (5, ["damaged"])
    assert _chunk(place).parent.name in report.blockers[0].message
    assert target.models() == []
    done = subprocess.run(
        [INTERSTORE, "archive", "check", str(place)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "data/users/" in done.stderr


def _altered(place: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Alter the manifest as somebody would who knows how its checksum is made."""
    path = place / "manifest.json"
    whole = msgspec.json.decode(path.read_bytes())
    change(whole["contents"])
    whole["sha256"] = sha256(msgspec.json.encode(whole["contents"], order="sorted")).hexdigest()
    path.write_bytes(msgspec.json.encode(whole))


def _first(contents: dict[str, Any]) -> dict[str, Any]:
    chunk: dict[str, Any] = contents["models"]["users"]["chunks"][0]
    return chunk


@pytest.mark.parametrize(
    "change",
    [
        lambda contents: _first(contents).update(file="data/users/../../../etc/passwd"),
        lambda contents: _first(contents).update(file="/etc/passwd"),
        lambda contents: _first(contents).update(bytes=10**12),
        lambda contents: contents["models"]["users"]["sums"].update(count=3),
        lambda contents: contents["models"].update({"in terstore": contents["models"]["odd"]}),
    ],
    ids=["parents", "absolute", "bomb", "sums", "model"],
)
def test_a_hostile_manifest_is_refused(
    change: Callable[[dict[str, Any]], object], archive: str, place: Path, run: Migrate
) -> None:
    _altered(place, change)
    with pytest.raises(CorruptionError, match=r"manifest.json of .* cannot be used"):
        run(archive, "memory:")


def test_a_manifest_that_was_edited_is_refused(archive: str, place: Path) -> None:
    path = place / "manifest.json"
    path.write_text(path.read_text().replace("users-000097", "users-000098"))
    text = path.read_text()
    path.write_text(text.replace('"count": 1500', '"count": 1501'))
    with pytest.raises(CorruptionError, match="its checksum is wrong"):
        connect(archive).models()


def test_a_bomb_and_a_link_are_refused(archive: str, place: Path, tmp_path: Path) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    chunk = _chunk(place)

    def swap(contents: dict[str, Any]) -> None:
        for held in contents["models"]["users"]["chunks"]:
            if held["file"].endswith(chunk.name):
                held.update(size=len(bomb), sha256=sha256(bomb).hexdigest())

    chunk.write_bytes(bomb)
    _altered(place, swap)
    with open_archive(str(place)) as (opened, _):
        assert "does not hold the" in opened.damage()[0]
    outside = tmp_path / "outside"
    outside.write_bytes(bomb)
    chunk.unlink()
    chunk.symlink_to(outside)
    with open_archive(str(place)) as (opened, _):
        assert "leads out of the archive" in opened.damage()[0]


def test_a_document_that_no_store_would_take_is_damage(archive: str, place: Path) -> None:
    line = {
        "id": "bad\u0000id",
        "version": 1,
        "created_at": "2026-01-01T00:00:00.000000Z",
        "updated_at": "2026-01-01T00:00:00.000000Z",
        "doc": {},
    }
    text = json.dumps(line).encode() + b"\n"
    packed = gzip.compress(text)
    chunk = _chunk(place)
    chunk.write_bytes(packed)

    def swap(contents: dict[str, Any]) -> None:
        for held in contents["models"]["users"]["chunks"]:
            if held["file"].endswith(chunk.name):
                held.update(size=len(packed), sha256=sha256(packed).hexdigest(), bytes=len(text))

    _altered(place, swap)
    with open_archive(str(place)) as (opened, _):
        assert "has no document in line 1" in opened.damage()[0]


def test_what_expired_since_is_not_restored(
    make_store: MakeStore, run: Migrate, place: Path
) -> None:
    source, target = make_store("memory", "source"), make_store("memory", "restored")
    soon = datetime.now(UTC) + timedelta(seconds=1.5)
    source.create("users", {"id": "short"}, expires_at=soon)
    source.create("users", {"id": "long"}, expires_at=soon + timedelta(days=1))
    assert run(source, f"archive:{place}").ok
    time.sleep(max(0, (soon - datetime.now(UTC)).total_seconds()) + 0.01)
    assert run(f"archive:{place}", target).ok
    assert [document.id for document in target.find("users")] == ["long"]
    assert target.get("users", "long").expires_at == soon + timedelta(days=1)


def test_a_killed_backup_goes_on_and_leaves_nothing_over(
    source: Store, place: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.migration.child"),
            *(url_of("sqlite", tmp_path, "source"), f"archive:{place}", str(state)),
        ],
        cwd=Path(__file__).parents[2],
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and len(list(place.rglob("*.gz"))) < 3:
        time.sleep(0.002)
    process.kill()
    process.wait()
    with pytest.raises(ConfigurationError, match="no archive at"), open_archive(str(place)):
        pass
    (place / "data" / "users" / "left-over.tmp").write_bytes(b"of a worker that died")
    run_name = next(state.glob("*/plan.json")).parent.name
    report = migrate(
        url_of("sqlite", tmp_path, "source"), f"archive:{place}", state=state, resume=run_name
    )
    assert report.ok
    with open_archive(str(place)) as (opened, held):
        assert opened.damage() == []
        listed = {chunk.file for model in held.models.values() for chunk in model.chunks}
    files = {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}
    assert files == listed | {"manifest.json"}
    entries = replay(state / run_name / "journal.jsonl").entries
    assert [entry["event"] for entry in entries].count("sealed") == 1


def test_the_newest_are_kept(source: Store, tmp_path: Path, run: Migrate) -> None:
    folder = tmp_path / "backups"
    for name in ("a", "b", "c"):
        assert run(source, f"archive:{folder / name}", models=["orders"]).ok
    (folder / "unfinished").mkdir()
    (folder / "a" / "notes.txt").write_text("mine")
    assert [Path(found.place).name for found in find_archives(str(folder))] == ["a", "b", "c"]
    assert prune_archives(str(folder), 2) == [str(folder / "a")]
    assert sorted(os.listdir(folder)) == ["a", "b", "c", "unfinished"]
    assert os.listdir(folder / "a") == ["notes.txt"]
    assert [Path(found.place).name for found in find_archives(str(folder))] == ["b", "c"]


def test_the_commands(source: Store, tmp_path: Path) -> None:
    source.close()

    def call(*command: str) -> list[Any]:
        done = subprocess.run(
            [INTERSTORE, *command], capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    [report] = call("backup", "sqlite:source.db", "nightly", "--keep", "2")
    assert report["status"] == "done"
    [listed] = call("archive", "list", "nightly")
    assert listed["documents"] == 1_510 + len(ODD_IDS)
    checked = call("archive", "check", listed["archive"])
    assert {row["model"]: row["documents"] for row in checked}["users"] == 1_500
    [restored] = call("restore", listed["archive"], "json:restored", "--only", "users,orders")
    assert restored["status"] == "done"
    with connect(f"json:{tmp_path / 'restored'}") as store:
        assert store.count("users") == 1_500


def test_in_a_bucket(
    source: Store,
    make_store: MakeStore,
    run: Migrate,
    s3_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = urlsplit(s3_url)
    query = dict(parse_qsl(found.query))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", found.username or "")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", found.password or "")
    monkeypatch.setenv("AWS_ENDPOINT_URL", query["endpoint"])
    monkeypatch.setenv("AWS_DEFAULT_REGION", query.get("region", "us-east-1"))
    folder = f"s3://{found.hostname}{found.path.rstrip('/')}/backups"
    for name in ("monday", "tuesday"):
        assert run(source, f"archive:{folder}/{name}", models=["users"], limits=SMALL).ok
    target = make_store("json", "restored")
    assert run(f"archive:{folder}/monday", target).ok
    assert contents(target, "users") == contents(source, "users")
    assert [found.place for found in find_archives(folder)] == [
        f"{folder}/monday",
        f"{folder}/tuesday",
    ]
    assert prune_archives(folder, 1) == [f"{folder}/monday"]
    assert len(find_archives(folder)) == 1
