"""What all commands share: help, mistakes, exit codes, pipes and terminals."""

from __future__ import annotations

import subprocess
import sys

import pytest

import interstore
from interstore.cli import COMMANDS, main
from tests.cli.running import COMMAND, Run, run, run_process, run_terminal


def test_help_names_every_command() -> None:
    found = run("--help")
    assert found.code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in found.out
    assert run("--version").out == f"interstore, version {interstore.__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help(name: str) -> None:
    found = run(name, "--help")
    assert found.code == 0
    assert "Usage: interstore " in found.out


def test_help_imports_no_command() -> None:
    code = (
        "import sys\nfrom interstore.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print([n for n in ('msgspec', 'rich', 'pluggy', 'asyncio') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fnid"], "there is no command 'fnid'; did you mean 'find'?"),
        (["xyzzy"], "there is no command 'xyzzy'\n"),
        (["find"], "Missing argument 'MODEL'"),
        (["find", "x", "--wher", "{}"], "No such option"),
        (["find", "x", "--limit", "-1"], "-1"),
        (["find", "x", "--where", "{a: 1}"], "is not a JSON object"),
        (["find", "x", "--where", "[1]"], "is not a JSON object"),
        (["--nonsense"], "No such option"),
    ],
)
def test_wrong_usage_exits_with_1(arguments: list[str], message: str) -> None:
    found = run(*arguments)
    assert (found.code, found.out) == (1, "")
    assert message in found.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["find", "x", "-u", "sqlit:x"], "interstore: the scheme of the URL 'sqlit' is unknown; "),
        (["find", "x", "-u", "sqlite:///no\0pe"], "interstore: "),
        (["find", "x y", "-u", "memory:"], "interstore: model name 'x y' is not valid"),
        (["find", "x", "-u", "memory:", "-w", '{"a":{"$gtt":1}}'], "did you mean $gt?"),
        (["find", "x", "-u", "memory:", "-s", "a["], "interstore: "),
        (["get", "x", "1", "-u", "memory:"], "interstore: x has no document '1'"),
        (["config", "-u", "memory:?x=1"], "interstore: memory has no parameter of the URL 'x'"),
    ],
)
def test_errors_exit_with_1_and_one_line(arguments: list[str], message: str) -> None:
    found = run(*arguments)
    assert (found.code, found.out) == (1, "")
    assert message in found.err
    assert "Traceback" not in found.err


def test_warnings_are_lines_for_people() -> None:
    with interstore.connect("json:data") as store:
        store.create("cities", {})
    found = run("models")
    assert (found.code, found.rows) == (0, [{"model": "cities"}])
    assert found.err.startswith("warning: nothing says which engine to use, so documents are kept")


def test_a_reader_that_goes_away(url: str) -> None:
    with interstore.connect() as store:
        store.put_many("many", [{"id": f"{n:05}", "text": "x" * 200} for n in range(2000)])
    process = subprocess.Popen(
        [*COMMAND, "find", "many"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b'{"id":"00000"')
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 141


def test_not_standalone_returns() -> None:
    assert main(["find", "x", "-u", "memory:"], standalone_mode=False) is None
    with pytest.raises(interstore.ConfigurationError):
        main(["find", "x", "-u", "nope:"], standalone_mode=False)


def test_a_table_on_a_terminal_and_json_lines_elsewhere(cities: Run) -> None:
    with interstore.connect() as store:
        store.put("city", {"id": "evil", "country": "\x1b[31m\x9b", "[bold]x": "[red]y"})
    shown = run_terminal("find", "city", "--sort", "-people")
    assert shown.code == 0
    lines = [line.split() for line in shown.out.splitlines() if line.strip()]
    assert lines[0] == ["id", "country", "people", "at", "[bold]x"]
    assert lines[2] == ["oslo", "NO", "717710"]
    assert lines[3] == ["bergen", "NO", "291940", '{"lat":60.4}']
    assert "lima" in shown.out
    assert "null" in shown.out
    assert "\x1b" not in shown.out
    assert r"\x1b[31m\x9b" in shown.out
    assert "[red]y" in shown.out
    piped = run_process("find", "city", "--sort", "-people")
    assert [row["id"] for row in piped.rows] == ["oslo", "bergen", "lima", "evil"]


def test_a_terminal_shows_the_first_50(url: str) -> None:
    with interstore.connect() as store:
        store.put_many("many", [{"id": f"{n:03}"} for n in range(60)])
    shown = run_terminal("find", "many")
    assert ("049" in shown.out, "050" in shown.out) == (True, False)
    assert "the first 50; --limit shows more" in shown.err
    assert "059" in run_terminal("find", "many", "--limit", "60").out
    assert len(run("find", "many").rows) == 60
