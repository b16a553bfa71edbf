"""The command: `python -m tests.benchmarks [--quick] [--only PATTERN] [--json FILE] [--page]`."""

from __future__ import annotations

import argparse
import os
import platform
import re
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tests.benchmarks.page import write_page
from tests.benchmarks.run import FULL, QUICK, Scale, run
from tests.benchmarks.servers import Servers

_QUICK = (
    "Quick: a few short rounds on few documents. Believe no ratio that is nearer to 1 than 1.3, "
    "and judge no aim by it."
)


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    scale = QUICK if options.quick else FULL
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        print(text, flush=True)

    say(_heading(scale))
    with Servers() as servers:
        measured = run(scale, options.only, say, servers)
    if not measured.suites and measured.memory is None and not measured.requests:
        say(f"nothing is called like {options.only.pattern!r}")
        return 2
    if options.json is not None:
        content = {"machine": _machine(), "at": str(datetime.now(UTC)), "measured": measured}
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(content)))
    if options.page:
        write_page(said)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute instead of fifteen")
    parser.add_argument(
        "--only",
        metavar="PATTERN",
        type=lambda text: re.compile(text, re.IGNORECASE),
        default=re.compile(""),
        help="a regular expression that '<title of the table>: <operation>' must match",
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures there, too")
    parser.add_argument("--page", action="store_true", help="put the results into docs/speed.md")
    return parser


def _machine() -> str:
    return (
        f"{os.cpu_count()} cores, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {platform.system()}"
    )


def _heading(scale: Scale) -> str:
    effort = scale.effort
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}, {_machine()}.",
        f"{effort.rounds} rounds, each run {effort.seconds * 1000:g} ms or longer.",
    ]
    return "\n".join(lines if scale is FULL else [*lines, _QUICK])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
