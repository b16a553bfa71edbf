"""Files that are cut, flipped, lost or foreign: an error that says where, or the same data."""

from __future__ import annotations

import json
import logging
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interstore.errors import ConfigurationError, CorruptionError, InterstoreError
from tests.engines.jsonfiles.support import changes, content, database, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four documents' worth of lines: two versions, a removal, an id with quotes, text."""
    path = tmp_path / "data"
    store = database(path)
    store.create("m", write("a", n=1))
    store.create("m", write('quote"\\d', text="é\u2028𝄞"))
    store.update("m", "a", changes({"$inc": {"n": 1}}))
    store.create("m", write("b", gone=True))
    store.delete("m", "b")
    store.create("m", write("z", n=[1, {"x": None}]))
    return path


def states(text: bytes) -> list[dict[str, tuple[int, Any]]]:
    """The content after each line, the header first."""
    found: dict[str, tuple[int, Any]] = {}
    result = [dict(found)]
    for line in text.splitlines()[1:]:
        record = json.loads(line)
        if record["doc"] is None:
            del found[record["id"]]
        else:
            found[record["id"]] = (record["v"], record["doc"])
        result.append(dict(found))
    return result


def test_the_lines_are_what_they_say(folder: Path) -> None:
    text = (folder / "m.jsonl").read_bytes()
    assert states(text)[-1] == content(database(folder))
    for line in text.splitlines():
        assert re.match(rb'\{"crc":"[0-9a-f]{8}","(id|interstore)":', line)
    assert (folder / "m.jsonl").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_cut_at_every_byte(folder: Path, tmp_path: Path) -> None:
    text = (folder / "m.jsonl").read_bytes()
    expected = states(text)
    header = text.index(b"\n")
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(folder / "interstore.json", copy)
    for cut in range(len(text) + 1):
        (copy / "m.jsonl").write_bytes(text[:cut])
        if cut <= header:
            with pytest.raises(CorruptionError):
                content(database(copy))
            continue
        whole = text.count(b"\n", 0, cut)
        whole += text[cut : cut + 1] == b"\n"  # a line that lacks only its newline counts
        assert content(database(copy)) == expected[whole - 1], cut
        database(copy).create("m", write("new"))
        assert content(database(copy)).keys() == {*expected[whole - 1], "new"}


def _problem(folder: Path, expected: dict[str, tuple[int, Any]]) -> InterstoreError | None:
    """The error on reading a folder, or nothing if it holds what it should."""
    try:
        store = database(folder)
        assert content(store) == expected
        assert store.models() == ["m"]
    except (CorruptionError, ConfigurationError) as error:
        return error
    return None


@pytest.mark.parametrize("name", ["m.jsonl", "interstore.json"])
def test_every_flipped_bit(folder: Path, name: str) -> None:
    path = folder / name
    text = path.read_bytes()
    expected = content(database(folder))
    unnoticed = []
    for place in range(len(text)):
        for bit in range(8):
            damaged = bytearray(text)
            damaged[place] ^= 1 << bit
            path.write_bytes(damaged)
            problem = _problem(folder, expected)
            if problem is None:
                unnoticed.append(place)
            elif isinstance(problem, CorruptionError):
                assert problem.file is not None
                assert problem.offset is not None
            else:
                assert "format" in str(problem)  # a flip in the version of the format
    if name == "m.jsonl":
        assert not unnoticed
    else:
        # In the manifest: the time of creation, and white space.
        assert len(set(unnoticed)) < len(text) / 2


def test_the_error_names_file_and_offset(folder: Path) -> None:
    path = folder / "m.jsonl"
    text = path.read_bytes()
    place = text.index(b'{"crc"', text.index(b"\n"))
    path.write_bytes(text.replace(b'"n":1', b'"n":7', 1))
    with pytest.raises(CorruptionError) as caught:
        database(folder).find_by_id("m", "a")
    assert caught.value.file == str(path)
    assert caught.value.offset == place
    assert "interstore repair" in str(caught.value)


@pytest.mark.parametrize("nuls", [0, 1, 4096])
def test_an_unfinished_line_is_moved_aside_and_reported(
    folder: Path, nuls: int, caplog: pytest.LogCaptureFixture
) -> None:
    path, expected = folder / "m.jsonl", content(database(folder))
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(b'{"crc":"01234567","id":"to' + bytes(nuls))
    with caplog.at_level(logging.WARNING):
        store = database(folder)
        assert content(store) == expected
    assert path.stat().st_size == size
    assert (folder / "m.jsonl.torn").read_bytes().startswith(b'{"crc":"01234567","id":"to')
    assert str(path) in caplog.text
    assert store.stats().models["m"].details["torn"] > 26
    store.create("m", write("next"))
    assert content(database(folder)).keys() == {*expected, "next"}


def test_a_tail_of_nul_bytes(folder: Path) -> None:
    expected = content(database(folder))
    with (folder / "m.jsonl").open("ab") as file:
        file.write(bytes(10_000))
    assert content(database(folder)) == expected


