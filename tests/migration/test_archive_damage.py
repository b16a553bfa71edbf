"""Archives that are cut off, altered or hostile: refused before anything is written."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from interstore import Store, connect
from interstore.blobs.compression import Compression as Codec
from interstore.blobs.compression import _zstd
from interstore.errors import CorruptionError
from interstore.migration.archives import open_archive
from interstore.migration.chunks import Compression
from tests.migration.archives import SMALL, alter, cut, fill_source, flip, put_in_place
from tests.migration.conftest import Call, MakeStore, Migrate

BOMB = 50_000_000


@pytest.fixture
def source(make_store: MakeStore) -> Store:
    return fill_source(make_store("sqlite", "source"))


@pytest.fixture(params=get_args(Compression))
def compression(request: pytest.FixtureRequest) -> Compression:
    given: Compression = request.param
    return given


@pytest.fixture
def archive(compression: Compression, source: Store, place: Path, run: Migrate) -> str:
    """The URL of a backup of the source, in many small chunks."""
    assert run(source, f"archive:{place}", limits=SMALL, compression=compression).ok
    return f"archive:{place}"


def chunk_of(place: Path) -> Path:
    """The first file of users."""
    return min((place / "data" / "users").iterdir())


def damage_of(place: Path) -> str:
    """What is said of the only file that is damaged."""
    with open_archive(str(place)) as (opened, _):
        [sentence] = opened.damage()
    return sentence


def packed(compression: Compression, data: bytes) -> bytes:
    encoder = Codec(compression).encoder()
    return encoder.compress(data) + encoder.flush()


def told_of(place: Path, chunk: Path) -> dict[str, Any]:
    """What the manifest says of a chunk."""
    manifest = json.loads((place / "manifest.json").read_text())
    held: list[dict[str, Any]] = manifest["contents"]["models"]["users"]["chunks"]
    return next(each for each in held if each["file"].endswith(chunk.name))


@pytest.mark.parametrize("damage", [cut, flip, Path.unlink])
def test_a_damaged_archive_is_refused_before_anything_is_written(
    damage: Callable[[Path], None],
    archive: str,
    place: Path,
    make_store: MakeStore,
    run: Migrate,
    call: Call,
) -> None:
    damage(chunk_of(place))
    target = make_store("sqlite", "restored")
    report = run(archive, target)
    assert (report.exit_code, [blocker.code for blocker in report.blockers]) == (5, ["damaged"])
    assert "data/users/" in report.blockers[0].message
    assert target.models() == []
    call("archive", "check", str(place), exit_code=3)


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
        lambda contents: contents.update(compression="gzip zstd"),
        lambda contents: contents.update(
            compression="zstd" if contents["compression"] == "gzip" else "gzip"
        ),
    ],
    ids=["parents", "absolute", "bomb", "sums", "model", "compression", "other-compression"],
)
def test_a_hostile_manifest_is_refused(
    change: Callable[[dict[str, Any]], object], archive: str, place: Path, run: Migrate
) -> None:
    alter(place, change)
    with pytest.raises(CorruptionError, match=r"manifest.json of .* cannot be used"):
        run(archive, "memory:")


def test_a_manifest_that_was_edited_is_refused(archive: str, place: Path) -> None:
    path = place / "manifest.json"
    path.write_text(path.read_text().replace('"count": 1500', '"count": 1501'))
    with pytest.raises(CorruptionError, match="its checksum is wrong"):
        connect(archive).models()


def test_a_bomb_is_not_unpacked(archive: str, compression: Compression, place: Path) -> None:
    put_in_place(place, chunk_of(place), packed(compression, b" " * BOMB))
    assert "does not hold the" in damage_of(place)


def test_a_bomb_that_asks_for_a_lot_of_memory_is_not_unpacked(
    source: Store, place: Path, run: Migrate
) -> None:
    assert run(source, f"archive:{place}", limits=SMALL, compression="zstd").ok
    zstd, chunk = _zstd(), chunk_of(place)
    text = zstd.decompress(chunk.read_bytes())
    window = zstd.CompressionParameter.window_log
    encoder = zstd.ZstdCompressor(options={window: 27})  # which 128 MB are needed to read
    put_in_place(place, chunk, encoder.compress(text) + encoder.flush())
    assert "requires too much memory" in damage_of(place)
    encoder = zstd.ZstdCompressor(options={window: 23})
    put_in_place(place, chunk, encoder.compress(text) + encoder.flush())
    with open_archive(str(place)) as (opened, _):
        assert opened.damage() == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda content: content[:-3], "does not hold the"),
        (lambda content: content + b"more", "goes on after its end"),
        (lambda content: b"none of both" + content, "cannot be unpacked"),
        (lambda content: b"", "does not hold the"),
    ],
    ids=["cut", "longer", "other", "empty"],
)
def test_a_file_that_is_no_whole_one_is_damage_though_its_checksum_is_right(
    change: Callable[[bytes], bytes], told: str, archive: str, place: Path
) -> None:
    chunk = chunk_of(place)
    put_in_place(place, chunk, change(chunk.read_bytes()))
    assert told in damage_of(place)


def test_a_file_that_is_compressed_in_the_other_way_is_damage(
    archive: str, compression: Compression, place: Path
) -> None:
    put_in_place(place, chunk_of(place), packed("zstd" if compression == "gzip" else "gzip", b"x"))
    assert "cannot be unpacked" in damage_of(place)


def test_a_link_is_refused(archive: str, place: Path, tmp_path: Path) -> None:
    chunk, outside = chunk_of(place), tmp_path / "outside"
    chunk.rename(outside)
    chunk.symlink_to(outside)
    assert "leads out of the archive" in damage_of(place)


def test_a_document_that_no_store_would_take_is_damage(
    archive: str, compression: Compression, place: Path
) -> None:
    line = {
        "id": "bad\u0000id",
        "version": 1,
        "created_at": "2026-01-01T00:00:00.000000Z",
        "updated_at": "2026-01-01T00:00:00.000000Z",
        "doc": {},
    }
    text = json.dumps(line).encode() + b"\n"
    put_in_place(place, chunk_of(place), packed(compression, text), bytes=len(text))
    assert "has no document in line 1" in damage_of(place)


def test_another_document_is_damage(archive: str, compression: Compression, place: Path) -> None:
    chunk = chunk_of(place)
    before = chunk.read_bytes()
    text = gzip.decompress(before) if compression == "gzip" else _zstd().decompress(before)
    other = re.sub(rb'"n":\d', lambda found: b'"n":2' if found[0][-1:] == b"1" else b'"n":1', text)
    assert len(other) == told_of(place, chunk)["bytes"]
    put_in_place(place, chunk, packed(compression, other))
    assert "does not hold what was read for it" in damage_of(place)
