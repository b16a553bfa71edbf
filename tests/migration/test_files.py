"""Files of others as a source: JSON, JSON Lines and CSV, a page at a time."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from interstore import connect
from interstore.errors import ConfigurationError, InterstoreError
from interstore.files import File, Record, read_records
from interstore.files import arrays as arrays_module
from interstore.files.arrays import split_array
from interstore.migration import Limits, Transform, verify
from interstore.migration import plan as plan_module
from interstore.migration.state import load_plan
from interstore.prepared import Partition
from interstore_backends.files.cuts import Cuts
from tests.migration.conftest import Migrate

PIECES = ['a"b', "\\", '"\\"', ",", "[{", "é😀", "", 1, -1.5, None, True, "x" * 200]


def _value(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.random()
    if depth > 3 or kind < 0.3:
        return chance.choice(PIECES)
    if kind < 0.6:
        return [_value(chance, depth + 1) for _ in range(chance.randrange(4))]
    return {f"k{n}{chance.choice(PIECES[:5])}": _value(chance, depth + 1) for n in range(3)}


@pytest.mark.parametrize("chunk", [20, 33, 1 << 18])
def test_arrays_are_split_wherever_the_bytes_at_hand_end(
    chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays_module, "CHUNK", chunk)
    chance = random.Random(chunk)
    for number in range(40):
        values = [_value(chance) for _ in range(chance.randrange(8))]
        indent = chance.choice([None, 1])
        text = json.dumps(values, ensure_ascii=number % 2 == 0, indent=indent).encode()
        text = chance.choice([b"", b"\xef\xbb\xbf", b" \n"]) + text + b" \n"
        elements = list(split_array(BytesIO(text)))
        assert [json.loads(element.text) for element in elements] == values
        for index, element in enumerate(elements):
            assert text[element.start :].startswith(element.text)
            rest = BytesIO(text)
            rest.seek(element.end)
            following = [json.loads(each.text) for each in split_array(rest, element.end)]
            assert following == values[index + 1 :]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "empty"),
        (b"[1", "breaks off"),
        (b'["a', "breaks off"),
        (b"[1,", "breaks off"),
        (b"[1] 2", "follows its end"),
        (b'{"a":1}', "begins with"),
    ],
)
def test_what_is_no_array_is_refused(text: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        list(split_array(BytesIO(text)))


def test_an_element_without_end_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays_module, "LONGEST", 1_000_000)
    path = tmp_path / "x.json"
    path.write_bytes(b'[{"a":"' + b"x" * 3_000_000)
    with pytest.raises(InterstoreError, match="longer than 1,000,000 bytes"):
        list(read_records(File(str(path))))


_ROWS: list[dict[str, Any]] = [
    {"id": f"r{n:04}", "text": f'line\n{n} "quoted", é', "n": str(n)} for n in range(500)
]


def _json(path: Path) -> None:
    path.write_text(json.dumps(_ROWS, indent=1))


def _jsonl(path: Path) -> None:
    path.write_text("\n\n".join(json.dumps(row) for row in _ROWS))


def _csv(path: Path) -> None:
    import csv

    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, ["id", "text", "n"])
        writer.writeheader()
        writer.writerows(_ROWS)


WRITERS: dict[str, Callable[[Path], None]] = {"json": _json, "jsonl": _jsonl, "csv": _csv}


@pytest.fixture(params=sorted(WRITERS))
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"rows.{request.param}"
    WRITERS[request.param](path)
    return path


def test_reading_goes_on_after_any_record(file: Path) -> None:
    records = list(read_records(File(str(file))))
    assert [record.fields for record in records] == _ROWS
    for index in (0, 1, 250, 498, 499):
        rest = list(read_records(File(str(file)), records[index].end))
        assert [record.fields for record in rest] == _ROWS[index + 1 :]
        assert [record.start for record in rest] == [each.start for each in records[index + 1 :]]


_AWKWARD = {
    "jsonl": (
        '\ufeff\n{"id":"ä","t":"😀\u2028"}\r\n\n{"id":"b"}\n \n{"id":"c","t":"\u00e9\u0085"}\n'
        '{"id":"d","t":"x"}\nno object\n{"id":"é"}'
    ),
    "csv": '\ufeffid,t\nä,"😀\n"\n\nb,"""\n"\nc,"\r\n\n"\r\nd,\ntoo,many,cells\né,"\n"',
    "json": (
        '\ufeff[{"id":"ä","t":"]😀["},\n\n{"id":"b"} ,{"id":"c","t":"\\"},{"}, {"id":"d"},'
        '[1],\n{"id":"é"} ]'
    ),
}
_IDS = ["ä", "b", "c", "d", "é"]