@pytest.mark.parametrize("nuls", [0, 1, 5000])
def test_a_whole_record_without_newline_is_kept(folder: Path, nuls: int) -> None:
    path, expected = folder / "m.jsonl", content(database(folder))
    text = path.read_bytes()
    path.write_bytes(text[:-1] + bytes(nuls))
    assert content(database(folder)) == expected
    assert path.read_bytes() == text


def test_a_writer_that_is_open_settles_what_another_left(folder: Path) -> None:
    store = database(folder)
    before = content(store)
    with (folder / "m.jsonl").open("ab") as file:
        file.write(b'{"crc":"0123')
    assert content(store) == before  # as if somebody were still writing
    store.create("m", write("after"))
    assert content(database(folder)).keys() == {*before, "after"}


def test_damage_is_told_again_at_each_call(folder: Path) -> None:
    path = folder / "m.jsonl"
    path.write_bytes(path.read_bytes()[:-1] + b"\x0b")
    store = database(folder)
    for _ in range(3):
        with pytest.raises(CorruptionError, match="0x0b stands where a line ends"):
            store.find_by_id("m", "a")
        with pytest.raises(CorruptionError, match="0x0b"):
            store.create("m", write("new"))


def _empty(folder: Path) -> None:
    (folder / "m.jsonl").write_bytes(b"")


def _lose(folder: Path) -> None:
    (folder / "m.jsonl").unlink()


def _lose_manifest(folder: Path) -> None:
    (folder / "interstore.json").unlink()


def _foreign_lines(folder: Path) -> None:
    (folder / "m.jsonl").write_text('{"a": 1}\n{"a": 2}\n')


def _foreign_json(folder: Path) -> None:
    (folder / "m.jsonl").write_text(json.dumps([{"a": 1}], indent=2))


def _another_model(folder: Path) -> None:
    database(folder).create("other", write("x"))
    shutil.copy(folder / "other.jsonl", folder / "m.jsonl")


def _blank_line(folder: Path) -> None:
    with (folder / "m.jsonl").open("ab") as file:
        file.write(b"\n")


def _twice(folder: Path) -> None:
    text = (folder / "m.jsonl").read_bytes()
    (folder / "m.jsonl").write_bytes(text + text)


def _zeroed(folder: Path) -> None:
    text = (folder / "m.jsonl").read_bytes()
    (folder / "m.jsonl").write_bytes(text[:100] + bytes(50) + text[150:])


@pytest.mark.parametrize(
    "damage",
    [
        _empty,
        _lose,
        _lose_manifest,
        _foreign_lines,
        _foreign_json,
        _another_model,
        _blank_line,
        _twice,
        _zeroed,
    ],
)
def test_foreign_damage_is_never_an_empty_database(
    folder: Path, damage: Callable[[Path], None]
) -> None:
    damage(folder)
    for attempt in (
        lambda: database(folder).find_by_id("m", "a"),
        lambda: content(database(folder)),
        lambda: database(folder).create("m", write("new")),
    ):
        with pytest.raises(CorruptionError) as caught:
            attempt()
        assert caught.value.file is not None


def test_a_file_that_the_manifest_does_not_list(folder: Path) -> None:
    shutil.copy(folder / "m.jsonl", folder / "other.jsonl")
    store = database(folder)
    with pytest.raises(CorruptionError, match="manifest does not list"):
        store.find_by_id("other", "a")
    with pytest.raises(CorruptionError, match="manifest does not list"):
        store.create("other", write("b"))
    assert store.find_by_id("m", "a") is not None


def test_a_file_cut_while_it_is_open(folder: Path) -> None:
    store = database(folder)
    content(store)
    path = folder / "m.jsonl"
    text = path.read_bytes()
    path.write_bytes(text[: text.rindex(b"\n", 0, -1) + 1])
    with pytest.raises(CorruptionError, match="ends here"):
        store.find_by_id("m", "a")
    with pytest.raises(CorruptionError, match="ends here"):
        store.create("m", write("more"))


def test_a_newer_format_is_refused(folder: Path) -> None:
    path = folder / "interstore.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(ConfigurationError, match="format 2"):
        database(folder)


def test_leftovers_of_killed_processes_are_removed(folder: Path) -> None:
    expected = content(database(folder))
    for name in ("m.jsonl.compact", "other.jsonl.new", "interstore.json.new"):
        (folder / name).write_bytes(b"half")
    store = database(folder)
    assert content(store) == expected
    assert {path.name for path in folder.iterdir()} == {
        "interstore.json",
        "interstore.lock",
        "m.jsonl",
    }


def test_a_folder_that_is_removed_is_not_begun_anew(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    store = database(folder)
    store.create("m", write("a"))
    shutil.rmtree(folder)
    folder.mkdir()
    for _ in range(2):
        with pytest.raises(CorruptionError, match="the manifest is lost"):
            store.create("m", write("b"))
    assert not (folder / "m.jsonl").exists()
