"""The page of the documentation that shows the results of the last whole run."""

from __future__ import annotations

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
    """The text of the page with the results in it, their titles one level lower."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    results = "\n".join(said).replace("\n## ", "\n### ")
    return f"{before}{BEGIN}\n\n{results.strip()}\n\n{END}{after}"
