"""Archives in gzip and in zstd: the same documents; an error with its cure where zstd is not."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from threading import Event

import pytest

from interstore import Store, connect
from interstore.blobs.compression import _zstd
from interstore.errors import ConfigurationError
from interstore.migration import Progress, verify
from tests.migration.archives import SMALL, fill_source
from tests.migration.conftest import Call, MakeStore, Migrate, contents, url_of

WITHOUT = (
    "import sys; sys.modules['compression.zstd'] = sys.modules['backports.zstd'] = None\n"
    "from interstore.cli import main; main()"
)
"""The command, where no zstd is installed."""


@pytest.fixture
def source(make_store: MakeStore) -> Store:
    return fill_source(make_store("sqlite", "source"))


def test_zstd_holds_the_same_and_its_own_tools_read_it(
    source: Store, place: Path, make_store: MakeStore, run: Migrate
) -> None:
    report = run(source, f"archive:{place}", limits=SMALL, compression="zstd")
    assert (report.status, report.ok) == ("done", True)
    files = sorted(place.rglob("*.jsonl.*"))
    assert {file.suffix for file in files} == {".zst"}
    lines = b"".join(_zstd().decompress(file.read_bytes()) for file in files)
    assert lines.count(b"\n") == report.totals.written
    with connect(f"archive:{place}") as store:
        assert verify(source, store, level="full").ok
    target = make_store("json", "restored")
    assert run(f"archive:{place}", target).ok
    assert contents(target, "odd") == contents(source, "odd")


def test_equal_documents_make_equal_files(source: Store, tmp_path: Path, run: Migrate) -> None:
    found: list[set[str]] = []
    for name in ("a", "b"):
        place = tmp_path / name
        assert run(source, f"archive:{place}", limits=SMALL, compression="zstd").ok
        found.append({file.name for file in place.rglob("*.zst")})
    assert found[0] == found[1]


@pytest.mark.parametrize("executor", ["threads:2", "processes:2"])
def test_workers_elsewhere_compress_in_the_same_way(
    executor: str, source: Store, place: Path, tmp_path: Path, run: Migrate
) -> None:
    report = run(
        url_of("sqlite", tmp_path, "source"),
        f"archive:{place}",
        limits=SMALL,
        executor=executor,
        compression="zstd",
    )
    assert report.ok
    assert {file.suffix for file in place.rglob("data/*/*")} == {".zst"}


def test_a_chain_of_both(source: Store, tmp_path: Path, run: Migrate) -> None:
    source.enable_watch("users")
    chosen, base = random.Random(3), None
    for number, compression in enumerate(["zstd", "gzip", "zstd", "gzip"]):
        place = str(tmp_path / f"a{number}")
        report = run(source, f"archive:{place}", base=base, compression=compression)
        assert report.ok, report.blockers
        for _ in range(10):
            id = f"users-{chosen.randrange(1_500):06d}"
            source.delete("users", id)
            source.put("users", {"id": id, "round": number})
        with connect(f"archive:{place}") as archive:
            assert archive.count("users") == 1_500
        base = place
    report = run(source, f"archive:{tmp_path / 'last'}", base=base, compression="zstd")
    assert report.ok
    with connect(f"archive:{tmp_path / 'last'}") as archive:
        assert verify(source, archive, level="full").ok


def test_a_stopped_backup_goes_on_as_it_began(
    source: Store, place: Path, tmp_path: Path, run: Migrate, call: Call
) -> None:
    stop = Event()

    def stop_soon(progress: Progress) -> None:
        if progress.phase == "copy" and progress.done:
            stop.set()

    url, target = url_of("sqlite", tmp_path, "source"), f"archive:{place}"
    report = run(url, target, limits=SMALL, compression="zstd", stop=stop, progress=stop_soon)
    assert report.status == "stopped"
    with pytest.raises(ConfigurationError, match="the compression: the run has zstd, the call has"):
        run(url, target, resume=report.run)
    [done] = call("backup", url, str(place), "--resume", report.run, "--state", "state")
    assert done["status"] == "done"
    [row] = call("archive", "list", str(tmp_path))
    assert row["compression"] == "zstd"


def test_what_is_no_compression_and_what_is_no_archive(source: Store, run: Migrate) -> None:
    with pytest.raises(ConfigurationError, match="'gzip' or 'zstd', not 'lzma'"):
        run(source, "archive:a", compression="lzma")
    report = run(source, "memory:", compression="zstd")
    assert (report.exit_code, report.blockers[0].code) == (5, "compression")


def test_where_zstd_is_not_installed(
    source: Store, place: Path, tmp_path: Path, call: Call
) -> None:
    def without(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )
        assert done.returncode == 1
        return done.stderr

    cure = 'pip install "interstore[zstd]"'
    assert cure in without("backup", "sqlite:source.db", "refused", "--compression", "zstd")
    assert not (tmp_path / "refused").exists()
    call("backup", "sqlite:source.db", str(place), "--compression", "zstd")
    assert cure in without("archive", "check", str(place))
    assert cure in without("restore", str(place), "sqlite:restored.db")
    with connect(f"sqlite:{tmp_path / 'restored.db'}") as store:
        assert store.models() == []
