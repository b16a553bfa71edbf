"""`import`: formats, ids, duplicates, and what is refused before anything is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import interstore
from tests.cli.running import run, run_process, run_terminal


def _stored(model: str = "m") -> dict[str, dict[str, Any]]:
    with interstore.connect() as store:
        return {document.id: document.fields() for document in store.find(model)}


def _models() -> list[str]:
    with interstore.connect() as store:
        return store.models()


RECORDS = {"a": {"n": 1}, "b": {"n": 2.5, "t": "é", "l": [1, {"x": None}]}}
JSON = '[{"id":"a","n":1},{"id":"b","n":2.5,"t":"é","l":[1,{"x":null}]}]'
JSONL = '{"id":"a","n":1}\n\n  {"id":"b","n":2.5,"t":"é","l":[1,{"x":null}]}'


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.json", JSON),
        ("x.json", f"\ufeff\n{JSON}\n"),
        ("x.jsonl", JSONL),
        ("x.NDJSON", f"\ufeff{JSONL}\r\n"),
    ],
)
def test_json_and_json_lines(url: str, name: str, text: str) -> None:
    Path(name).write_text(text, newline="")
    found = run("import", "m", name)
    assert found.rows == [{"model": "m", "file": name, "created": 2, "replaced": 0, "skipped": 0}]
    assert _stored() == RECORDS


CSV = '\ufeffid,n,t\r\na,1,"line\r\nbreak, ""quoted"""\r\n\r\nb,007,\r\nc,"[1,{}]",null\r\n'


def test_csv_is_text_unless_told(url: str) -> None:
    Path("x.csv").write_text(CSV, newline="")
    assert run("import", "m", "x.csv").code == 0
    assert _stored() == {
        "a": {"n": "1", "t": 'line\r\nbreak, "quoted"'},
        "b": {"n": "007", "t": ""},
        "c": {"n": "[1,{}]", "t": "null"},
    }
    assert run("import", "n", "x.csv", "--convert").code == 0
    assert _stored("n") == {
        "a": {"n": 1, "t": 'line\r\nbreak, "quoted"'},
        "b": {"n": "007"},
        "c": {"n": [1, {}], "t": None},
    }


def test_csv_with_another_delimiter_from_the_standard_input(url: str) -> None:
    arguments = ("import", "m", "-", "--format", "csv", "--delimiter", ";")
    assert run_process(*arguments, stdin="id;n\na;1,5\n").code == 0
    assert _stored() == {"a": {"n": "1,5"}}


def test_a_folder_of_arrays(url: str) -> None:
    folder = Path("folder")
    folder.mkdir()
    (folder / "users.json").write_text('[{"id":"u1"},{"id":"u2"}]')
    (folder / "orders.json").write_text("[]")
    (folder / "README.md").write_text("not data")
    found = run("import", "folder")
    assert [(row["model"], row["created"]) for row in found.rows] == [("orders", 0), ("users", 2)]
    assert _stored("users") == {"u1": {}, "u2": {}}
    assert "a model of its own: interstore import folder" in run("import", "m", "folder").err
    (folder / "bad.json").write_text('[{"id":"x"},{"id":5}]')
    (folder / "users.json").write_text('[{"id":"u3"}]')
    refused = run("import", "folder")
    assert (refused.code, refused.out) == (1, "")
    assert "folder/bad.json, record 2: its id 5 is an int" in refused.err
    assert "u3" not in _stored("users")


def test_ids(url: str) -> None:
    Path("x.jsonl").write_text('{"code":7,"at":{"k":"x y"}}\n{"code":8,"at":{"k":"z"}}\n')
    assert run("import", "plain", "x.jsonl").code == 0
    assert all(len(id) == 36 for id in _stored("plain"))
    assert run("import", "m", "x.jsonl", "--id-from", "code").code == 0
    assert _stored() == {
        "7": {"code": 7, "at": {"k": "x y"}},
        "8": {"code": 8, "at": {"k": "z"}},
    }
    assert run("import", "n", "x.jsonl", "--id-from", "at.k").code == 0
    assert set(_stored("n")) == {"x y", "z"}
    assert "x.jsonl, line 1: there is nothing at 'no'" in (
        run("import", "o", "x.jsonl", "--id-from", "no").err
    )
    Path("y.jsonl").write_text('{"id":1}\n')
    assert "'--id-from id' turns numbers into texts" in run("import", "o", "y.jsonl").err
    assert run("import", "o", "y.jsonl", "--id-from", "id").code == 0
    assert _stored("o") == {"1": {}}
    Path("z.jsonl").write_text('{"id":"a","code":1}\n')
    assert "an 'id' of its own, 'a'" in run("import", "p", "z.jsonl", "--id-from", "code").err
    assert _models() == ["m", "n", "o", "plain"]


