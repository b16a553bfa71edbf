"""Repair after edits by hand, and of what is beyond it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from interstore.errors import CorruptionError, UnavailableError
from interstore_backends.jsonfiles.repair import repair
from tests.engines.jsonfiles.support import changes, content, database, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store = database(tmp_path)
    store.create("m", write("a", name="Ada", n=1))
    store.create("m", write("b", name="Bob"))
    store.update("m", "a", changes({"$inc": {"n": 1}}))
    return tmp_path


def test_nothing_to_do(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    report = repair(str(folder))
    assert not report.changed
    assert [each.lines for each in report.files] == [3]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_an_edit_by_hand_is_taken_up(folder: Path) -> None:
    path = folder / "m.jsonl"
    original = path.read_text()
    path.write_text(original.replace("Bob", "Robert").replace('"n":2', '"n" : 3.0'))
    with pytest.raises(CorruptionError):
        content(database(folder))
    report = repair(str(folder))
    assert content(database(folder)) == {
        "a": (2, {"name": "Ada", "n": 3}),
        "b": (1, {"name": "Robert"}),
    }
    assert report.changed
    assert (report.files[0].mended, report.files[0].damaged) == (2, 0)
    backup = report.files[0].backup
    assert backup is not None
    assert "Robert" in Path(backup).read_text()
    assert not repair(str(folder)).changed


def test_lines_written_and_removed_by_hand(folder: Path) -> None:
    path = folder / "m.jsonl"
    header, first, *_ = path.read_text().splitlines()
    record = json.loads(first)
    record |= {"id": 'n"ew', "doc": {"x": [1, {"é": None}]}}
    del record["crc"]
    removal = {"id": "gone", "v": 1, "at": record["at"], "doc": None}
    path.write_text("\n".join([first, "", json.dumps(record), json.dumps(removal)]))
    report = repair(str(folder))
    assert content(database(folder)) == {
        "a": (1, {"name": "Ada", "n": 1}),
        'n"ew': (1, {"x": [1, {"é": None}]}),
    }
    assert report.files[0].lines == 3
    assert path.read_text().count("interstore") == 1
    assert header not in path.read_text()


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        '{"crc":"01234567","id":"x","v":1,"at":"2026',
        '{"id":"","v":1,"at":"2026-01-31T12:00:00.000000Z","doc":{}}',
        '{"id":"x","v":0,"at":"2026-01-31T12:00:00.000000Z","doc":{}}',
        '{"id":"x","v":1,"at":"yesterday","doc":{}}',
        '{"id":"x","v":1,"at":5,"doc":{}}',
        '{"id":"x","v":1,"at":"2026-01-31T12:00:00.000000Z","doc":[]}',
        '{"id":"x","v":1,"at":"2026-01-31T12:00:00.000000Z","doc":{"n":9007199254740993}}',
        '{"id":"x","v":1,"at":"2026-01-31T12:00:00.000000Z","doc":{"s":"\\u0000"}}',
        '{"id":"x","v":1,"at":"2026-01-31T12:00:00.000000Z","doc":{},"more":1}',
        '{"id":"x","v":1,"at":"2026-01-31T12:00:00.000000Z"}',
        "[]",
        "\udcff\udcfe",
    ],
)
def test_hopeless_lines_are_set_aside(folder: Path, line: str) -> None:
    path, expected = folder / "m.jsonl", content(database(folder))
    text = path.read_bytes()
    cut = text.index(b"\n") + 1
    damaged = line.encode(errors="surrogateescape")
    path.write_bytes(text[:cut] + damaged + b"\n" + text[cut:])
    report = repair(str(folder))
    assert report.files[0].damaged == 1
    assert (folder / "m.jsonl.damaged").read_bytes() == damaged + b"\n"
    assert content(database(folder)) == expected
    assert path.read_bytes() == text


def test_a_lost_manifest_is_made_anew(folder: Path) -> None:
    database(folder).create("other", write("x"))
    (folder / "interstore.json").unlink()
    (folder / "not a model.jsonl").write_text("")
    report = repair(str(folder))
    assert report.listed == ["m", "other"]
    assert report.ignored == ["not a model.jsonl"]
    assert database(folder).models() == ["m", "other"]


def test_a_damaged_manifest_is_made_anew(folder: Path) -> None:
    expected = content(database(folder))
    (folder / "interstore.json").write_text('{"format": 1, "mod')
    assert repair(str(folder)).listed == ["m"]
    assert content(database(folder)) == expected
    assert [path.read_text() for path in folder.glob("interstore.json.backup-*")]


def test_a_lost_file_is_taken_off_the_manifest_and_reported(folder: Path) -> None:
    database(folder).create("other", write("x"))
    (folder / "m.jsonl").unlink()
    report = repair(str(folder))
    assert report.lost == ["m"]
    assert database(folder).models() == ["other"]


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no such folder"):
        repair(str(tmp_path / "missing"))
    assert not (tmp_path / "missing").exists()
