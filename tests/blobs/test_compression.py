"""What is kept of compressed blobs in a folder: files of gzip and zstd; damage to them."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest

import interstore
from interstore import BlobStore, ConfigurationError, CorruptionError
from interstore.blobs import compression
from tests.blob_engines import local_blobs, served_folder

TEXT = b"".join(b"%d: all is well\n" % number for number in range(100_000))
ENCODINGS: list[Literal["gzip", "zstd"]] = ["gzip", "zstd"]


@pytest.fixture(params=ENCODINGS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    with BlobStore(local_blobs(tmp_path), compression=request.param) as store:
        yield store


def test_other_programs_read_it(store: BlobStore, tmp_path: Path) -> None:
    for source in (TEXT, iter([TEXT])):
        info = store.put("a.txt", source)
        kept = (tmp_path / "a.txt").read_bytes()
        assert len(kept) == info.stored_size
        if info.encoding == "gzip":
            assert gzip.decompress(kept) == TEXT
        else:
            assert compression._zstd().decompress(kept) == TEXT


def test_damage(store: BlobStore, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for source in (TEXT, iter([TEXT])):
        store.put("a.txt", source)
        kept = path.read_bytes()
        damaged = [kept[:cut] for cut in (len(kept) // 2, 3, 0)]
        damaged += [kept[:at] + bytes([kept[at] ^ 0x55]) + kept[at + 1 :] for at in (0, 5000)]
        for content in damaged:
            _replace(store, path, content)
            with pytest.raises(CorruptionError, match="is damaged"):
                store.get("a.txt")
            with pytest.raises(CorruptionError), store.open("a.txt") as file:
                file.read()


def _replace(store: BlobStore, path: Path, content: bytes) -> None:
    """Put other bytes where the blob is, beneath what is known of it."""
    engine: Any = store._engine
    kept = engine.beside.kept("a.txt", engine._etag("a.txt"))
    path.write_bytes(content)
    engine.beside.keep("a.txt", engine._etag("a.txt"), kept)


def test_a_served_url_gives_the_content(tmp_path: Path) -> None:
    with (
        served_folder(tmp_path) as settings,
        BlobStore(local_blobs(tmp_path, **settings), compression="gzip") as store,
    ):
        assert store.put("a.txt", TEXT).encoding == "gzip"
        answer = httpx.get(store.signed_url("a.txt"))
        assert answer.content == TEXT
        assert "content-encoding" not in answer.headers
        answer = httpx.get(store.signed_url("a.txt"), headers={"Range": "bytes=500000-500009"})
        assert (answer.status_code, answer.content) == (206, TEXT[500_000:500_010])


def test_a_small_file_that_holds_very_much(store: BlobStore) -> None:
    """It is read in pieces, however much one of what is kept stands for."""
    info = store.put("zeros.txt", (bytes(1 << 20) for _ in range(64)), content_type="text/plain")
    assert info.stored_size is not None
    assert info.stored_size < 100_000
    with store.open("zeros.txt") as file:
        assert max(len(part) for part in file) <= 1 << 20
    assert store.get("zeros.txt", start=60 << 20, end=(60 << 20) + 3) == bytes(3)


def test_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_COMPRESSION", "gzip")
    monkeypatch.setenv("INTERSTORE_STORAGE_LOGS_STORAGE_COMPRESSION", "zstd")
    monkeypatch.setenv("INTERSTORE_STORAGE_LOGS_STORAGE_URL", f"local:///{tmp_path}/logs")
    with interstore.open_blobs(f"local:///{tmp_path}/x") as store:
        assert store.put("a.txt", TEXT).encoding == "gzip"
    with interstore.open_blobs(name="logs") as store:
        assert store.put("a.txt", TEXT).encoding == "zstd"
    monkeypatch.setenv("STORAGE_COMPRESSION", "lzma")
    with pytest.raises(ConfigurationError, match="STORAGE_COMPRESSION 'lzma' is neither"):
        interstore.open_blobs(f"local:///{tmp_path}/x")


def test_without_zstd(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['compression.zstd'] = sys.modules['backports.zstd'] = None\n"
        "import interstore\n"
        "try: interstore.open_blobs('memory:', compression='zstd')\n"
        "except interstore.MissingDriverError as error: print(error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert 'pip install "interstore[zstd]"' in run.stdout


@pytest.mark.parametrize(
    ("content_type", "gains"),
    [
        ("text/csv; charset=utf-8", True),
        ("application/json", True),
        ("application/ld+json", True),
        ("image/svg+xml", True),
        ("application/gzip", False),
        ("image/png", False),
        ("application/octet-stream", False),
        ("application/jsonnet", False),
    ],
)
def test_types_that_gain(content_type: str, gains: bool) -> None:
    assert compression.Compression("gzip").gains(content_type, TEXT) is gains
