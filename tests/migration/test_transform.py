"""Documents that are chosen, reshaped and given other ids on the way."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from interstore import Store, connect
from interstore.errors import ConfigurationError, InterstoreError
from interstore.migration import Limits, Transform, verify
from tests.migration.conftest import INTERSTORE, MakeStore, Migrate, contents

COUNT = 300


@pytest.fixture
def source(make_store: MakeStore) -> Store:
    store = make_store("sqlite", "source")
    rows = [
        {"id": f"u{n:03d}", "n": n, "name": {"first": f"F{n}", "last": f"L{n}"}, "secret": "x"}
        for n in range(COUNT)
    ]
    store.create_many("users", rows)
    store.update("users", "u007", {"again": True})
    return store


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where to write a module of transforms, called `reshape`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path / "reshape.py"
    sys.modules.pop("reshape", None)


def test_fields_are_chosen_moved_set_and_dropped(
    source: Store, make_store: MakeStore, run: Migrate
) -> None:
    target = make_store("json", "target")
    transform = Transform(
        where={"n": {"$gte": 5}},
        drop=["secret"],
        rename={"name.first": "given", "name.last": "family.name"},
        set={"origin.system": "old"},
    )
    report = run(source, target, transform=transform)
    assert (report.status, report.totals.read, report.totals.filtered) == ("done", COUNT, 5)
    assert report.totals.balanced
    assert target.count("users") == COUNT - 5
    moved = target.get("users", "u007")
    assert moved == {
        "id": "u007",
        "n": 7,
        "name": {},
        "given": "F7",
        "family": {"name": "L7"},
        "origin": {"system": "old"},
        "again": True,
    }
    assert (moved.version, moved.updated) == (2, source.get("users", "u007").updated)


def test_two_fields_change_places(make_store: MakeStore, run: Migrate) -> None:
    source, target = make_store("memory", "source"), make_store("memory", "target")
    source.create("users", {"id": "a", "x": 1, "y": [2]})
    source.create("users", {"id": "b", "x": 1})
    assert run(source, target, transform=Transform(rename={"x": "y", "y": "x"})).ok
    assert target.get("users", "a") == {"id": "a", "x": [2], "y": 1}
    assert target.get("users", "b") == {"id": "b", "y": 1}


@pytest.mark.parametrize("rename", [{"x": "y"}, {"id": "y"}])
def test_a_rename_writes_over_nothing(
    rename: dict[str, str], make_store: MakeStore, run: Migrate
) -> None:
    source, target = make_store("memory", "source"), make_store("memory", "target")
    source.create_many("users", [{"id": "a", "x": 1}, {"id": "b", "x": 1, "y": 2}])
    report = run(source, target, transform=Transform(rename=rename))
    [refused] = report.models[0].refused
    assert (report.status, refused.id, refused.code) == ("quarantine", "b", "transform")
    assert "'y' already" in refused.message
    assert "--drop y" in refused.message
    assert run(source, target, transform=Transform(rename=rename, drop=["y"]), into="replace").ok
    assert target.get("users", "b")["y"] == ("b" if "id" in rename else 1)


def test_a_field_that_may_be_mistyped_is_told(make_store: MakeStore, run: Migrate) -> None:
    source, target = make_store("memory", "source"), make_store("memory", "target")
    source.create("pets", {"id": "a", "secret": "x"})
    source.create("users", {"id": "a", "name": {"first": "Ada"}})
    transform = Transform(drop=["secret", "secrt"], rename={"name.first": "n", "name.lst": "l"})
    report = run(source, target, transform=transform)
    assert report.ok
    assert {each.code for each in report.warnings} == {"no-field"}
    assert [each.message.partition(":")[0] for each in report.warnings] == [
        "--drop secrt",
        "--rename name.lst=l",
    ]


@pytest.mark.parametrize("level", ["count", "digest", "full"])
def test_the_target_is_verified_against_the_transformed_source(
    level: str, source: Store, make_store: MakeStore, run: Migrate
) -> None:
    target = make_store("sqlite", "target")
    options: dict[str, Any] = {
        "transform": Transform(where={"n": {"$lt": 100}}, id_from="name.first"),
        "level": level,
    }
    first = run(source, target, **options)
    assert first.ok
    assert target.count("users") == 100
    assert target.get("users", "F42")["n"] == 42
    target.create("users", {"id": "F100", "n": 100})  # of a document that was left out
    if level != "count":
        target.update("users", "F7", {"n": -7})
        target.delete("users", "F8")
    again = run(source, target, resume=first.run, **options)
    assert again.status == "mismatch"
    if level != "count":
        assert again.verification is not None
        found = again.verification.models[0].comparison
        assert found is not None
        assert (found.extra_ids, found.different_ids) == (["F100"], ["F7"])
        assert found.missing_ids == ["F8"]


def test_ids_that_would_be_given_twice_are_found_before_anything_is_written(
    source: Store, make_store: MakeStore, run: Migrate
) -> None:
    target = make_store("sqlite", "target")
    report = run(source, target, transform=Transform(set={"k": "same"}, id_from="k"))
    assert report.exit_code == 5
    assert [(blocker.code, blocker.count) for blocker in report.blockers] == [
        ("duplicate-ids", COUNT - 1)
    ]
    assert target.models() == []


def test_a_document_without_the_new_id_goes_to_quarantine(
    source: Store, make_store: MakeStore, run: Migrate
) -> None:
    target = make_store("sqlite", "target")
    source.update("users", "u003", {"$unset": ["name.first"]})
    source.update("users", "u004", {"$set": {"name.first": " spaced"}})
    report = run(source, target, transform=Transform(id_from="name.first"))
    assert report.status == "quarantine"
    refused = {item.id: (item.code, item.message) for item in report.models[0].refused}
    assert {code for code, _ in refused.values()} == {"transform"}
    assert "'name.first', which needs a string or an integer" in refused["u003"][1]
    assert "begins or ends with a space" in refused["u004"][1]
    assert report.verification is not None
    assert report.verification.ok
    assert report.totals.balanced


def test_a_function_of_ones_own(
    source: Store, make_store: MakeStore, run: Migrate, module: Path
) -> None:
    module.write_text(
        "def people(model, document):\n"
        "    if document['n'] % 2:\n"
        "        return None\n"
        "    if document['n'] == 10:\n"
        "        raise ValueError('ten')\n"
        "    return {'id': model + '-' + document.id, 'half': document['n'] // 2}\n"
    )
    target = make_store("sqlite", "target")
    report = run(source, target, transform=Transform(function="reshape:people"))
    assert report.status == "quarantine"
    assert report.models[0].refused[0].message == "reshape:people failed: ValueError: ten"
    assert (report.totals.filtered, report.totals.written) == (COUNT // 2, COUNT // 2 - 1)
    assert target.get("users", "users-u008") == {"id": "users-u008", "half": 4}


def test_a_changed_function_is_refused_on_resume(
    source: Store, make_store: MakeStore, run: Migrate, module: Path
) -> None:
    module.write_text("def same(model, document):\n    return document\n")
    target, stop = make_store("sqlite", "target"), Event()
    options: dict[str, Any] = {
        "transform": Transform(function="reshape:same"),
        "limits": Limits(page=50, bytes=1_000),
    }
    stopped = run(
        source,
        target,
        stop=stop,
        progress=lambda p: stop.set() if p.phase == "copy" and p.done else None,
        **options,
    )
    assert stopped.status == "stopped"
    module.write_text("def same(model, document):\n    return {**document, 'new': 1}\n")
    sys.modules.pop("reshape")
    with pytest.raises(ConfigurationError, match=r"the transform: the run has .*, the call has"):
        run(source, target, resume=stopped.run, **options)


def test_a_function_that_is_not_repeatable_is_refused(
    source: Store, make_store: MakeStore, run: Migrate, module: Path
) -> None:
    module.write_text(
        "count = 0\n"
        "def number(model, document):\n"
        "    global count\n"
        "    count += 1\n"
        "    return {**document, 'count': count}\n"
    )
    target = make_store("sqlite", "target")
    with pytest.raises(ConfigurationError, match="two different results"):
        run(source, target, transform=Transform(function="reshape:number"))


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (Transform(where={"n": {"$near": 1}}), r"\$near"),
        (Transform(drop=["id"]), "--id-from FIELD"),
        (Transform(rename={"a": "b", "a.c": "d"}), "a.c"),
        (Transform(rename={"a": "c", "b": "c"}), "both be renamed to 'c'"),
        (Transform(set={"@version": 3}), "@version"),
        (Transform(id_from="id"), "kept by Interstore"),
        (Transform(function="reshape"), "module:function"),
        (Transform(function="no_such_module:f"), "cannot be loaded"),
        (Transform(function="os:name"), "is a str, not a function"),
    ],
)
def test_what_is_not_valid_is_refused_before_a_store_is_opened(
    transform: Transform, message: str, run: Migrate, tmp_path: Path
) -> None:
    with pytest.raises(InterstoreError, match=message):
        run(f"json:{tmp_path / 'none'}", f"sqlite:{tmp_path / 'none.db'}", transform=transform)
    assert not (tmp_path / "none.db").exists()


def test_indexes_follow_their_fields(source: Store, make_store: MakeStore, run: Migrate) -> None:
    source.ensure_index("users", "n", type="number")
    source.ensure_index("users", "name.last")
    source.ensure_index("users", "secret")
    target = make_store("sqlite", "target")
    report = run(
        source, target, transform=Transform(drop=["secret"], rename={"name": "called", "n": "m"})
    )
    assert report.ok
    paths = {index.paths for index in target.indexes("users")}
    assert paths == {(("m",),), (("called", "last"),)}
    assert any("without the index on secret" in note for note in report.notes)


def test_the_command_reshapes(source: Store, tmp_path: Path) -> None:
    source.close()
    command = [
        *(INTERSTORE, "migrate", f"sqlite:{tmp_path / 'source.db'}", f"json:{tmp_path / 'out'}"),
        *("--where", '{"n": {"$lt": 3}}', "--drop", "name", "--rename", "n=number"),
        *("--set", "tags=[1]", "--set", "kind=user", "--id-from", "number"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["models"][0]["totals"]["filtered"] == COUNT - 3
    with connect(f"json:{tmp_path / 'out'}") as store:
        assert contents(store, "users").keys() == {"0", "1", "2"}
        assert store.get("users", "2") == {
            "id": "2",
            "number": 2,
            "secret": "x",
            "tags": [1],
            "kind": "user",
        }
    for options, message in (
        (["--rename", "x"], "write PATH=..."),
        (["--set", "a=1", "--set", "a=2"], "names 'a' twice"),
        (["--where", "{"], "--where"),
    ):
        wrong = subprocess.run(
            [*command[:4], *options], capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert (wrong.returncode, message in wrong.stderr) == (1, True), wrong.stderr


def test_a_function_may_change_what_it_is_given(
    source: Store, make_store: MakeStore, run: Migrate, module: Path
) -> None:
    module.write_text(
        "def people(model, document):\n"
        "    n = document.pop('n')\n"
        "    id = document.pop('id')\n"
        "    if n == 10:\n"
        "        raise ValueError('ten')\n"
        "    return {'half': n // 2} if n % 2 else document\n"
    )
    target = make_store("sqlite", "target")
    report = run(source, target, transform=Transform(function="reshape:people"))
    assert (report.status, [item.id for item in report.models[0].refused]) == (
        "quarantine",
        ["u010"],
    )
    assert target.get("users", "u009") == {"id": "u009", "half": 4}
    assert "n" not in target.get("users", "u008")


@pytest.mark.parametrize("text", ["def people(:\n", "1 / 0\n"])
def test_a_module_that_fails_is_told(
    text: str, source: Store, make_store: MakeStore, run: Migrate, module: Path
) -> None:
    module.write_text(text)
    with pytest.raises(ConfigurationError, match=r"cannot be loaded: (SyntaxError|ZeroDivision)"):
        run(source, make_store("sqlite", "target"), transform=Transform(function="reshape:people"))


@pytest.mark.parametrize("where", [None, {"n": {"$lt": 10}}])
def test_what_fails_at_every_document_forbids_the_run(
    where: dict[str, Any] | None, source: Store, make_store: MakeStore, run: Migrate
) -> None:
    target = make_store("sqlite", "target")
    report = run(source, target, transform=Transform(id_from="mistyped", where=where))
    assert [blocker.code for blocker in report.blockers] == ["transform-all"]
    assert "'mistyped'" in report.blockers[0].message
    assert target.models() == []


def test_a_function_that_forgets_to_return_is_told(
    source: Store, make_store: MakeStore, run: Migrate, module: Path
) -> None:
    module.write_text("def people(model, document):\n    document['new'] = 1\n")
    report = run(
        source, make_store("sqlite", "target"), transform=Transform(function="reshape:people")
    )
    [note] = [note for note in report.notes if "left out" in note]
    assert note.startswith(f"users: all {COUNT} documents were left out")


@pytest.mark.parametrize(
    "transform", [Transform(drop=["id"]), Transform(rename={"n": "id"}), Transform(set={"id": "x"})]
)
def test_an_id_is_taken_by_id_from_alone(
    transform: Transform, source: Store, make_store: MakeStore, run: Migrate
) -> None:
    with pytest.raises(ConfigurationError, match="--id-from FIELD"):
        run(source, make_store("sqlite", "target"), transform=transform)


def test_a_codec_for_a_model_that_is_not_there_is_refused(
    source: Store, make_store: MakeStore, run: Migrate
) -> None:
    target, transform = make_store("sqlite", "target"), Transform(codecs={"uesrs.n": "int64"})
    with pytest.raises(ConfigurationError, match=r"'uesrs', which is not among .*: users"):
        run(source, target, transform=transform)
    with pytest.raises(ConfigurationError, match=r"'uesrs', which is not among .*: users"):
        verify(source, target, models=["users"], transform=transform)
