"""Blobs that documents refer to move with them: first, whole, and checked."""

from __future__ import annotations

import json
import os
import subprocess
import time
import tracemalloc
from typing import Any

import pytest

from interstore import BlobStore, Store, StoreWithBlobs
from interstore.errors import ConfigurationError, NotFoundError
from interstore.migration import Limits, Report, Transform, verify
from tests.migration.conftest import INTERSTORE, MakeStore, Migrate, Places, with_photos

SMALL = Limits(page=10, bytes=2_000)


@pytest.fixture
def source(make_store: MakeStore, places: Places) -> StoreWithBlobs:
    return with_photos(make_store("sqlite", "source"), places.blobs("blobs"))


def keys(blobs: BlobStore) -> list[str]:
    return [entry.key for entry in blobs.list()]


def photo(store: Store, id: str) -> dict[str, Any]:
    found: dict[str, Any] = store.get("users", id)["photo"]
    return found


def problems(report: Report) -> list[tuple[str, str]]:
    assert report.blobs is not None
    return [(item.kind, item.id) for item in report.blobs.problems]


def test_blobs_of_both_stores_move_along(
    source: Store, make_store: MakeStore, places: Places, run: Migrate
) -> None:
    moved = places.blobs("moved")
    target = make_store("json", "target").with_blobs(moved)
    report = run(source, target, limits=SMALL)
    assert (report.status, report.exit_code) == ("done", 0)
    assert report.blobs is not None
    assert (report.blobs.references, report.blobs.copied, report.blobs.present) == (40, 40, 0)
    assert report.verification is not None
    assert report.verification.blobs is not None
    assert report.verification.blobs.present == 40
    for document in target.find("users"):
        with target.open(document["photo"]) as file:
            assert file.read() == b"\x89PNG\r\n\x1a\n" + bytes([document["n"]]) * 1_000
    info = moved.stat(target.get("users", "u03")["files"][0]["key"])
    assert (info.metadata, info.content_type) == ({"by": "Ada"}, "text/plain")
    assert keys(moved) == keys(places.blobs("blobs"))
    assert "40 copied" in report.to_markdown()
    again = run(source, target, into="merge")
    assert again.blobs is not None
    assert (again.blobs.copied, again.blobs.present) == (0, 40)


def test_blobs_stay_where_only_one_side_has_any(
    source: Store, make_store: MakeStore, places: Places, run: Migrate
) -> None:
    report = run(source, make_store("json", "target"))
    assert (report.ok, report.blobs) == (True, None)
    with pytest.raises(ConfigurationError, match=r"say where the blobs go: to_blobs"):
        run(make_store("sqlite", "source"), "memory:", from_blobs=places.url("blobs"))
    with pytest.raises(ConfigurationError, match=r"say where the blobs are: from_blobs"):
        run(make_store("sqlite", "source"), "memory:", to_blobs=places.url("blobs"))
    with pytest.raises(ConfigurationError, match="has no counterpart of that name"):
        run(source, "memory:", to_blobs={"media": places.url("moved")})


def test_only_what_the_moved_documents_refer_to(
    source: Store, make_store: MakeStore, places: Places, run: Migrate
) -> None:
    where = Transform(where={"n": {"$lt": 3}}, drop=["files"])
    moved = places.blobs("moved")
    report = run(source, make_store("json", "target"), transform=where, to_blobs=moved)
    assert report.ok
    assert keys(moved) == [photo(source, f"u0{number}")["key"] for number in range(3)]


def test_names_of_stores_and_deduplicated_blobs(
    make_store: MakeStore, places: Places, run: Migrate
) -> None:
    media = places.blobs("media", name="media")
    source = make_store("sqlite", "other").with_blobs(places.blobs("blobs"), media)
    for id in ("a", "b"):
        source.create("users", {"id": id})
        source.attach("users", id, "terms", b"for all", deduplicate=True)
        source.attach("users", id, "film", id.encode() * 99, store="media")
    target = make_store("memory", "target")
    to = {"default": places.url("to"), "media": places.url("to-media")}
    report = run(source, target, to_blobs=to)
    assert report.ok
    assert report.blobs is not None
    assert (report.blobs.references, report.blobs.copied) == (4, 3)
    assert len(keys(places.blobs("to"))) == 1
    assert len(keys(places.blobs("to-media", name="media"))) == 2
    partly = run(
        make_store("sqlite", "other"),
        make_store("memory", "partly"),
        from_blobs=places.url("blobs"),
        to_blobs=places.url("partly"),
    )
    assert partly.ok
    assert partly.blobs is not None
    assert partly.blobs.elsewhere == 2
    assert "2 references are to blob stores of names that were not given" in partly.to_markdown()


def test_dangling_references_and_orphans_are_listed(
    source: Store, make_store: MakeStore, places: Places, run: Migrate
) -> None:
    blobs = places.blobs("blobs")
    blobs.delete(photo(source, "u04")["key"])
    blobs.put("attachments/users/gone/1", b"of nobody")
    blobs.put("not-attached", b"of something else")
    target = make_store("json", "target")
    report = run(source, target, to_blobs=places.url("moved"))
    assert (report.status, report.exit_code) == ("done", 0)
    assert problems(report) == [("dangling", "u04"), ("orphan", "")]
    assert report.blobs is not None
    assert report.blobs.problems[1].key == "attachments/users/gone/1"
    assert target.count("users") == 30
    assert "blob dangling" in report.to_markdown()


