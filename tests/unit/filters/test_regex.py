"""The portable subset of regular expressions: what it takes, what it matches, how it is written."""

from __future__ import annotations

import pickle
import re
import warnings
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from interstore.filters.regex import Dialect, PortableRegex


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("", "", True),
        ("", "x", True),
        ("b", "abc", True),
        ("^b", "abc", False),
        (r"\Aa", "abc", True),
        ("c$", "abc", True),
        ("c$", "abc\n", False),  # the very end, unlike Python's
        (r"c\Z", "abc\n", False),
        ("^b", "a\nb", False),
        (".", "\n", False),
        (".", "\r", True),
        ("^.$", "\U0001f600", True),
        ("^.$", "e\u0301", False),
        (r"\d", "\u0661", False),
        (r"\w", "é", False),
        (r"\W", "é", True),
        (r"\s", "\u00a0", False),
        (r"\s", "\x0b", True),
        (r"^[^\s\d]+$", "ab", True),
        (r"^[\W_]+$", "_-é", True),
        (r"[\s\S]", "\n", True),
        ("[^a]", "\n", True),
        ("[]a]+$", "a]", True),
        (r"[a\]b-]+$", "]-", True),
        ("[à-ü]", "é", True),
        ("[\ud7fe-\ue001]", "\ue000", True),
        ("^(?:a|b){2,3}$", "aba", True),
        ("^(a|b){2,3}?$", "a", False),
        ("^a{2}$", "aa", True),
        ("^a{,2}$", "aa", True),
        ("^a{2,}$", "aaaa", True),
        ("a{x", "a{x", True),
        ("(?P<name>a)(?#remark)b", "ab", True),
        ("(|a)b", "b", True),
        ("(^a|^)*b", "b", True),
        ("(^)*b", "ab", True),
        ("(^)+b", "ab", False),
        (r"\.\*\\\/", r".*\/", True),
        (r"\x41\u00e9\t", "Aé\t", True),
        ("a b#c", "a b#c", True),
        ("%_'\"", "%_'\"", True),
    ],
)
def test_a_pattern_matches_in_both_engines(pattern: str, text: str, found: bool) -> None:
    regex = PortableRegex(pattern)
    assert regex.search(text) is found
    assert (regex.python.search(text) is not None) is found


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("abc", "xABCx", True),
        ("[a-f]", "D", True),
        ("[^a-f]", "D", False),
        ("[Y-b]", "z", True),
        ("É", "é", False),  # ASCII letters only
        ("k", "\u212a", False),  # the Kelvin sign
        ("s", "\u017f", False),
        ("1", "1", True),
    ],
)
def test_case_is_ignored_of_ascii_letters_only(pattern: str, text: str, found: bool) -> None:
    regex = PortableRegex(pattern, ignore_case=True)
    assert regex.search(text) is found
    assert (regex.python.search(text) is not None) is found


@pytest.mark.parametrize(
    ("pattern", "part"),
    [
        (r"(a)\1", "back-references"),
        (r"(?P<n>a)(?P=n)", "back-references"),
        ("(a)?(?(1)b|c)", "conditional groups"),
        ("(?=a)", "look-around"),
        ("(?!a)", "look-around"),
        ("(?<=a)b", "look-around"),
        ("(?<!a)b", "look-around"),
        (r"\ba", r"\b and \B"),
        (r"\Ba", r"\b and \B"),
        ("(?i)a", "inline flags"),
        ("(?s:.)", "inline flags"),
        ("(?-i:a)", "inline flags"),
        ("(?>a)", "atomic groups"),
        ("a*+", "possessive repeats"),
        (r"a\z", r"write $ or \Z"),
        ("[[a]", r"write \[ for the character"),
        ("[^[a]", r"write \[ for the character"),
        ("[a--b]", r"write \- for the character"),
        ("[a&&b]", r"write \& for the character"),
        ("[a||b]", r"write \| for the character"),
        ("[a~~b]", r"write \~ for the character"),
        ("\x00", "NUL"),
        (r"\0", "NUL"),
        (r"[\x00]", "NUL"),
        ("\ud800", "lone surrogate"),
        (r"\ud800", "lone surrogate"),
        (r"[^\s\S]", "no character is in"),
        ("(", "not a regular expression"),
        ("a)", "not a regular expression"),
        ("[a", "not a regular expression"),
        ("*a", "not a regular expression"),
        ("a**", "not a regular expression"),
        ("a{3,2}", "not a regular expression"),
        (r"\q", "not a regular expression"),
        ("a{99999999999}", "not a regular expression"),
        ("a{256}", "256 times; the limit is 255"),
        ("a{0,1000}", "1,000 times; the limit is 255"),
        ("(?:a{200}){6}", "1,200 times in all; the limit is 255"),
        ("((a{6}){6}){8}", "288 times in all; the limit is 255"),
        (r".{255}" * 9, "2,296 parts; the limit is 2,000"),
        ("(?:a?b?){200}", "repeats what may be empty: written out that has 600 parts"),
        ("(?:(?:x|y*){2}z){60}", "the limit is 255. Repeat what is not empty"),
        ("a" * 257, "257 characters; the limit is 256"),
        ("(" * 120 + ")" * 120 + "+" * 10, "not a regular expression"),
    ],
    ids=lambda text: text[:16].encode("unicode_escape").decode(),
)
def test_a_pattern_is_refused(pattern: str, part: str) -> None:
    with pytest.raises(ValueError, match=re.escape(part)):
        PortableRegex(pattern)


