"""The documentation as data: its pages, the blocks of code in them, their links and anchors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["ROOT", "Block", "anchors", "blocks", "links", "pages"]

ROOT: Final = Path(__file__).resolve().parents[2]

_FENCE: Final = re.compile(r"( *)(`{3,})([\w-]*)\s*$")
_MARK: Final = re.compile(r"<!-- (not executed|quoted): (.+?) -->$")
_LINK: Final = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING: Final = re.compile(r"#{1,6} (.+?)\s*$")
_CODE: Final = re.compile(r"`[^`]*`")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        page: where it stands, relative to the root.
        line: the line of its first line of text, from 1.
        language: what follows the fence.
        text: what stands in it, every line with its end.
        mark: ``"not executed"`` or ``"quoted"`` if a comment before it says so.
        reason: why it is not executed, or the file that it is quoted from.
    """

    page: Path
    line: int
    language: str
    text: str
    mark: str = ""
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """Every page, relative to the root; those of the examples' own packages included."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    hidden = {".venv", "node_modules", ".pytest_cache"}
    relative = [path.relative_to(ROOT) for path in found]
    return sorted(path for path in relative if not hidden.intersection(path.parts))


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order.

    Raises:
        ValueError: a fence is not closed.
    """
    found: list[Block] = []
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines(keepends=True)
    number, before = 0, ""
    while number < len(lines):
        fence = _FENCE.match(lines[number])
        if fence is None:
            before = lines[number].strip() or before
            number += 1
            continue
        indent, ticks, language = fence.groups()
        end = number + 1
        while end < len(lines) and lines[end].strip() != ticks:
            end += 1
        if end == len(lines):
            raise ValueError(f"{page}:{number + 1}: the fence is not closed")
        text = "".join(line.removeprefix(indent) for line in lines[number + 1 : end])
        mark = _MARK.match(before)
        kind, reason = mark.groups() if mark else ("", "")
        found.append(Block(page, number + 2, language, text, kind, reason))
        number, before = end + 1, ""
    return found


def links(page: Path) -> list[str]:
    """The targets of a page's links, as they are written; blocks and code are left out."""
    return [target for line in _prose(page) for target in _LINK.findall(_CODE.sub("``", line))]


def anchors(page: Path) -> set[str]:
    """What a link to a part of the page may name after ``#``."""
    found: set[str] = set()
    for line in _prose(page):
        heading = _HEADING.match(line)
        if heading is None:
            continue
        slug = re.sub(r"[^\w\- ]", "", heading.group(1).lower()).replace(" ", "-")
        number = 1
        while (each := slug if number == 1 else f"{slug}-{number - 1}") in found:
            number += 1
        found.add(each)
    return found


def _prose(page: Path) -> Iterator[str]:
    inside = ""
    for line in (ROOT / page).read_text(encoding="utf-8").splitlines():
        fence = _FENCE.match(line)
        if not inside and fence is None:
            yield line
        elif not inside and fence is not None:
            inside = fence.group(2)
        elif line.strip() == inside:
            inside = ""