def test_a_dangling_reference_stops_the_run_if_asked(
    source: Store, make_store: MakeStore, places: Places, run: Migrate
) -> None:
    blobs = places.blobs("blobs")
    ref = photo(source, "u04")
    content = blobs.get(ref["key"])
    blobs.delete(ref["key"])
    target = make_store("json", "target")
    options: dict[str, Any] = {"to_blobs": places.blobs("moved"), "dangling": "stop"}
    with pytest.raises(NotFoundError, match=r"photo of document 'u04' refers to the blob") as found:
        run(source, target, **options)
    name = found.value.__notes__[0].rpartition(" ")[2]
    assert target.find_by_id("users", "u04") is None
    blobs.put(ref["key"], content)
    report = run(source, target, resume=name, **options)
    assert report.ok
    assert len(keys(places.blobs("moved"))) == 40
    with pytest.raises(ConfigurationError, match=r"dangling: the run has stop, the call has"):
        run(source, target, resume=name, **{**options, "dangling": "report"})
    with pytest.raises(ConfigurationError, match="the blobs: the run has"):
        run(make_store("sqlite", "source"), target, resume=name, dangling="stop")


@pytest.mark.parametrize("damage", [b"", b"another length", b"\x89PNG\r\n\x1a\n" + b"\xff" * 1_000])
def test_a_damaged_blob_is_never_copied_as_good(
    damage: bytes, source: Store, make_store: MakeStore, places: Places, run: Migrate
) -> None:
    ref = photo(source, "u07")
    places.file("blobs", ref["key"]).write_bytes(damage)
    target = make_store("json", "target")
    report = run(source, target, to_blobs=places.url("moved"))
    assert (report.status, report.exit_code) == ("quarantine", 2)
    assert problems(report) == [("damaged", "u07")]
    assert report.blobs is not None
    assert report.blobs.problems[0].key == ref["key"]
    assert ref["key"] not in keys(places.blobs("moved"))
    assert target.count("users") == 30


def test_another_content_in_the_target_is_left_alone_unless_said(
    source: Store, make_store: MakeStore, places: Places, run: Migrate
) -> None:
    key = photo(source, "u07")["key"]
    moved = places.blobs("moved")
    moved.put(key, b"of another time")
    target = make_store("json", "target")
    report = run(source, target, to_blobs=moved)
    assert (report.exit_code, problems(report)) == (3, [("occupied", "u07")])
    assert moved.get(key) == b"of another time"
    report = run(source, target, to_blobs=moved, into="merge")
    assert report.ok
    assert len(moved.get(key)) == photo(source, "u07")["size"]


def test_verify_compares_blobs_by_what_is_in_them(
    source: Store, make_store: MakeStore, places: Places, run: Migrate
) -> None:
    moved = places.blobs("moved")
    target = make_store("json", "target").with_blobs(moved)
    assert run(source, target).ok
    assert verify(source, target).ok
    file = places.file("moved", photo(source, "u01")["key"])
    before = file.stat()
    content = bytearray(file.read_bytes())
    content[500] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))  # as decay on a disk would be
    moved.delete(photo(source, "u02")["key"])
    found = verify(source, target)
    assert (found.ok, found.exit_code) == (False, 3)
    assert found.blobs is not None
    assert [(item.kind, item.id) for item in found.blobs.problems] == [
        ("different", "u01"),
        ("missing", "u02"),
    ]
    assert all(model.ok for model in found.models)
    assert verify(source, target, level="count").blobs is None


def test_processes_move_blobs_by_url(source: Store, places: Places, run: Migrate) -> None:
    source.close()
    report = run(
        f"sqlite:{places.folder / 'source.db'}",
        f"json:{places.folder / 'target'}",
        from_blobs=places.url("blobs"),
        to_blobs=places.url("moved"),
        executor="processes:2",
    )
    assert report.ok
    assert report.blobs is not None
    assert report.blobs.copied == 40
    with pytest.raises(ConfigurationError, match="are an open store, which only threads"):
        run(
            f"sqlite:{places.folder / 'source.db'}",
            f"json:{places.folder / 'more'}",
            from_blobs=places.blobs("blobs"),
            to_blobs=places.url("more"),
            executor="processes:2",
        )


def test_a_large_blob_is_never_whole_in_memory(
    make_store: MakeStore, places: Places, run: Migrate
) -> None:
    source = make_store("sqlite", "large").with_blobs(places.blobs("blobs"))
    source.create("films", {"id": "f"})
    source.attach("films", "f", "film", (bytes(1_000_000) for _ in range(100)))
    target = make_store("json", "target")
    tracemalloc.start()
    try:
        report = run(source, target, to_blobs=places.url("moved"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert report.ok
    assert report.blobs is not None
    assert report.blobs.bytes == 100_000_000
    assert peak < 30_000_000


def test_a_run_that_is_killed_among_its_blobs_goes_on(
    source: StoreWithBlobs, places: Places
) -> None:
    for number in range(30):
        source.attach("users", f"u{number:02d}", "large", bytes(3_000_000))
    source.close()
    command = [
        *(INTERSTORE, "migrate", "sqlite:source.db", "json:target"),
        *("--from-blobs", "local:blobs", "--to-blobs", "local:moved"),
    ]
    process = subprocess.Popen(command, cwd=places.folder, stdout=subprocess.DEVNULL)
    while process.poll() is None and len(list((places.folder / "moved").rglob("u*/*"))) < 5:
        time.sleep(0.002)
    process.kill()
    process.wait()
    [plan] = (places.folder / ".interstore/migrations").glob("*/plan.json")
    done = subprocess.run(
        [*command, "--resume", plan.parent.name],
        cwd=places.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["blobs"]["references"] == 70
    assert report["blobs"]["present"] >= 1  # of the files, some were of metadata, or not whole
    done = subprocess.run(
        [
            *(INTERSTORE, "verify", "sqlite:source.db", "json:target"),
            *("--from-blobs", "local:blobs", "--to-blobs", "local:moved"),
        ],
        cwd=places.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert json.loads(done.stdout)["blobs"]["present"] == 70