def test_what_is_written_for_each_engine() -> None:
    regex = PortableRegex(r"^(é|[^x-z\d]{2,})+?\s.-$", ignore_case=True)
    written: dict[Dialect, str] = {
        "python": r"\A(?:é|[^0-9X-Zx-z]{2,})+[\x09-\x0d\x20][^\x0a]\x2d\Z",
        "re2": r"\A(?:é|[^0-9X-Zx-z]{2,})+[\x09-\x0d\x20][^\x0a]\x2d\z",
        "postgresql": r"\A(?:é|[^0-9X-Zx-z]{2,})+[\u0009-\u000d\u0020][^\u000a]\u002d\Z",
        "pcre": r"\A(?:é|[^0-9X-Zx-z]{2,})+[\x09-\x0d\x20][^\x0a]\x2d\z",
        "cosmos": r"^(?:é|[^0-9X-Zx-z]{2,})+[\x09-\x0d\x20][^\x0a]\x2d(?![\s\S])",
    }
    assert {dialect: regex.emit(dialect) for dialect in written} == written
    assert PortableRegex(r"[\s\S]{2}").emit("pcre") == r"(?:(?:[^\x0a]|\x0a)){2}"
    assert PortableRegex(r"(a|b|cd)(e)").emit("pcre") == "(?:a|b|cd)e"


def test_a_range_never_touches_the_surrogates() -> None:
    regex = PortableRegex("[\u0100-\uffff]")
    assert regex.emit("pcre") == "[\u0100-\ud7ff\ue000-\uffff]"
    assert PortableRegex("[^a-\uffff]").search("\U00010000")


@pytest.mark.timeout(30, method="signal")
@pytest.mark.parametrize(
    "pattern",
    [
        "a*a*a*a*a*a*b",
        "(a+)+b",
        "(a|a)*b",
        "(?:a?){50}a{50}b",
        "(.*)*(.*)*x",
        "^(([a-z])+.)+[A-Z]$",
    ],
)
def test_catastrophic_patterns_take_linear_time(pattern: str) -> None:
    assert not PortableRegex(pattern).search("a" * 100_000)


def test_a_pattern_is_a_value() -> None:
    regex = PortableRegex("a", ignore_case=True)
    assert regex == PortableRegex("a", True)
    assert hash(regex) == hash(PortableRegex("a", True))
    assert regex != PortableRegex("a")
    assert regex != "a"
    assert pickle.loads(pickle.dumps(regex)) == regex
    assert repr(regex) == "PortableRegex('a', ignore_case=True)"
    with pytest.raises(AttributeError):
        regex.source = "b"


ATOMS = [
    "a", "b", "B", "é", "\U0001f600", "0", "_", "-", r"\.", ".", r"\d", r"\w", r"\s", r"\D",
    r"\W", r"\S", "[ab]", "[^a]", "[a-c0-9]", r"[^\w]", r"[\s\S]", r"[\W\d]", "^", "$", r"\A",
    r"\Z", " ", r"\n", r"\t", "[à-ÿ]", "[^é]", "[Z-a]",
]  # fmt: skip
atoms = st.sampled_from(ATOMS)
quantifiers = st.sampled_from(
    ["", "*", "+", "?", "{2}", "{1,3}", "{0,2}", "{1,}", "*?", "+?", "??"]
)


def _grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("".join, st.lists(inner, min_size=1, max_size=3)),
        st.builds("({}|{})".format, inner, inner),
        st.builds("(?:{}|)".format, inner),
        st.builds("(?:{}){}".format, inner, quantifiers),
        st.builds("({}){}".format, inner, quantifiers),
    )


patterns = st.recursive(atoms, _grow, max_leaves=6)
texts = st.text(alphabet=[*"abBzZ0_-. \n\t\x0b", "é", "É", "\u212a", "\U0001f600"], max_size=6)


@given(patterns, st.booleans(), st.lists(texts, min_size=1, max_size=5))
@example("(?:|a)*$", False, ["", "a", "a\n"])
def test_both_engines_agree(pattern: str, ignore_case: bool, texts: list[str]) -> None:
    regex = PortableRegex(pattern, ignore_case)
    python = regex.python
    for text in texts:
        assert regex.search(text) is (python.search(text) is not None), (regex, text)


@given(patterns, st.booleans(), st.lists(texts, min_size=1, max_size=5))
def test_it_is_pythons_own_meaning_in_ascii(
    pattern: str, ignore_case: bool, texts: list[str]
) -> None:
    """All but ``$``, which Python also lets match before a final newline."""
    flags = re.ASCII | (re.IGNORECASE if ignore_case else 0)
    python = re.compile(pattern.replace("$", r"\Z"), flags)
    for text in texts:
        found = python.search(text) is not None
        assert PortableRegex(pattern, ignore_case).search(text) is found


@given(
    st.one_of(
        st.text(max_size=12), st.text(alphabet="ab()[]{}|*+?^$.\\-,:<=!PzZ0123i&~\x00", max_size=12)
    )
)
def test_whatever_is_given_only_a_value_error_is_raised(pattern: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            regex = PortableRegex(pattern)
        except ValueError:
            return
    assert regex.search("ab") is (regex.python.search("ab") is not None)


def test_the_largest_patterns_compile() -> None:
    wide = "[" + "".join(chr(0x100 + 3 * number) for number in range(100)) + "]"
    samples: list[Any] = [r"[^é]{255}" * 7, "(?:.{10}){25}", wide + "{19}", "(?:a?b?c?d?e?f?){36}z"]
    for pattern in samples:
        assert not PortableRegex(pattern).search("x")
