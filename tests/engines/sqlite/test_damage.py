"""Files that are no database, damaged, forbidden, or on a full disk: typed errors that help."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from interstore.errors import (
    ConfigurationError,
    CorruptionError,
    InterstoreError,
    UnavailableError,
)
from interstore.filters.tree import ALL
from interstore.prepared import Query
from interstore_backends.sqlite.database import SQLiteDatabase
from tests.engines.sqlite.support import Open, changes, ids, query, write


@pytest.fixture
def filled(opened: Open, path: str) -> Path:
    """A database of some pages, closed."""
    database = opened()
    database.create_many("m", [write(f"{n:04}", {"n": n, "x": "x" * 300}) for n in range(500)])
    database.disconnect()
    return Path(path)


def use(database: SQLiteDatabase) -> None:
    """Read all that there is, and write."""
    found = list(database.find("m", query({"n": {"$gte": 0}}, "n")))
    assert len(found) == database.count("m", ALL) == 500
    for document in found:
        assert database.find_by_id("m", document.id) == document
    database.update("m", found[-1].id, changes({"n": 1}))


@pytest.mark.parametrize("content", [b"not a database, but long enough for a header " * 40, b"xy"])
def test_a_file_that_is_no_database(opened: Open, path: str, content: bytes) -> None:
    Path(path).parent.mkdir()
    Path(path).write_bytes(content)
    with pytest.raises(CorruptionError, match=r"no SQLite database.*Restore a backup") as caught:
        opened()
    assert caught.value.file == path
    assert Path(path).read_bytes() == content


@pytest.mark.parametrize("kept", [100, 512, 1024, 4096, 8192, 20_000, 50_000])
def test_a_file_cut_short(opened: Open, filled: Path, kept: int) -> None:
    os.truncate(filled, kept)
    with pytest.raises(CorruptionError) as caught:
        use(opened())
    assert caught.value.file == str(filled)


def test_a_file_cut_to_nothing_is_a_new_database(opened: Open, filled: Path) -> None:
    os.truncate(filled, 0)
    assert opened().models() == []


@pytest.mark.parametrize("page", [0, 7, 10, 20, 40])
def test_a_page_of_noise(opened: Open, filled: Path, page: int) -> None:
    with filled.open("r+b") as file:
        file.seek(4096 * page)
        file.write(bytes(range(256)) * 16)
    with pytest.raises(CorruptionError) as caught:
        use(opened())
    assert caught.value.file == str(filled)


def test_flipped_bits_are_typed_errors(opened: Open, filled: Path) -> None:
    """SQLite keeps no checksums: a bit of a value changes it; in the structure it is found."""
    sound, found = filled.read_bytes(), 0
    for offset in range(0, len(sound), 1_777):
        filled.write_bytes(sound)
        with filled.open("r+b") as file:
            file.seek(offset)
            file.write(bytes([sound[offset] ^ 0x40]))
        try:
            use(opened())
        except CorruptionError:
            found += 1
        except (InterstoreError, AssertionError):
            pass
        for suffix in ("-wal", "-shm"):
            Path(f"{filled}{suffix}").unlink(missing_ok=True)
    assert found


def test_a_folder_in_place_of_the_file(opened: Open, path: str) -> None:
    Path(path).mkdir(parents=True)
    with pytest.raises(ConfigurationError, match="is a folder; the path must name a file"):
        opened()


def test_a_file_in_place_of_the_folder(opened: Open, path: str) -> None:
    Path(path).parent.write_text("")
    with pytest.raises(ConfigurationError, match=r"cannot be made: .*; change DATABASE_PATH"):
        opened()


FORBIDDEN = """
import os, sys
from interstore.errors import PermissionDeniedError
from interstore_backends.sqlite.database import SQLiteDatabase
from interstore_backends.sqlite.settings import SQLiteSettings
database = SQLiteDatabase(SQLiteSettings(path=sys.argv[1]))
if os.getuid() == 0:  # who is allowed everything
    os.setuid(65534)
try:
    database.connect()
except PermissionDeniedError as error:
    print(error)
"""


@pytest.mark.parametrize("mode", [0o444, 0o000])
def test_a_file_that_may_not_be_written(filled: Path, mode: int) -> None:
    filled.chmod(mode)
    folder = filled.parent
    folder.chmod(0o555)
    for above in list(folder.parents)[:4]:
        above.chmod(0o755)
    command = [sys.executable, "-c", FORBIDDEN, str(filled)]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    finally:
        folder.chmod(0o755)
    assert str(filled) in said
    assert "check the permissions of the file and of its folder" in said


def test_a_full_disk(opened: Open, filled: Path) -> None:
    database = opened()
    native = database.native
    [(pages,)] = native.execute("PRAGMA page_count").fetchall()
    native.execute(f"PRAGMA max_page_count = {pages + 3}")
    large = {"x": "x" * 100_000}
    for call in (
        lambda: database.create("m", write("large", large)),
        lambda: database.put("m", write("large", large)),
        lambda: database.update("m", "0001", changes(large)),
        lambda: database.create_many("m", [write("small"), write("large", large)]),
    ):
        with pytest.raises(UnavailableError, match="disk full; what was stored before"):
            call()
    assert ids(database, {"id": {"$in": ["small", "large"]}}) == []
    assert database.count("m", ALL) == 500
    native.execute("PRAGMA max_page_count = 1000000")
    database.create("m", write("large", large))


FULL = """
import resource, signal, sys
from interstore.errors import UnavailableError
from interstore.prepared import Query
from tests.engines.sqlite.workers import opened
from tests.engines.sqlite.support import write
database = opened(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
stored = 0
try:
    for number in range(1_000):
        database.create("more", write(str(number), {"x": "x" * 3_000}))
        stored += 1
except UnavailableError as error:
    print(error)
assert stored > 10
assert len(list(database.find("more", Query()))) == stored
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no limit on files here")
def test_writing_fails(opened: Open, filled: Path) -> None:
    command = [sys.executable, "-c", FULL, str(filled)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "the disk failed" in done.stdout or "disk full" in done.stdout
    database = opened()
    assert database.count("m", ALL) == 500
    assert len(list(database.find("more", Query()))) > 10


def test_a_lost_table_is_not_an_empty_model(opened: Open, filled: Path) -> None:
    database = opened()
    database.native.execute("DROP TABLE m")
    with pytest.raises(CorruptionError, match="no such table: m"):
        database.find_by_id("m", "0001")
    with pytest.raises(CorruptionError, match="no such table: m"):
        database.create("m", write("a"))
