"""`interstore blobs`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import Run, run, run_process, run_terminal


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("STORAGE_URL", "LOCAL_STORAGE_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STORAGE_BACKEND", "local")


def blobs(*arguments: str, stdin: bytes | None = None) -> Run:
    return run("blobs", *arguments, stdin=stdin)


def test_the_way_of_a_file() -> None:
    Path("a.txt").write_bytes(b"one\n")
    assert blobs("put", "a.txt", "notes/a.txt").err == "notes/a.txt: 4 bytes, text/plain\n"
    assert blobs("put", "-", "b", "--content-type", "text/csv", stdin=b"1,2").code == 0
    assert blobs("get", "notes/a.txt").out == "one\n"
    assert blobs("get", "b", "b.csv").code == 0
    assert Path("b.csv").read_bytes() == b"1,2"
    assert [row["key"] for row in blobs("ls").rows] == ["b", "notes/"]
    assert [row["key"] for row in blobs("ls", "-r").rows] == ["b", "notes/a.txt"]
    (shown,) = blobs("stat", "b").rows
    assert (shown["size"], shown["content_type"], len(shown["sha256"])) == (3, "text/csv", 64)
    assert blobs("cp", "b", "c").code == 0
    assert blobs("rm", "b", "nothing").err == "1 removed\n"
    assert blobs("rm", "--prefix", "", "--yes").err == "2 removed\n"
    assert blobs("ls").out == ""


def test_what_is_refused() -> None:
    blobs("put", "-", "a", stdin=b"x")
    for arguments, said in (
        (("get", "nothing", "new"), "there is no blob 'nothing'"),
        (("put", "-", "a", "--if-absent"), "there is a blob 'a' already"),
        (("get", "../a"), "has a segment '..'"),
        (("rm",), "either KEYS or --prefix"),
        (("rm", "--prefix", "a"), "say --yes"),
    ):
        found = blobs(*arguments, stdin=b"")
        assert found.code != 0, arguments
        assert said in found.err
    assert not Path("new").exists()
    assert blobs("get", "a").out == "x"


def test_a_store_by_its_url() -> None:
    assert run("blobs", "-u", "local:///x", "put", "-", "a", stdin=b"x").code == 0
    assert Path("x/a").exists()


def test_moving() -> None:
    blobs("put", "-", "a", stdin=b"x")
    blobs("put", "-", "b", stdin=b"y")
    assert "there is a blob 'b' already" in blobs("mv", "a", "b", "--if-absent").err
    assert blobs("mv", "a", "c/d").err == "c/d: 1 bytes\n"
    assert [row["key"] for row in blobs("ls", "-r").rows] == ["b", "c/d"]


def test_signed_urls(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "set LOCAL_STORAGE_URL and LOCAL_STORAGE_SECRET" in blobs("url", "a").err
    monkeypatch.setenv("LOCAL_STORAGE_URL", "https://example.org/files")
    monkeypatch.setenv("LOCAL_STORAGE_SECRET", "canary-secret-of-the-tests")
    found = blobs("url", "a b", "--expires", "60", "--filename", "c.txt")
    assert found.code == 0
    assert found.out.startswith("https://example.org/files/a%20b?expires=")
    assert "&filename=c.txt&signature=" in found.out
    found = blobs("url", "a", "--put", "--max-size", "10", "--content-type", "image/png")
    assert "&content_type=image%2Fpng&max_size=10&signature=" in found.out
    assert "expires is at most" in blobs("url", "a", "--expires", "9999999").err
    assert "canary" not in f"{found}{run('config')}"


def test_bars_are_for_terminals() -> None:
    Path("a.bin").write_bytes(bytes(3_000_000))
    plain = run_process("blobs", "put", "a.bin", "a")
    assert plain.err == "a: 3,000,000 bytes, application/octet-stream\n"
    for arguments in (("put", "a.bin", "b/a"), ("get", "b/a", "c.bin"), ("rm", "--prefix", "b")):
        shown = run_terminal("blobs", *arguments, stdin="y\n", errors=True)
        assert shown.code == 0, shown
        assert "━" in shown.out, arguments
    assert Path("c.bin").read_bytes() == bytes(3_000_000), "the content differs"
    assert [row["key"] for row in blobs("ls", "-r").rows] == ["a"]
