"""Archives with blobs in them: each content once, checked, and refused when it is not whole."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

import pytest

from interstore import BlobStore, Store, open_blobs
from interstore._sync.with_blobs import StoreWithBlobs
from interstore.errors import ConfigurationError
from interstore.migration import Limits
from interstore.migration.archives import open_archive, prune_archives
from tests.migration.archives import cut, flip, put_in_place
from tests.migration.conftest import INTERSTORE, Call, MakeStore, Migrate

TERMS = b"the same for all"


@pytest.fixture
def blobs(tmp_path: Path) -> Iterator[BlobStore]:
    with open_blobs(f"local:{tmp_path / 'blobs'}?durability=os") as store:
        yield store


@pytest.fixture
def source(make_store: MakeStore, blobs: BlobStore) -> Store:
    store = make_store("sqlite", "source").with_blobs(blobs)
    for number in range(4):
        id = f"u{number}"
        store.create("users", {"id": id, "n": number})
        store.attach("users", id, "photo", bytes([number]) * 100, metadata={"by": id})
        store.attach("users", id, "terms", TERMS)
    store.create("plain", {"id": "p"})
    return store


@pytest.fixture
def archive(source: Store, place: Path, run: Migrate) -> str:
    report = run(source, f"archive:{place}")
    assert report.ok
    assert report.blobs is not None
    assert (report.blobs.references, report.blobs.copied) == (8, 5)
    return f"archive:{place}"


@pytest.fixture
def restored(tmp_path: Path) -> Iterator[BlobStore]:
    with ExitStack() as stack:
        yield stack.enter_context(open_blobs(f"local:{tmp_path / 'restored-blobs'}?durability=os"))


def content(place: Path, data: bytes) -> Path:
    name = sha256(data).hexdigest()
    return place / "blobs" / name[:2] / name


def test_blobs_come_back_as_they_were(
    archive: str, source: Store, blobs: BlobStore, restored: BlobStore, place: Path, run: Migrate
) -> None:
    assert content(place, TERMS).read_bytes() == TERMS
    report = run(archive, "memory:", to_blobs=restored)
    assert report.ok
    assert report.blobs is not None
    assert (report.blobs.references, report.blobs.copied) == (8, 8)
    for document in source.find("users"):
        for name in ("photo", "terms"):
            key = document[name]["key"]
            before, after = blobs.stat(key), restored.stat(key)
            assert (before.sha256, before.content_type, before.metadata) == (
                after.sha256,
                after.content_type,
                after.metadata,
            )


def test_only_the_blobs_of_what_is_restored(
    archive: str, restored: BlobStore, run: Migrate
) -> None:
    report = run(archive, "memory:", models=["plain"])
    assert any("--blobs says where" in note for note in report.notes)
    report = run(archive, "memory:", models=["plain"], to_blobs=restored)
    assert report.ok
    assert not any("--blobs says where" in note for note in report.notes)
    assert list(restored.list()) == []
    assert run(archive, "memory:").blobs is None  # they stay in the archive
    with pytest.raises(ConfigurationError, match="has its blobs in it"):
        run(archive, "memory:", from_blobs=restored, to_blobs=restored)


def test_an_archive_without_blobs_says_so(
    source: Store, make_store: MakeStore, restored: BlobStore, place: Path, run: Migrate
) -> None:
    source.close()
    assert run(make_store("sqlite", "source"), f"archive:{place}").ok
    report = run(f"archive:{place}", "memory:", to_blobs=restored)
    assert (report.exit_code, report.blockers[0].code) == (5, "no-blobs")


def _link(file: Path) -> None:
    outside = file.parents[3] / "outside"
    outside.write_bytes(file.read_bytes())
    file.unlink()
    file.symlink_to(outside)


@pytest.mark.parametrize("damage", [cut, flip, Path.unlink, _link])
def test_a_damaged_blob_is_refused_before_anything_is_written(
    damage: Callable[[Path], None],
    archive: str,
    place: Path,
    restored: BlobStore,
    make_store: MakeStore,
    run: Migrate,
) -> None:
    damage(content(place, TERMS))
    target = make_store("sqlite", "target")
    report = run(archive, target, to_blobs=restored)
    assert (report.exit_code, {blocker.code for blocker in report.blockers}) == (5, {"damaged"})
    assert target.models() == []
    assert list(restored.list()) == []
    done = subprocess.run(
        [INTERSTORE, "archive", "check", str(place)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert sha256(TERMS).hexdigest() in done.stderr


def _alter(info: Path, other: Path) -> None:
    info.write_bytes(info.read_bytes().replace(b'"by":"u', b'"by":"v'))


def _take_the_other(info: Path, other: Path) -> None:
    info.write_bytes(other.read_bytes())


def _remove(info: Path, other: Path) -> None:
    info.unlink()


@pytest.mark.parametrize("damage", [_alter, _take_the_other, _remove])
def test_metadata_that_is_not_as_it_was_is_refused_before_anything_is_written(
    damage: Callable[[Path, Path], None],
    archive: str,
    place: Path,
    restored: BlobStore,
    make_store: MakeStore,
    run: Migrate,
    call: Call,
) -> None:
    info, other, *more = sorted((place / "blobs" / "info").iterdir())
    assert len(more) == 2
    damage(info, other)
    with open_archive(str(place)) as (opened, _):
        [sentence] = opened.damage()
    assert f"blobs/info/{info.name}" in sentence
    target = make_store("sqlite", "target")
    report = run(archive, target, to_blobs=restored)
    assert (report.exit_code, [blocker.code for blocker in report.blockers]) == (5, ["damaged"])
    assert target.models() == []
    assert list(restored.list()) == []
    call("archive", "check", str(place), exit_code=3)


def test_who_names_metadata_elsewhere_is_refused(archive: str, place: Path) -> None:
    [chunk] = (place / "data" / "users").iterdir()
    text = gzip.decompress(chunk.read_bytes())
    name = next((place / "blobs" / "info").iterdir()).stem.encode()
    assert name in text
    text = text.replace(name, b"../../../../../../etc/passwd.json")
    put_in_place(place, chunk, gzip.compress(text), bytes=len(text))
    with open_archive(str(place)) as (opened, _):
        [sentence, *_] = opened.damage()
    assert "has no document in line" in sentence


@pytest.mark.parametrize("limits", [Limits(), Limits(page=1, bytes=1)], ids=["one", "slices"])
def test_blobs_of_one_content_keep_metadata_of_their_own(
    limits: Limits,
    source: StoreWithBlobs,
    blobs: BlobStore,
    restored: BlobStore,
    place: Path,
    run: Migrate,
) -> None:
    for number in range(4):
        source.attach("users", f"u{number}", "scan", TERMS, metadata={"page": str(number)})
    report = run(source, f"archive:{place}", limits=limits)
    assert report.ok
    assert report.blobs is not None
    assert (report.blobs.copied, report.blobs.present) == (5, 7)
    assert run(f"archive:{place}", "memory:", to_blobs=restored).ok
    for document in source.find("users"):
        for name in ("photo", "terms", "scan"):
            key = document[name]["key"]
            assert restored.stat(key).metadata == blobs.stat(key).metadata


def test_metadata_that_changed_since_the_base(
    source: Store, blobs: BlobStore, restored: BlobStore, tmp_path: Path, run: Migrate
) -> None:
    source.enable_watch("users")
    base = tmp_path / "base"
    assert run(source, f"archive:{base}").ok
    keys = {id: source.get("users", id)["photo"]["key"] for id in ("u0", "u1", "u2")}
    for id, metadata in (("u0", {"by": "another"}), ("u1", {})):
        blobs.put(keys[id], blobs.get(keys[id]), metadata=metadata)
        source.update("users", id, {"n": -1})
    report = run(source, f"archive:{tmp_path / 'next'}", base=str(base))
    assert report.ok
    assert report.blobs is not None
    assert (report.blobs.copied, report.blobs.present) == (0, 4)
    assert run(f"archive:{tmp_path / 'next'}", "memory:", to_blobs=restored).ok
    found = {id: dict(restored.stat(key).metadata) for id, key in keys.items()}
    assert found == {"u0": {"by": "another"}, "u1": {}, "u2": {"by": "u2"}}


def test_what_was_not_there_is_no_damage(
    source: Store, blobs: BlobStore, tmp_path: Path, place: Path, run: Migrate
) -> None:
    gone, bad = (source.get("users", id)["photo"]["key"] for id in ("u1", "u2"))
    blobs.delete(gone)
    (tmp_path / "blobs" / bad).write_bytes(b"\xff" * 100)
    report = run(source, f"archive:{place}")
    assert (report.status, report.exit_code) == ("quarantine", 2)
    assert report.blobs is not None
    assert report.blobs.found == {"dangling": 1, "damaged": 1}
    with open_archive(str(place)) as (opened, held):
        assert opened.damage() == []
        assert held.blobs is not None
        assert sorted(key for _, key, _ in held.blobs.absent) == sorted([gone, bad])


def test_hostile_keys_do_not_leave_their_store(
    source: Store, place: Path, restored: BlobStore, tmp_path: Path, run: Migrate
) -> None:
    evil = {**source.get("users", "u0")["photo"], "key": "../../outside"}
    source.create("plain", {"id": "evil", "photo": evil})
    report = run(source, f"archive:{place}", models=["plain"])
    assert report.ok
    assert report.blobs is not None
    assert report.blobs.found == {"dangling": 1}
    assert run(source, f"archive:{place}-all").ok  # where the content is there, by its digest
    assert run(f"archive:{place}-all", "memory:", to_blobs=restored).ok
    assert all(entry.key.startswith("attachments/") for entry in restored.list())
    assert list(tmp_path.rglob("outside*")) == []


def test_blobs_go_with_their_archive(source: Store, tmp_path: Path, run: Migrate) -> None:
    folder = tmp_path / "backups"
    for name in ("a", "b"):
        assert run(source, f"archive:{folder / name}").ok
    assert prune_archives(str(folder), 1) == [str(folder / "a")]
    assert [path.name for path in folder.iterdir()] == ["b"]


def test_the_commands(source: Store, call: Call) -> None:
    source.close()
    [report] = call("backup", "sqlite:source.db", "monday", "--blobs", "local:blobs")
    assert report["blobs"]["copied"] == 5
    call("archive", "check", "monday")
    [report] = call("restore", "monday", "json:back", "--blobs", "default=local:back-blobs")
    assert report["blobs"]["copied"] == 8
    call(
        *("verify", "sqlite:source.db", "json:back"),
        *("--from-blobs", "local:blobs", "--to-blobs", "local:back-blobs"),
    )


def test_in_a_bucket(
    source: Store, restored: BlobStore, run: Migrate, bucket: str, s3_url: str
) -> None:
    place = f"archive:{bucket}/with-blobs"
    assert run(source, place).ok
    report = run(place, "memory:", to_blobs=restored)
    assert report.ok
    assert report.blobs is not None
    assert report.blobs.copied == 8
    in_bucket = open_blobs(s3_url)  # and between two kinds of stores
    with in_bucket:
        report = run(place, "memory:", to_blobs=in_bucket)
        assert report.ok
        key = source.get("users", "u3")["photo"]["key"]
        assert in_bucket.stat(key).sha256 == sha256(b"\x03" * 100).hexdigest()
