"""What contents are taken for, and which escapings lead back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstore.blobs.content_types import agree, guess, sniff
from interstore.blobs.keys import Escaping, check_key
from interstore.blobs.metadata import decode_value, encode_value
from interstore.errors import InvalidQueryError

SEGMENTS = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), max_size=90)
KEYS = st.lists(SEGMENTS, min_size=1, max_size=4).map("/".join)


@given(KEYS, st.booleans(), st.booleans())
def test_a_key_leads_to_names_and_back(key: str, case: bool, forms: bool) -> None:
    try:
        check_key(key)
    except InvalidQueryError:
        return
    escaping = Escaping(case=case, forms=forms)
    names = escaping.names(key)
    assert escaping.key(names) == key
    for name in names:
        assert len(name.encode()) <= 255
        assert name[-1] not in ". "
        assert not {*'\\:*?"<>|/\0'} & set(name)
        assert not case or name == name.lower() or "%" in name
        assert not forms or name.isascii()


@given(KEYS, KEYS)
def test_different_keys_have_different_names(one: str, other: str) -> None:
    folded = Escaping(case=True, forms=True)
    names = ["/".join(folded.names(key)).lower() for key in (one, other)]
    assert (names[0] == names[1]) == (one == other)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_metadata_in_ascii(value: str) -> None:
    text = encode_value(value)
    assert text.isascii()
    assert text == text.strip()
    assert decode_value(text) == value


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"RIFF\0\0\0\0WEBP", "image/webp"),
        (b"\0\0\0\x18ftypmp42", "video/mp4"),
        (b"  <!-- x --><html>", "text/html"),
        (b"<?xml version='1.0'?><svg>", "image/svg+xml"),
        (b"<?xml version='1.0'?><a>", "text/plain"),
        ("grün".encode() * 300, "text/plain"),
        (("x" * 1023 + "ü").encode(), "text/plain"),
        (b"\xff\xfe", None),
        (b"a\0b", None),
        (b"", "text/plain"),
    ],
)
def test_sniffing(start: bytes, kind: str | None) -> None:
    assert sniff(start) == kind


@pytest.mark.parametrize(
    ("declared", "start", "agrees"),
    [
        ("application/json", b'{"a": 1}', True),
        ("text/csv; charset=utf-8", b"a,b", True),
        ("image/jpg", b"\xff\xd8\xff", True),
        ("image/png", b"\xff\xd8\xff", False),
        ("image/png", b"plain", False),
        ("text/plain", b"<script>", False),
        ("text/plain", b"\0", False),
        ("application/pdf", b"MZ", False),
        ("application/octet-stream", b"MZ", True),
        (guess("a.docx") or "", b"PK\x03\x04", True),
        ("application/vnd.of.ones.own", b"\0\1", True),
    ],
)
def test_agreement(declared: str, start: bytes, agrees: bool) -> None:
    assert agree(declared, sniff(start)) is agrees
