"""The page of the documentation that shows the results of the last whole run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

__all__ = ["BEGIN", "END", "PAGE", "with_results", "write_page"]

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "speed.md"
BEGIN: Final = "<!-- results -->"
END: Final = "<!-- end of results -->"


def write_page(said: Iterable[str]) -> None:
    """Put what a run said in the place of what an earlier one did."""
    PAGE.write_text(with_results(PAGE.read_text(encoding="utf-8"), said), encoding="utf-8")


def with_results(page: str, said: Iterable[str]) -> str:
    """The text of the page with the results in it, their titles one level lower.

    Tables that the run did not measure stay; those that it did then say when that was.
    """
    before, _, rest = page.partition(BEGIN)
    old, _, after = rest.partition(END)
    tables = _tables(old)
    measured = _tables("\n".join(said).replace("\n## ", "\n### "))
    heading = measured.pop("")
    if tables.keys() - {""} <= measured.keys():
        tables[""] = heading
    elif tables[""] != heading:
        measured = {title: f"{heading}\n\n{table}" for title, table in measured.items()}
    tables |= measured
    results = "\n\n".join(f"{title}\n\n{table}".strip() for title, table in tables.items())
    return f"{before}{BEGIN}\n\n{results}\n\n{END}{after}"


def _tables(text: str) -> dict[str, str]:
    """What stands under each title; under "" what stands before the first."""
    first, *rest = re.split(r"^(### .*)$", text, flags=re.MULTILINE)
    tables = {"": first.strip()}
    for title, table in zip(rest[::2], rest[1::2], strict=True):
        tables[title] = table.strip()
    return tables