@pytest.mark.parametrize("ending", sorted(_AWKWARD))
def test_a_file_is_divided_between_its_records(ending: str, tmp_path: Path) -> None:
    """Into any number of parts, and each is read on after any of its records."""
    path = tmp_path / f"rows.{ending}"
    path.write_bytes(_AWKWARD[ending].encode())
    engine = connect(f"files:{path}").database
    whole = [each["id"] for each in engine.scan("rows", Partition(), None, 99).documents]
    assert [id for id in whole if not id.startswith("@")] == _IDS
    assert len(whole) == len(_IDS) + 1  # the one that is no document
    for n in range(1, len(whole) + 3):
        parts = engine.partitions("rows", n)
        assert len(parts) == min(n, len(whole))
        for limit in (1, 2, 99):
            found: list[str] = []
            for part in parts:
                after = None
                while True:
                    page = engine.scan("rows", part, after, limit)
                    found += [each["id"] for each in page.documents]
                    if (after := page.next) is None:
                        break
            assert found == whole


def test_of_many_records_some_places_are_known() -> None:
    file = File("x.jsonl")
    cuts = Cuts(Record(file, "", 10 * number, 10 * number + 10) for number in range(50_000))
    parts = cuts.partitions(7)
    assert len(parts) == cuts.count // (cuts.count // 7)
    bounds = [part.token for part in parts]
    assert (bounds[0][0], bounds[-1][1]) == (0, None)
    assert [end for _, end in bounds[:-1]] == [start for start, _ in bounds[1:]]
    lengths = [(end or 500_000) - start for start, end in bounds]
    assert max(lengths) - min(lengths) <= 2 * 10 * 16
    assert Cuts([]).partitions(5) == [Partition()]


@pytest.mark.parametrize("executor", ["threads:3", "processes:2"])
def test_several_workers_read_a_file(
    executor: str, file: Path, tmp_path: Path, run: Migrate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_module, "LEAST_PER_PARTITION", 50)
    target, stop = f"sqlite:{tmp_path / 'target.db'}", Event()

    def halt(progress: Any) -> None:
        if progress.phase == "copy" and progress.done:
            stop.set()

    options: dict[str, Any] = {"limits": Limits(page=7, bytes=1), "executor": executor}
    first = run(str(file), target, progress=halt, stop=stop, **options)
    plan = load_plan(tmp_path / "state", first.run)
    assert len(plan.models[0].partitions) == (10 if executor == "threads:3" else 8)
    second = run(str(file), target, resume=first.run, **options)
    assert (second.status, second.totals.read, second.totals.written) == ("done", 500, 500)
    with connect(target) as store:
        assert [dict(each) for each in store.find("rows")] == _ROWS


def test_a_file_moves_and_is_verified(file: Path, tmp_path: Path, run: Migrate) -> None:
    target = f"sqlite:{tmp_path / 'target.db'}"
    report = run(str(file), target)
    assert (report.status, report.totals.read, report.totals.written) == ("done", 500, 500)
    assert report.verification is not None
    assert report.verification.compared == "id and fields"
    with connect(target) as store:
        assert [dict(each) for each in store.find("rows")] == _ROWS
        moved = store.get("rows", "r0007")
        assert (moved.version, moved.created) == (1, moved.updated)
        assert verify(str(file), target).ok
        store.update("rows", "r0007", {"n": "8"})
    found = verify(str(file), target).models[0].comparison
    assert found is not None
    assert found.different_ids == ["r0007"]


