"""Texts of variables as the types of fields, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from interstore.errors import ConfigurationError
from interstore.settings import Secret, Settings, env
from interstore.settings.base import fields_of
from interstore.settings.convert import convert


class Everything(Settings, kw_only=True, frozen=True):
    port: Annotated[int | None, env("PORT", ge=1, le=65535)] = None
    timeout: Annotated[float, env("TIMEOUT")] = 1.0
    on: Annotated[bool, env("ON")] = False
    mode: Annotated[Literal["disable", "verify"], env("MODE")] = "verify"
    name: Annotated[str | None, env("NAME")] = None
    path: Annotated[Path, env("PATH_")] = Path("x")
    password: Annotated[Secret | None, env("PASSWORD")] = None
    driver: Annotated[Any, env(help="A module.")] = None


FIELDS = {field.name: field for field in fields_of(Everything)}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("port", "5432", 5432),
        ("port", " 5432 ", 5432),
        ("port", 5432, 5432),
        ("port", None, None),
        ("timeout", "2.5", 2.5),
        ("timeout", "2", 2.0),
        ("timeout", 2, 2.0),
        *((("on", text, True)) for text in ("1", "true", "YES", "On", " on ")),
        *((("on", text, False)) for text in ("0", "False", "no", "OFF")),
        ("on", True, True),
        ("mode", "disable", "disable"),
        ("name", "null", "null"),
        ("name", " x ", " x "),
        ("name", Path("a/b"), "a/b"),
        ("path", "a/b", Path("a/b")),
        ("path", Path("a/b"), Path("a/b")),
        ("password", "null", Secret("null")),
        ("password", " 5 ", Secret(" 5 ")),
        ("password", Secret("x"), Secret("x")),
        ("driver", pytest, pytest),
    ],
)
def test_conversion(name: str, value: Any, expected: Any) -> None:
    converted = convert(FIELDS[name], value, "it")
    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("port", "abc", "X 'abc' is not an integer, at least 1 and at most 65,535"),
        ("port", "0", "X '0' is not an integer, at least 1 and at most 65,535"),
        ("port", True, "X True is not an integer"),
        ("port", "5.5", "X '5.5' is not an integer"),
        ("timeout", "nan", "X 'nan' is not a number"),
        ("timeout", "1e999", "X '1e999' is not a number"),
        ("timeout", "5s", "X '5s' is not a number"),
        ("on", "maybe", "X 'maybe' is not a boolean (true or false, yes or no"),
        ("on", 2, "X 2 is not a boolean"),
        ("mode", "verfy", "X 'verfy' is not one of disable, verify"),
        ("name", 5, "X 5 is not a text"),
        ("path", 5, "X 5 is not a path"),
        ("path", None, "X None is not a path"),
        ("password", 13579, "X is not a text"),
        ("name", ["x"] * 100, "..."),
    ],
)
def test_refusals(name: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        convert(FIELDS[name], value, "X")
    assert message in str(caught.value)
    assert "13579" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_fields() -> None:
    assert FIELDS["port"].variables == ("PORT",)
    assert FIELDS["password"].secret
    assert not FIELDS["name"].secret
    assert FIELDS["driver"].variables == ()
    assert "CANARY" not in repr(Everything(password=Secret("CANARY")))
