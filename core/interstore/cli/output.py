"""Rows for people and for programs: a table on a terminal, JSON Lines elsewhere."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import click
import msgspec

__all__ = ["encode", "is_terminal", "note", "print_rows", "print_json", "safe"]

encode: Final = msgspec.json.Encoder().encode

_UNSAFE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def is_terminal() -> bool:
    """Whether a person reads the output."""
    return sys.stdout.isatty()


def note(message: str) -> None:
    """Tell a person something that is no part of the output."""
    click.echo(message, err=True)


def print_rows(
    rows: Iterable[Mapping[str, Any]],
    columns: Sequence[str] | None = None,
    *,
    whole: Collection[str] = (),
) -> None:
    """Print rows: as a table, all at once, on a terminal; else each as a line of JSON.

    Args:
        rows: what JSON can hold, by column.
        columns: the columns of the table, in order; by default all, as they first appear.
        whole: those whose cells are not broken into lines, since people copy them.
    """
    if is_terminal():
        _print_table(list(rows), columns, whole)
        return
    out = sys.stdout.buffer
    for row in rows:
        out.write(encode(row) + b"\n")


def print_json(value: Mapping[str, Any]) -> None:
    """Print one object: indented and coloured on a terminal; else as a line of JSON."""
    if not is_terminal():
        print_rows([value])
        return
    from rich.console import Console
    from rich.json import JSON

    Console().print(JSON(safe(encode(value).decode())))


def _print_table(
    rows: list[Mapping[str, Any]], columns: Sequence[str] | None, whole: Collection[str]
) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if columns is None:
        columns = list(dict.fromkeys(name for row in rows for name in row))
    if not rows:
        note("nothing found")
        return
    table = Table(box=box.SIMPLE_HEAD)
    for name in columns:
        numeric = all(isinstance(row.get(name, 0), (int, float)) for row in rows)
        table.add_column(
            Text(safe(name)),
            overflow="fold",
            justify="right" if numeric else "left",
            no_wrap=name in whole,
        )
    for row in rows:
        table.add_row(*(Text(_cell(row[name])) if name in row else None for name in columns))
    Console().print(table)


def _cell(value: Any) -> str:
    return safe(value if isinstance(value, str) else encode(value).decode())


def safe(text: str) -> str:
    """`text` without characters that would command the terminal: they are shown escaped."""
    return _UNSAFE.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
