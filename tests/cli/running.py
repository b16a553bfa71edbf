"""Running the command line: in process, as a process, and on a terminal."""

from __future__ import annotations

import inspect
import json
import os
import pty
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from click.testing import CliRunner

from interstore.cli import main

COMMAND = [sys.executable, "-c", "from interstore.cli import main; main(prog_name='interstore')"]


@dataclass(frozen=True)
class Run:
    """What came of a run."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[Any]:
        """The output, as JSON Lines."""
        return [json.loads(line) for line in self.out.splitlines()]


def runner() -> CliRunner:
    """What keeps the two outputs apart: click does by default since 8.2."""
    apart: dict[str, Any] = {}
    if "mix_stderr" in inspect.signature(CliRunner).parameters:
        apart["mix_stderr"] = False
    return CliRunner(**apart)


def run(*arguments: str, stdin: str | bytes | None = None) -> Run:
    """Run in this process; what is no orderly end is raised."""
    result = runner().invoke(main, arguments, input=stdin, prog_name="interstore")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Run(result.exit_code, result.stdout, result.stderr)


def run_process(*arguments: str, stdin: str = "") -> Run:
    """Run as a process of its own."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Run(done.returncode, done.stdout, done.stderr)


def run_terminal(*arguments: str, columns: int = 100, stdin: str = "", errors: bool = False) -> Run:
    """Run on a terminal of so many columns, where a person may answer.

    What goes to the other output is on the terminal as well if `errors` says so.
    """
    leader, follower = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm" if errors else "dumb"}
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=follower,
        stdout=follower,
        stderr=follower if errors else subprocess.PIPE,
        env=environment,
    )
    os.close(follower)
    os.write(leader, stdin.encode())
    out = b""
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # Linux's way to say that nobody writes any more
            break
        if not piece:
            break
        out += piece
    os.close(leader)
    _, err = process.communicate(timeout=60)
    return Run(process.returncode, out.decode().replace("\r\n", "\n"), (err or b"").decode())
