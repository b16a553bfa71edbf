"""Blobs that did not arrive are brought over by what mends runs and stores."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from interstore import BlobStore, Store, StoreWithBlobs, connect, open_blobs
from interstore.errors import ConfigurationError
from interstore.migration import (
    Report,
    Transform,
    migrate,
    resync,
    resync_run,
    retry_quarantine,
)
from tests.migration.conftest import (
    INTERSTORE,
    MakeStore,
    Migrate,
    Places,
    with_photos,
)
from tests.migration.test_quarantine import Picky


@pytest.fixture
def source(make_store: MakeStore, places: Places) -> StoreWithBlobs:
    return with_photos(make_store("sqlite", "source"), places.blobs("blobs"))


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.xdist_group("s3"))])
def moved(request: pytest.FixtureRequest, places: Places) -> str:
    """The URL of the blob store that blobs go to."""
    return places.url("moved") if request.param == "local" else request.getfixturevalue("s3_url")


def key(store: Store, id: str) -> str:
    found: str = store.get("users", id)["photo"]["key"]
    return found


def problems(report: Report) -> list[tuple[str, str]]:
    assert report.blobs is not None
    return [(item.kind, item.id) for item in report.blobs.problems]


def test_blobs_of_documents_in_quarantine_come_with_them(
    source: StoreWithBlobs, moved: str, places: Places, tmp_path: Path
) -> None:
    engine = Picky()
    engine.refuse = {"u03", "u04"}
    with connect(database=engine) as target:
        state = tmp_path / "state"
        blobs: dict[str, Any] = {"from_blobs": places.url("blobs"), "to_blobs": moved}
        first = migrate(source, target, state=state, **blobs)
        assert (first.status, first.totals.quarantined) == ("quarantine", 2)
        source.attach("users", "u03", "photo", b"another photo")
        engine.refuse = set()
        options: dict[str, Any] = {"source": source, "target": target, "state": state}
        second = retry_quarantine(first.run, **options, **blobs)
        assert (second.status, second.exit_code) == ("done", 0)
        assert second.verification is not None
        assert second.verification.blobs is not None
        assert second.verification.blobs.present == 40
        with open_blobs(moved) as arrived:
            assert arrived.get(key(target, "u03")) == b"another photo"


def test_blobs_that_were_not_copied_are_retried(
    source: StoreWithBlobs, make_store: MakeStore, moved: str, places: Places, tmp_path: Path
) -> None:
    """One was missing, one damaged, and one's place was taken."""
    state, blobs = tmp_path / "state", places.blobs("blobs")
    gone, damaged, taken = (key(source, f"u0{number}") for number in (1, 2, 4))
    kept = {name: blobs.get(name) for name in (gone, damaged)}
    blobs.delete(gone)
    places.file("blobs", damaged).write_bytes(b"something else")
    target = make_store("json", "target")
    with open_blobs(moved) as arrived:
        arrived.put(taken, b"of another time")
        options: dict[str, Any] = {
            "source": source, "target": target, "state": state,
            "from_blobs": source.blobs, "to_blobs": arrived,
        }  # fmt: skip
        given = {name: options[name] for name in ("state", "from_blobs", "to_blobs")}
        first = migrate(source, target, **given)
        assert first.exit_code == 3
        assert problems(first) == [("dangling", "u01"), ("damaged", "u02"), ("occupied", "u04")]
        for name, content in kept.items():
            blobs.put(name, content)
        second = retry_quarantine(first.run, **options)
        assert (second.exit_code, problems(second)) == (3, [("occupied", "u04")])
        assert arrived.get(taken) == b"of another time"
        arrived.delete(taken)
        third = retry_quarantine(first.run, **options)
        assert (third.status, problems(third)) == ("done", [])
        assert third.blobs is not None
        assert (third.blobs.references, third.blobs.copied) == (40, 40)
        assert arrived.get(gone) == kept[gone]
        assert "users: 1 blobs were written again" in third.notes
        assert {entry.key for entry in arrived.list()} == {entry.key for entry in blobs.list()}