def test_a_stopped_run_goes_on_in_the_middle_of_a_file(
    file: Path, tmp_path: Path, run: Migrate
) -> None:
    target = f"sqlite:{tmp_path / 'target.db'}"
    stop = Event()

    def halt(progress: Any) -> None:
        if progress.phase == "copy" and progress.done:
            stop.set()

    limits = Limits(page=40, bytes=1)
    first = run(str(file), target, limits=limits, progress=halt, stop=stop)
    assert first.status == "stopped"
    assert 0 < first.totals.read < 500
    second = run(str(file), target, limits=limits, resume=first.run)
    assert (second.status, second.totals.read, second.sessions) == ("done", 500, 2)


def test_a_file_that_changed_is_not_gone_on_with(file: Path, tmp_path: Path, run: Migrate) -> None:
    target, stop = f"sqlite:{tmp_path / 'target.db'}", Event()
    limits = Limits(page=40, bytes=1)

    def halt(progress: Any) -> None:
        if progress.phase == "copy" and progress.done:
            stop.set()

    first = run(str(file), target, limits=limits, progress=halt, stop=stop)
    os.utime(file, ns=(0, 0))
    with pytest.raises(ConfigurationError, match=r"cannot be resumed .*the files.*--into merge"):
        run(str(file), target, limits=limits, resume=first.run)


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    _jsonl(path)
    with connect(f"files:{path}") as store:
        assert store.count("rows") == 500
        with path.open("a") as file:
            file.write("\n{}")
        with pytest.raises(ConfigurationError, match="has changed since it was opened"):
            store.find("rows").to_list()


def test_a_folder_is_a_model_for_each_file(tmp_path: Path, run: Migrate) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "users.jsonl").write_text('{"id":"u1"}\n')
    (folder / "2024-orders.csv").write_text("number;paid\n7;true\n")
    (folder / "notes.txt").write_text("not data")
    source = f"files:{folder}?delimiter=;&convert=true"
    target = f"sqlite:{tmp_path / 'target.db'}"
    with pytest.raises(InterstoreError, match="--map '2024-orders:NAME'"):
        run(source, target)
    transform = Transform(id_from="number", where={"number": 7})
    report = run(source, target, map={"2024-orders": "orders"}, transform=transform)
    assert (report.totals.read, report.totals.written, report.totals.filtered) == (2, 1, 1)
    with connect(target) as store:
        assert store.get("orders", "7") == {"id": "7", "number": 7, "paid": True}


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("users.jsonl", "users.csv"):
        (tmp_path / name).write_text("id\n1\n")
    with pytest.raises(ConfigurationError, match=r"users\.csv and users\.jsonl"):
        connect(f"files:{tmp_path}")


def test_a_store_of_json_files_is_no_folder_of_others(tmp_path: Path, run: Migrate) -> None:
    with connect(f"json:{tmp_path / 'ours'}") as store:
        store.create("users", {"id": "u1"})
    with pytest.raises(ConfigurationError, match=r"write json:.*ours"):
        run(str(tmp_path / "ours"), f"sqlite:{tmp_path / 'target.db'}")


def test_files_are_only_read(tmp_path: Path) -> None:
    (tmp_path / "users.jsonl").write_text('{"id":"u1"}\n')
    with connect(f"files:{tmp_path}") as store:
        for call in (
            lambda: store.create("users", {}),
            lambda: store.update("users", "u1", {"a": 1}),
            lambda: store.delete("users", "u1"),
        ):
            with pytest.raises(InterstoreError, match="only read"):
                call()
        assert store.get("users", "u1") == {"id": "u1"}
        assert store.count("users", {"id": "u2"}) == 0


@pytest.mark.long
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """A JSON array of 300 MB, in a process of its own."""
    import subprocess
    import sys

    path = tmp_path / "big.json"
    with path.open("w") as file:
        file.write("[")
        for number in range(300_000):
            comma = "," if number else ""
            file.write(f'{comma}{{"id":"{number:07}","text":"{"x" * 1_000}"}}\n')
        file.write("]")
    script = (
        "import resource, sys; from interstore.migration import migrate;"
        f"report = migrate({str(path)!r}, 'sqlite:{tmp_path / 'big.db'}', "
        f"state={str(tmp_path / 'state')!r});"
        "print(report.status, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()
    assert found[0] == "done"
    assert int(found[1]) < 200_000  # kilobytes
