"""Secrets hide, and are found wherever a text quotes them."""

from __future__ import annotations

import copy
import pickle
import traceback
from urllib.parse import quote, quote_plus

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstore.errors import ConfigurationError, CorruptionError, InterstoreError
from interstore.settings import Secret, redact
from interstore.settings.scrub import scrubbed, scrubbed_async


def test_a_secret_hides() -> None:
    secret = Secret("CANARY")
    shown = f"{secret} {secret!r} {secret!s:>10} {[secret]} {vars}"
    assert "CANARY" not in shown
    assert secret.reveal() == "CANARY"
    assert not hasattr(secret, "__dict__")
    with pytest.raises(TypeError):
        msgspec.json.encode(secret)


def test_equality() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("\ud800")}) == 2
    assert bool(Secret("a"))
    assert not Secret("")


def test_it_is_copied_but_not_pickled() -> None:
    secret = Secret("CANARY")
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret]) == [secret]
    with pytest.raises(TypeError, match=r"reveal\(\)") as caught:
        pickle.dumps(secret)
    assert "CANARY" not in str(caught.value)


@given(st.text(min_size=1).filter(lambda text: "*" not in text))
def test_redaction_in_every_spelling(text: str) -> None:
    utf8 = text.encode("utf-8", "surrogatepass")
    for form in (text, repr(text)[1:-1], quote(utf8), quote(utf8, safe=""), quote_plus(utf8)):
        assert redact(f"\0{form}\0", [text]) == "\0***\0" or text in "\0***"
    assert text in "***" or text not in redact(f"a {text} b {text}", [Secret(text), None, ""])


def test_redaction_of_lower_case_escapes_and_longest_first() -> None:
    assert redact("p%2fw p%2Fw", ["p/w"]) == "*** ***"
    assert redact("abcdef", ["abc", "abcdef"]) == "***"


def _fail_with(error: Exception) -> None:
    try:
        raise RuntimeError("driver says CANARY")
    except RuntimeError as cause:
        raise error from cause


@pytest.mark.parametrize(
    "error", [ValueError("bad uri x:CANARY@h"), InterstoreError("no CANARY"), KeyError("CANARY")]
)
def test_scrubbed_errors(error: Exception) -> None:
    error.add_note("at CANARY")
    with pytest.raises(InterstoreError) as caught:
        scrubbed(_fail_with, [Secret("CANARY")], "acme")(error)
    assert "CANARY" not in "".join(traceback.format_exception_only(caught.value))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert caught.value.backend == "acme"


async def test_scrubbed_async_keeps_kind_and_attributes() -> None:
    async def fail() -> None:
        _fail_with(CorruptionError("bad", file="/x/CANARY", offset=3))

    with pytest.raises(CorruptionError) as caught:
        await scrubbed_async(fail, ["CANARY"], "acme")()
    assert (caught.value.file, caught.value.offset) == ("/x/***", 3)
    assert caught.value.__context__ is None


def test_scrubbed_returns() -> None:
    assert scrubbed(divmod, [], "acme")(7, 2) == (3, 1)
    assert issubclass(ConfigurationError, InterstoreError)