def test_duplicates(url: str) -> None:
    Path("x.jsonl").write_text('{"id":"a","n":1}\n{"id":"b","n":1}\n{"id":"a","n":2}\n')
    stopped = run("import", "m", "x.jsonl")
    assert stopped.code == 1
    assert "x.jsonl, line 3: " in stopped.err
    assert "'a'" in stopped.err
    assert stopped.err.endswith("stopped: 2 documents of this file were written to m\n")
    skipped = run("import", "m", "x.jsonl", "--on-duplicate", "skip").rows[0]
    assert (skipped["created"], skipped["skipped"]) == (0, 3)
    assert _stored() == {"a": {"n": 1}, "b": {"n": 1}}
    replaced = run("import", "m", "x.jsonl", "--on-duplicate", "replace").rows[0]
    assert (replaced["created"], replaced["replaced"]) == (0, 3)
    assert _stored() == {"a": {"n": 2}, "b": {"n": 1}}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.json", '{"id":"a"}', 'x.json is not a JSON array: it begins with \'{"id":"a"}\''),
        ("x.json", '{"id":"a"}\n{"id":"b"}', "(format jsonl is for one object a line)"),
        ("x.json", "", "x.json is not a JSON array: it is empty"),
        ("x.json", '[{"id":"a"}', "x.json is not a JSON array: it breaks off"),
        ("x.json", '[{"id":"a"},[]]', "x.json, record 2: it is not a JSON object"),
        ("x.json", '[{"n":9007199254740992}]', "x.json, record 1: at n: integer 9007199254740992"),
        ("x.json", '[{"n":"\\u0000"}]', "x.json, record 1: at n: the text"),
        ("x.jsonl", '{"a":1}\n{"a":\n', "x.jsonl, line 2: it is not a JSON object"),
        ("x.json", '[{"id":"a"}]]', "x.json is not a JSON array: something follows its end"),
        ("x.jsonl", '{"a":NaN}\n', "x.jsonl, line 1: at a: nan is not a number that can be stored"),
        ("x.jsonl", "[" * 100_000, "x.jsonl, line 1: it is not a JSON object"),
        ("x.jsonl", b'{"a":"\xff"}\n', "x.jsonl, line 1: it is not a JSON object"),
        ("x.jsonl", '{"id":" a"}\n', "x.jsonl, line 1: its id ' a' begins or ends with a space"),
        ("x.csv", "", "x.csv, line 1: there is no header"),
        ("x.csv", "a,a\n1,2\n", "x.csv, line 1: two columns are called 'a'"),
        ("x.csv", "a,\n1,2\n", "x.csv, line 1: a column has no name"),
        ("x.csv", "a,b\n1,2\n3\n", "x.csv, line 3: it has 1 cells, the header 2"),
        ("x.csv", 'a,b\n1,"2\n', "it is not CSV"),
        ("x.csv", b"a\n\xff\n", "convert it to UTF-8 first"),
        ("x.txt", "a", "say which format it is"),
        ("none.json", None, "interstore: none.json: No such file or directory"),
    ],
)
def test_a_malformed_file_writes_nothing(
    url: str, name: str, text: str | bytes | None, message: str
) -> None:
    Path("good.jsonl").write_text('{"id":"good"}\n')
    if text is not None:
        Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())
    found = run("import", "m", "good.jsonl", name)
    assert (found.code, found.out) == (1, "")
    assert message in found.err
    assert _models() == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["m"], "'m' is not a folder: interstore import MODEL FILE"),
        (["no such", "good.jsonl"], "model name 'no such' is not valid"),
        (["m", "good.jsonl", "--delimiter", "ab"], "a delimiter is one character, not 'ab'"),
        (["m", "good.jsonl", "--id-from", "@version"], "--id-from names a field"),
        (["m", "-"], "say which format it is"),
    ],
)
def test_wrong_usage(url: str, arguments: list[str], message: str) -> None:
    Path("good.jsonl").write_text('{"id":"good"}\n')
    found = run("import", *arguments)
    assert found.code == 1
    assert message in found.err
    assert _models() == []


def test_a_stream_stops_where_it_is_malformed_and_says_what_was_written(url: str) -> None:
    lines = [f'{{"id":"{n:05}"}}\n' for n in range(1500)]
    found = run("import", "m", "-", "--format", "jsonl", stdin="".join([*lines, "oops\n"]))
    assert found.code == 1
    assert "standard input, line 1501: it is not a JSON object" in found.err
    assert "stopped: 1,000 documents of this file were written to m" in found.err
    assert len(_stored()) == 1000


def test_a_person_gets_a_sentence(url: str) -> None:
    Path("x.jsonl").write_text('{"id":"a"}\n')
    assert run_terminal("import", "m", "x.jsonl").out == "m: 1 created (x.jsonl)\n"
    again = run_terminal("import", "m", "x.jsonl", "--on-duplicate", "skip")
    assert again.out == "m: 0 created, 1 skipped, as they exist (x.jsonl)\n"


@pytest.mark.long
def test_memory_is_bounded(url: str) -> None:
    import resource

    with Path("x.jsonl").open("w") as file:
        file.writelines(f'{{"id":"{n:07}","text":"{"x" * 500}"}}\n' for n in range(300_000))
    assert run_process("import", "m", "x.jsonl", "-u", "sqlite:///big.db").code == 0
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    assert peak < 150
