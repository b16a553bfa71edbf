"""Regular expressions of PCRE: by Python's own, or in linear time where the two engines agree."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import re2  # type: ignore[import-untyped]

from tests.servers.cosmosdb.gateway.sql.lexer import SqlError

__all__ = ["matches"]

FLAGS: Final = {"m": re.MULTILINE, "s": re.DOTALL, "i": re.IGNORECASE, "x": re.VERBOSE}
END: Final = r"(?![\s\S])"
TELLING: Final = re.compile(r"\$|\\[A-Za-wyz0-9]|\(\?[^:]")
"""What means other things to RE2, or nothing: it stays with Python."""


@lru_cache(maxsize=1000)
def matches(text: str, flags: str) -> Callable[[str], bool]:
    """Whether a pattern finds something in a text.

    RE2 is not for speed: a pattern that backtracks without end would hold up all requests.
    """
    if set(flags) - set(FLAGS):
        raise SqlError("The REGEXMATCH function's modifiers may be m, s, i and x.", "SC2060")
    linear = None if flags else _linear(text)
    found = (linear or _python(text, flags)).search
    return lambda value: found(value) is not None


def _linear(text: str) -> re.Pattern[str] | None:
    if TELLING.search(text.replace(END, "")):
        return None
    options = re2.Options()
    options.log_errors = False
    try:
        compiled: Any = re2.compile(text.replace(END, r"\z"), options)
    except re2.error:
        return None
    pattern: re.Pattern[str] = compiled
    return pattern


def _python(text: str, flags: str) -> re.Pattern[str]:
    """In Python's terms, which differ in how they name the end of a text."""
    combined = re.ASCII
    for flag in flags:
        combined |= FLAGS[flag]
    translated = re.sub(
        r"\\(.)",
        lambda found: {"z": r"\Z", "Z": r"(?=\n?\Z)"}.get(found[1], found[0]),
        text,
        flags=re.DOTALL,
    )
    try:
        return re.compile(translated, combined)
    except re.error as error:
        raise SqlError(f"The regular expression is not valid: {error}.", "SC2061") from None
