"""`interstore blobs check`."""

from __future__ import annotations

from pathlib import Path

import pytest

from interstore import connect, open_blobs
from tests.cli.running import Run, run


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("STORAGE_URL", "DATABASE_URL", "DATABASE_TYPE"):
        monkeypatch.delenv(name, raising=False)
    with open_blobs("local:///files") as blobs, connect("sqlite:///app.db") as store:
        files = store.with_blobs(blobs)
        for id in ("ada", "bob"):
            files.create("users", {"id": id})
            files.attach("users", id, "photo", id.encode())


def check(*arguments: str) -> Run:
    return run(
        "blobs", "-u", "local:///files", "check", "--database", "sqlite:///app.db", *arguments
    )


def test_nothing_is_wrong() -> None:
    done = check("--verify")
    assert (done.code, done.out) == (0, "")
    assert done.err == "2 documents, 2 references, 2 blobs: nothing is wrong\n"


def test_what_is_wrong() -> None:
    with open_blobs("local:///files") as blobs:
        blobs.put("attachments/users/eve/1", b"12")
        first, second = [entry.key for entry in blobs.list("attachments/users/")][:2]
        blobs.delete(first)
        blobs.put(second, b"BOB")
    done = check("--older-than", "0s")
    assert done.code == 3
    dangling, orphan = done.rows
    assert dangling == {
        "kind": "dangling",
        "store": "default",
        "key": first,
        "model": "users",
        "id": "ada",
        "path": "photo",
    }
    assert (orphan["kind"], orphan["size"], orphan["removed"]) == ("orphan", 2, False)
    assert "1 dangling, 1 orphan" in done.err
    assert {row["kind"] for row in check("--verify", "--older-than", "0s").rows} == {
        "dangling",
        "damaged",
        "orphan",
    }


def test_orphans_are_removed() -> None:
    with open_blobs("local:///files") as blobs:
        blobs.put("attachments/users/eve/1", b"12")
        blobs.put("elsewhere", b"1")
        young = check("--delete-orphans")
        assert (young.code, young.out) == (0, "")
        assert "younger than --older-than: 1" in young.err
        done = check("--delete-orphans", "--older-than", "0.0s")
        assert (done.code, done.rows[0]["removed"]) == (0, True)
        assert "1 of these removed" in done.err
        assert check("--older-than", "0s").code == 0
        assert len(list(blobs.list())) == 3


def test_what_is_refused() -> None:
    assert "is not a time" in check("--older-than", "soon").err
    assert run("blobs", "-u", "local:///files", "check", "--database", "sqlite:///no.db").code == 1
    assert not Path("no.db").exists()
