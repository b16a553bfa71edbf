"""Keys that stores are known to confuse, to mangle, or to refuse."""

from __future__ import annotations

from typing import Final

__all__ = ["HOSTILE", "INVALID", "TOGETHER"]

HOSTILE: Final = (
    "?", "#", "%", "%25", "%2F", "%zz", "\\", "a\\b", "a//b", "a/", "a//", "a b", " a", "a ",
    "a.", "a..", "...", ".a", "a+b", "a&b=c;d", "a:b", "*", '"', "<>|", "'", "`$(x)`", "~", "~/a",
    "con", "CON.txt", "nul", "com1.log", "lpt9", "aux/prn", "$x", "${x}", "{x}", "[a-z]", "**",
    "tab\t", "line\nend", "\r", "\x01", "\x7f", "\x85", "\u2028", "\ufeff", "\ufffe", "é",
    "e\u0301", "名前/ファイル.txt", "🙂",
    "\u202eabc", "a" * 255, "a" * 256, "é" * 300, "a" * 300 + "/b",
    "%_", "x%_", "a%", ".interstore", ".interstore/x", "index.html", "x.tmp", "s3://b/k",
    "http://a/b", "-rf", "--", "@", "!", "a,b", "(a)", "^",
)  # fmt: skip
"""Each is valid, and leads back to itself."""

TOGETHER: Final = (
    ("a", "a/b"),
    ("a", "a/", "a//", "a//b"),
    ("a", "a/b", "a/b/c"),
    ("a", "a%", "a%/b"),
    ("a", "A", "aA", "AA"),
    ("é", "e\u0301"),
    ("a", "a ", "a.", " a"),
    ("a b", "a%20b", "a+b"),
    ("%", "%25", "%2525"),
    ("a/b", "a\\b", "a%2Fb", "a%5Cb"),
    ("a", "a!", "a!b", "a-b", "a/b", "a0"),
    ("con", "CON", "con.txt"),
    ("x" * 300, "x" * 300 + "/y", "x" * 300 + "!", "x" * 301, "x" * 188 + "/y", "x" * 188 + "!"),
    ("\uffff", "\U00010000", "\ue000"),
)
"""All of one group can be there at once."""

INVALID: Final = (
    "", "/", "/a", ".", "..", "a/../b", "../a", "a/..", "./a", "a/.", "a/./b", "\0", "a\0b",
    "\ud800", "a\udfff", "x" * 1025, "é" * 513,
)  # fmt: skip
