"""`export`: formats that come back as they went, and files that are whole or not there."""

from __future__ import annotations

import io
import json
import os
import stat
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import interstore
from interstore.cli import exporting
from tests.cli.running import run, run_process

DOCUMENTS: list[dict[str, Any]] = [
    {"id": "a", "n": 1, "t": 'é, "x"\r\ny'},
    {"id": "b", "l": [1, {"x": None}], "none": None, "yes": True},
    {"id": "c"},
]


@pytest.fixture
def filled(url: str) -> None:
    with interstore.connect() as store:
        store.create_many("m", DOCUMENTS)


@pytest.mark.parametrize("ending", ["json", "jsonl", "csv"])
def test_what_goes_out_comes_back(filled: None, ending: str) -> None:
    found = run("export", "m", "--output", f"out.{ending}")
    assert (found.code, found.out) == (0, "")
    assert found.err == f"3 documents of m are in out.{ending}\n"
    convert = ["--convert"] if ending == "csv" else []
    assert run("import", "again", f"out.{ending}", *convert).code == 0
    with interstore.connect() as store:
        assert store.find("again").to_list() == DOCUMENTS
    assert run_process("export", "m", "--format", ending).out.encode().replace(b"\r", b"") == Path(
        f"out.{ending}"
    ).read_bytes().replace(b"\r", b"")


@pytest.mark.parametrize("where", [[], ["--output", "out.csv"]], ids=["to a pipe", "to a file"])
def test_what_expires_is_pointed_out(filled: None, where: list[str]) -> None:
    with interstore.connect() as store:
        store.put("m", {"id": "d"}, expires_at=timedelta(hours=1))
        store.put("m", {"id": "gone"}, expires_at=timedelta(seconds=-1))
    found = run("export", "m", *where)
    assert found.code == 0
    assert "1 of them expire, which a file does not say" in found.err
    assert "gone" not in found.out + (Path("out.csv").read_text() if where else "")
    assert "expire" not in run("export", "m", "--where", '{"id": {"$lt": "d"}}').err


def test_formats(filled: None) -> None:
    assert json.loads(run("export", "m", "--format", "json").out) == DOCUMENTS
    assert run("export", "m").rows == DOCUMENTS
    header = run("export", "m", "--format", "csv").out.splitlines()[0]
    assert header == "id,n,t,l,none,yes"
    assert run("export", "m", "-w", '{"n":1}').rows == DOCUMENTS[:1]
    nothing = ("export", "m", "-w", '{"n":77}')
    assert run(*nothing).out == ""
    assert run(*nothing, "--format", "json").out == "[]\n"
    assert run(*nothing, "--format", "csv").out == "id\n"


def test_a_model_that_does_not_exist(filled: None) -> None:
    Path("out.json").write_text("older")
    found = run("export", "mm", "-o", "out.json")
    assert found.code == 1
    assert "there is no model 'mm'; did you mean 'm'? (there are m)" in found.err
    assert Path("out.json").read_text() == "older"


def test_a_file_is_whole_or_as_it_was(filled: None, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("out.json").write_text("older")

    def fail(document: Any) -> bytes:
        raise OSError(28, "No space left on device", "out.json")

    with monkeypatch.context() as patch:
        patch.setattr(exporting, "encode", fail)
        found = run("export", "m", "-o", "out.json")
    assert (found.code, found.err) == (1, "interstore: out.json: No space left on device\n")
    assert Path("out.json").read_text() == "older"
    assert not list(Path().glob("*.tmp"))
    assert run("export", "m", "-o", "out.json").code == 0
    assert json.loads(Path("out.json").read_text()) == DOCUMENTS


def test_links_and_devices_stay_what_they_are(filled: None) -> None:
    Path("real.jsonl").write_text("older")
    Path("link.jsonl").symlink_to("real.jsonl")
    assert run("export", "m", "-o", "link.jsonl").code == 0
    assert Path("link.jsonl").is_symlink()
    assert len(Path("real.jsonl").read_text().splitlines()) == 3
    os.mkfifo("pipe")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert run("export", "m", "-o", "pipe", "--format", "jsonl").code == 0
    assert os.read(reader, 100_000) == Path("real.jsonl").read_bytes()
    os.close(reader)
    assert stat.S_ISFIFO(Path("pipe").stat().st_mode)


def test_a_folder_that_is_not_there(filled: None) -> None:
    found = run("export", "m", "-o", "no/out.json")
    assert found.code == 1
    assert "No such file or directory" in found.err


def test_a_table_whose_columns_change_meanwhile() -> None:
    passes = iter([DOCUMENTS[:1], DOCUMENTS])

    def read() -> Iterable[Any]:
        return next(passes)

    with pytest.raises(interstore.InterstoreError, match=r"changed while they were .*'l'"):
        exporting._write_csv(io.BytesIO(), read)