def test_resync_of_a_run_writes_blobs_that_differ(
    source: StoreWithBlobs, make_store: MakeStore, moved: str, tmp_path: Path
) -> None:
    with open_blobs(moved) as arrived:
        target = make_store("json", "target").with_blobs(arrived)
        state = tmp_path / "state"
        first = migrate(source, target, state=state)
        assert first.ok
        arrived.delete(key(source, "u01"))
        arrived.put(key(source, "u02"), b"\x89PNG\r\n\x1a\n" + b"\xff" * 1_000)
        source.attach("users", "u05", "photo", b"since the copy")
        target.delete("users", "u06")  # with its blobs
        options: dict[str, Any] = {"source": source, "target": target, "state": state}
        second = resync_run(first.run, **options)
        assert (second.status, problems(second)) == ("done", [])
        assert second.verification is not None
        assert second.verification.blobs is not None
        assert second.verification.blobs.present == 40
        assert arrived.get(key(target, "u05")) == b"since the copy"
        assert len(arrived.get(key(target, "u02"))) == 1_008
        again = resync_run(first.run, **options)
        assert not any("written again" in note for note in again.notes)


def test_two_stores_are_made_equal_with_their_blobs(
    source: StoreWithBlobs, make_store: MakeStore, moved: str
) -> None:
    with open_blobs(moved) as arrived:
        target = make_store("json", "target").with_blobs(arrived)
        done = resync(source, target)
        assert done.ok
        assert done.blobs is not None
        assert done.blobs.present == 40  # they came with their documents
        assert len(list(arrived.list())) == 40
        arrived.delete(key(target, "u01"))
        done = resync(source, target)
        assert (done.models, done.ok) == ([], True)
        assert done.blobs is not None
        assert done.blobs.copied == 1
        with target.open(target.get("users", "u01")["photo"]) as file:
            assert len(file.read()) == 1_008


def test_only_blobs_of_documents_that_are_moved(
    source: StoreWithBlobs, make_store: MakeStore, places: Places, tmp_path: Path
) -> None:
    """Where ids change on the way, too."""
    moved, state = places.blobs("moved"), tmp_path / "state"
    made = Transform(rename={"id": "old"}, id_from="n", where={"n": {"$lt": 3}})
    blob = key(source, "u01")
    content = source.blobs["default"].get(blob)
    source.blobs["default"].delete(blob)
    target = make_store("json", "target")
    options: dict[str, Any] = {"state": state, "from_blobs": source.blobs, "to_blobs": moved}
    first = migrate(source, target, transform=made, **options)
    assert problems(first)[0] == ("dangling", "1")
    source.blobs["default"].put(blob, content)
    second = retry_quarantine(first.run, source=source, target=target, **options)
    assert ("dangling", "1") not in problems(second)
    assert moved.get(blob) == content
    assert len(list(moved.list())) == 4


def test_a_run_with_blobs_is_not_mended_without_them(
    source: StoreWithBlobs, make_store: MakeStore, places: Places, run: Migrate, tmp_path: Path
) -> None:
    target, moved = make_store("json", "target"), places.blobs("moved")
    first = run(source, target, to_blobs=moved)
    bare = make_store("sqlite", "source")
    for mend in (retry_quarantine, resync_run):
        with pytest.raises(
            ConfigurationError, match=r"the blobs: the run has .*--from-blobs and --to-blobs"
        ):
            mend(first.run, source=bare, target=target, state=tmp_path / "state")


def test_the_commands(source: StoreWithBlobs, places: Places, tmp_path: Path) -> None:
    blob, moved = key(source, "u01"), places.blobs("moved")
    source.close()
    both = "sqlite:source.db", "json:target"
    stores = "--from-blobs", places.url("blobs"), "--to-blobs", places.url("moved")

    def command(*arguments: str) -> Any:
        found = subprocess.run(
            [INTERSTORE, *arguments, *stores],
            cwd=tmp_path,
            check=False,
            capture_output=True,
            text=True,
        )
        assert found.returncode == 0, found.stdout + found.stderr
        return json.loads(found.stdout)

    run = command("migrate", *both)["run"]
    moved.delete(blob)
    assert command("migrate", "resync", run)["blobs"]["copied"] == 41
    moved.delete(blob)
    assert command("resync", *both)["blobs"]["copied"] == 1
    assert moved.exists(blob)


def test_a_blob_store_is_closed_by_who_opened_it(
    source: StoreWithBlobs, make_store: MakeStore, places: Places
) -> None:
    moved: BlobStore = places.blobs("moved")
    assert resync(source, make_store("json", "target"), to_blobs=moved).ok
    assert len(list(moved.list())) == 40
