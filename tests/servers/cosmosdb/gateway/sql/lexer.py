"""The words of a query."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

__all__ = ["KEYWORDS", "SqlError", "Token", "tokens"]

WORDS_RESERVED = """
    AND ARRAY AS ASC BETWEEN BY CASE CAST CONVERT CROSS DESC DISTINCT ELSE END ESCAPE EXISTS FALSE
    FOR FROM GROUP HAVING IN INNER INSERT INTO IS JOIN LEFT LIKE LIMIT NOT NULL OFFSET ON OR ORDER
    OUTER OVER RIGHT SELECT SET THEN TOP TRUE UDF UNDEFINED UPDATE VALUE WHEN WHERE WITH
"""
KEYWORDS = frozenset(WORDS_RESERVED.split())
"""Reserved: none can be a name, not even after a dot."""

WORDS = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|/\*.*?\*/)
  | (?P<number>0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
  | (?P<parameter>@[A-Za-z_][A-Za-z0-9_]*)
  | (?P<name>[^\W\d]\w*)
  | (?P<symbol>\?\?|\|\||<=|>=|<>|!=|>>>|>>|<<|[-+*/%&|^~=<>(){}\[\],.:?])
    """,
    re.VERBOSE | re.DOTALL,
)

ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class SqlError(Exception):
    """The query is refused; holds the service's code, and where in the text it is."""

    def __init__(self, message: str, code: str = "SC1001", start: int = 0, end: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.start = start
        self.end = end

    def body(self) -> str:
        """As the service writes it."""
        location = {"start": self.start, "end": self.end}
        error = {
            "severity": "Error",
            "location": location,
            "code": self.code,
            "message": str(self),
        }
        return json.dumps({"errors": [error]}, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Token:
    """Kind: keyword (text in capitals), name, string, number, parameter, symbol or end."""

    kind: str
    text: str
    value: Any
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """All words, closed by one of kind `end`.

    Raises:
        SqlError: something is no word.
    """
    found = []
    position = 0
    while position < len(text):
        match = WORDS.match(text, position)
        if match is None:
            near = text[position]
            raise SqlError(
                f"Syntax error, incorrect syntax near '{near}'.", "SC1001", position, position + 1
            )
        position = match.end()
        if match.lastgroup != "space":
            found.append(_token(match))
    found.append(Token("end", "", None, len(text), len(text)))
    return found


def _token(match: re.Match[str]) -> Token:
    kind, text = match.lastgroup or "", match.group()
    value: Any = text
    if kind == "name" and text.upper() in KEYWORDS:
        kind, value = "keyword", text
        text = text.upper()
    elif kind == "number":
        value = _number(text)
    elif kind == "string":
        value = _string(text)
    return Token(kind, text, value, match.start(), match.end())


def _number(text: str) -> int | float:
    if text[:2] in ("0x", "0X"):
        return int(text, 16)
    value = float(text)
    return int(value) if value.is_integer() and abs(value) <= 2**53 else value


def _string(text: str) -> str:
    def replace(match: re.Match[str]) -> str:
        escape = match.group(1)
        if escape[0] == "u":
            return chr(int(escape[1:], 16))
        return ESCAPES.get(escape, escape)

    plain = re.sub(r"\\(u[0-9a-fA-F]{4}|.)", replace, text[1:-1], flags=re.DOTALL)
    # Two escapes may stand for one character.
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
