"""What is found before anything is written: counted, with examples, and with the exact cure."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from interstore import Store, connect
from interstore.errors import ConfigurationError
from interstore.migration import Report, Transform
from interstore.migration.report import Blocker
from tests.migration.conftest import MakeStore, Migrate
from tests.migration.test_quarantine import Narrow


def _write(path: Path, records: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return str(path)


def _found(report: Report) -> dict[str, Blocker]:
    return {blocker.code: blocker for blocker in report.blockers}


def _cured(cure: str) -> Transform:
    """The transform that the cure tells people to add."""
    [option, value] = shlex.split(cure)[:2]
    path, _, codec = value.partition("=")
    assert option == "--codec"
    return Transform(codecs={path: codec})


@pytest.mark.parametrize(
    ("value", "code", "stored"),
    [
        (2**53, "integer", "09232379236109516800"),
        (-(2**63), "integer", "00000000000000000000"),
        (2**63, "integer", str(2**63)),
        (float("nan"), "non-finite", "nan"),
        (float("-inf"), "non-finite", "-inf"),
        ("a\0b", "nul", "ab"),
        ("a\ud83d", "surrogate", "a\ufffd"),
        ([{"b": 2**60}], None, None),
    ],
)
def test_what_documents_cannot_hold_comes_with_the_codec_that_cures_it(
    value: Any, code: str | None, stored: Any, tmp_path: Path, run: Migrate
) -> None:
    records = [{"id": f"r{n}", "a": value} for n in range(7)] + [{"id": "good", "a": None}]
    path = _write(tmp_path / "rows.jsonl", records)
    target = f"sqlite:{tmp_path / 'target.db'}"
    report = run(path, target)
    [blocker] = report.blockers
    assert report.exit_code == 5
    assert (blocker.count, blocker.ids) == (7, ["r0", "r1", "r2", "r3", "r4"])
    with connect(target) as store:
        assert store.models() == []
    if code is None:  # within an array of objects
        assert blocker.cure.startswith("--codec rows.a.b=int64 ")
    else:
        assert (blocker.code, blocker.model) == (code, "rows")
        assert "at a" in blocker.message
    assert run(path, target, transform=_cured(blocker.cure)).ok
    with connect(target) as store:
        held = store.get("rows", "r6")["a"]
        assert held == (stored if code else [{"b": "10376293541461622784"}])


def test_records_that_cannot_be_documents_block_or_are_set_aside(
    tmp_path: Path, run: Migrate
) -> None:
    path = tmp_path / "rows.jsonl"
    _write(path, [{"id": "a"}, {"n": 1}, {"id": " b"}, {"id": ["c"]}, {"id": "d", "k\0": 1}])
    with path.open("a") as file:
        file.write("oops\n")
    target = f"sqlite:{tmp_path / 'target.db'}"
    found = _found(run(str(path), target))
    assert {code: blocker.count for code, blocker in found.items()} == {
        "no-id": 1,
        "bad-id": 1,
        "unreadable": 2,
        "key": 1,
    }
    assert found["no-id"].cure.startswith("--id-from")
    report = run(str(path), target, set_aside=["no-id", "bad-id", "unreadable", "key"])
    assert (report.status, report.totals.written, report.totals.quarantined) == ("quarantine", 1, 5)
    assert {warning.code for warning in report.warnings} == set(found)
    assert {item.code for item in report.models[0].refused} == set(found)
    quarantine = Path(report.folder) / "quarantine" / "rows.jsonl"
    held = [json.loads(line)["document"] for line in quarantine.read_text().splitlines()]
    assert any(document.get("text") == "oops" for document in held)
    assert all("document" not in line for line in _journal(report))


def _journal(report: Report) -> list[str]:
    return (Path(report.folder) / "journal.jsonl").read_text().splitlines()


def test_only_what_is_about_single_documents_can_be_set_aside(tmp_path: Path, run: Migrate) -> None:
    path = _write(tmp_path / "rows.jsonl", [{"id": "a"}, {"id": "a"}])
    assert "duplicate-ids" in _found(run(path, "memory:"))
    for code in ("duplicate-ids", "expiry", "no-such"):
        with pytest.raises(ConfigurationError, match="cannot be set aside"):
            run(path, "memory:", set_aside=[code])


def test_an_id_of_its_own_is_not_lost_beside_the_one_that_is_named(
    tmp_path: Path, run: Migrate
) -> None:
    path = _write(tmp_path / "rows.jsonl", [{"_id": {"$oid": "a1"}, "id": 7}])
    target = f"sqlite:{tmp_path / 'target.db'}"
    options = Transform(codecs={"rows._id": "text"}, id_from="_id")
    [blocker] = run(path, target, transform=options).blockers
    assert (blocker.code, blocker.ids) == ("field-id", ["a1"])
    kept = Transform(codecs={"rows._id": "text"}, id_from="_id", rename={"id": "number"})
    assert run(path, target, transform=kept).ok
    with connect(target) as store:
        assert store.get("rows", "a1") == {"id": "a1", "_id": "a1", "number": "7"}


def test_documents_beyond_the_limits_of_the_target_are_set_aside(
    make_store: MakeStore, run: Migrate
) -> None:
    source = make_store("sqlite", "source")
    source.create("users", {"id": "long", "text": "x" * 1_000})
    source.create("users", {"id": "short"})
    with connect(database=Narrow()) as target:
        [blocker] = run(source, target).blockers
        assert (blocker.code, blocker.ids) == ("too-large", ["long"])
        assert "1,000 bytes" in blocker.message
        shortened = run(source, target, transform=Transform(drop=["text"]))
        assert shortened.ok


@pytest.fixture
def indexed(make_store: MakeStore) -> Store:
    target = make_store("sqlite", "target")
    target.ensure_index("users", "mail", unique=True)
    target.ensure_index("users", "age", type="number")
    return target


def test_duplicates_under_a_unique_index_of_the_target_are_found(
    indexed: Store, make_store: MakeStore, run: Migrate
) -> None:
    source = make_store("json", "source")
    mails = ["a", "b", "a", None, None, "b", "b", 1, True]
    source.create_many("users", [{"id": f"u{n}", "mail": mail} for n, mail in enumerate(mails)])
    source.create("users", {"id": "u9", "age": "old"})
    found = _found(run(source, indexed))
    assert (found["duplicate"].count, found["duplicate"].ids) == (3, ["u2", "u5", "u6"])
    assert "index on mail (unique)" in found["duplicate"].message
    assert (found["unfit"].count, found["unfit"].ids) == (1, ["u9"])
    report = run(source, indexed, set_aside=["duplicate", "unfit"])
    assert (report.status, report.totals.written, report.totals.quarantined) == ("quarantine", 6, 4)
    assert report.verification is not None
    assert report.verification.ok


def test_an_index_that_the_target_cannot_have_is_told_before(
    make_store: MakeStore, run: Migrate, cosmosdb_url: str
) -> None:
    source = make_store("json", "source")
    source.create("users", {"id": "u1", "mail": "a"})
    source.ensure_index("users", "mail", unique=True)
    report = run(source, cosmosdb_url, plan_only=True)
    assert report.status == "planned"
    [warning] = report.warnings
    assert (warning.code, warning.model) == ("no-index", "users")
    assert "unique" in warning.message


def test_the_cure_can_be_pasted_and_findings_do_not_grow_without_end(
    tmp_path: Path, run: Migrate
) -> None:
    path = _write(tmp_path / "rows.jsonl", [{"id": "a", "it's new": 2**60}])
    [blocker] = run(path, "memory:").blockers
    assert run(path, "memory:", transform=_cured(blocker.cure)).ok
    path = _write(tmp_path / "many.jsonl", [{"id": f"r{n}", f"f{n}": 2**60} for n in range(300)])
    found = run(path, "memory:").blockers
    assert len(found) == 201
    assert (found[-1].count, "(other fields)" in found[-1].message) == (100, True)


def test_a_plan_stops_there_whatever_is_found(tmp_path: Path, run: Migrate) -> None:
    path = _write(tmp_path / "rows.jsonl", [{"id": "a", "n": 2**60}, {"id": "b"}])
    target = f"sqlite:{tmp_path / 'target.db'}"
    assert run(path, target, plan_only=True).exit_code == 5
    planned = run(path, target, plan_only=True, set_aside=["integer"])
    assert (planned.status, planned.exit_code) == ("planned", 0)
    assert [(each.code, each.count) for each in planned.warnings] == [("integer", 1)]
    with connect(target) as store:
        assert store.models() == []
    text = planned.to_markdown()
    assert "1 document of rows with an integer beyond 2**53 - 1 at n, such as 'a': --codec" in text
