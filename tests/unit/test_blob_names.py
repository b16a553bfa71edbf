"""Keys as names of objects: reversible, in the same order, prefixes kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstore.testing.blob_keys import HOSTILE, TOGETHER
from interstore_backends._blobs.names import CAREFUL, FLAT, PLAIN, Names

ALPHABET = 'aZ09/.-~}|{[]\\^?>@#"$%! \x01\x7f\x85é\ue000\ufffd\ufffe\uffff🙂\t+,&'
KEYS = st.text(ALPHABET, min_size=1, max_size=8) | st.builds(
    lambda length, tail: "x" * length + tail,
    st.integers(56, 62) | st.integers(118, 122),
    st.text(ALPHABET, max_size=6),
)
EVERY = pytest.mark.parametrize("names", [PLAIN, CAREFUL, FLAT], ids=["plain", "careful", "flat"])


@EVERY
@given(one=KEYS, other=KEYS)
def test_order_is_kept(names: Names, one: str, other: str) -> None:
    assert (one < other) == (names.name(one) < names.name(other))
    if names is CAREFUL:
        ours, others = (names.name(key).encode("utf-16-be") for key in (one, other))
        assert (one < other) == (ours < others)
    # Where a folder stands where its bare name does.
    assert (one < other) == (names.name(one).split("/") < names.name(other).split("/")) or (
        names is not FLAT
    )


@EVERY
@given(key=KEYS)
def test_leads_back_and_keeps_prefixes(names: Names, key: str) -> None:
    name = names.name(key)
    assert names.key(name) == key
    assert all(name.startswith(names.name(key[:end])) for end in range(len(key)))


@EVERY
def test_hostile_keys(names: Names) -> None:
    keys = {*HOSTILE, *(key for group in TOGETHER for key in group)}
    made = {names.name(key) for key in keys}
    assert len(made) == len(keys)
    assert {names.key(name) for name in made} == keys


def test_flat_names_are_files_of_folders() -> None:
    for key in [*HOSTILE, "x" * 1024, "🙂" * 256, "/" * 60]:
        parts = FLAT.name(key).split("/")
        assert all(0 < len(part.encode()) <= 255 for part in parts)
        assert all(part.endswith("~") and len(part) == 61 for part in parts[:-1])
        assert 0 < len(parts[-1]) <= 60


@pytest.mark.parametrize("name", ["a/b", "a.2f", "a.41", "a b", "[", "}1~", "~/a", ""])
def test_names_of_others_have_no_key(name: str) -> None:
    assert FLAT.key(name) is None or not name
