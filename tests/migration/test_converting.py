"""Codecs by name."""

from __future__ import annotations

from typing import Any

import pytest

from interstore.document import make_document
from interstore.errors import ConfigurationError
from interstore.migration import Transform
from interstore.migration.converting import CODECS, compile_codec
from interstore.migration.transform import compile_transform


@pytest.mark.parametrize(
    ("codec", "value", "stored"),
    [
        ("int64", 2**63 - 1, "18446744073709551615"),
        ("int64", "-9223372036854775808", "0" * 20),
        ("int64", {"$numberLong": "5"}, "09223372036854775813"),
        ("scaled:2", "12.5", 1250),
        ("scaled:2", 0.1, 10),
        ("decimal", "1.500", "1.5"),
        ("decimal", 0.1, "0.1"),
        ("decimal", {"$numberDecimal": "12.30"}, "12.3"),
        ("number", " 7 ", 7),
        ("number", "1e3", 1000),
        ("number", "0.5", 0.5),
        ("number", float("nan"), None),
        ("number", "Infinity", None),
        ("bool", "Yes", True),
        ("bool", 0, False),
        ("text", 2**80, str(2**80)),
        ("text", True, "true"),
        ("text", "a\0b\ud83d", "ab\ufffd"),
        ("text", {"$oid": "65f0"}, "65f0"),
        ("json", '{"a":[1]}', {"a": [1]}),
        ("datetime", "2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00.000000Z"),
        ("datetime", "2026-01-31 12:00:00Z", "2026-01-31T12:00:00.000000Z"),
        ("datetime", {"$date": "2026-01-31T12:00:00Z"}, "2026-01-31T12:00:00.000000Z"),
        ("datetime", {"$date": {"$numberLong": "1000"}}, "1970-01-01T00:00:01.000000Z"),
        ("datetime:Europe/Oslo", "2026-07-01T12:00:00", "2026-07-01T10:00:00.000000Z"),
        ("datetime:unix", "1.5", "1970-01-01T00:00:01.500000Z"),
        ("datetime:unix-ms", 1500, "1970-01-01T00:00:01.500000Z"),
        ("date", "2026-01-31", "2026-01-31"),
        ("uuid", "{6BA7B810-9DAD-11D1-80B4-00C04FD430C8}", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        ("bytes", "AQI=", "AQI="),
        ("bytes", {"$binary": {"base64": "AQI=", "subType": "00"}}, "AQI="),
        ("bytes:hex", "\\x0102", "AQI="),
        ("int64", None, None),
        ("number", ["1", None, ["2"]], [1, None, [2]]),
    ],
)
def test_what_is_stored(codec: str, value: Any, stored: Any) -> None:
    found = compile_codec(codec)(value)
    assert found == stored
    assert type(found) is type(stored)


@pytest.mark.parametrize(
    ("codec", "value", "message"),
    [
        ("int64", 2**63, "not an integer of 64 bits"),
        ("int64", "1.5", "not an integer of 64 bits"),
        ("int64", "x", "no number"),
        ("int64", {"a": 1}, "an object"),
        ("scaled:2", "0.123", "more than 2 decimal places"),
        ("decimal", True, "no number"),
        ("decimal", "NaN", "not a number"),
        ("bool", "perhaps", "neither true nor false"),
        ("json", "{", "not JSON"),
        ("json", 5, "not a text"),
        ("datetime", "2026-01-31T12:00:00", "names no time zone.*datetime:UTC"),
        ("datetime", 5, "not a point in time"),
        ("datetime:unix", 1e20, "outside the years"),
        ("date", "31.1.2026", "not a date"),
        ("uuid", "x", "not a UUID"),
        ("bytes", "***", "not base64"),
        ("bytes:hex", "0g", "not hexadecimal"),
    ],
)
def test_what_is_refused(codec: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compile_codec(codec)(value)


@pytest.mark.parametrize(
    "name", ["", "int65", "scaled", "scaled:x", "datetime:Mars/Base", "text:x"]
)
def test_codecs_that_do_not_exist(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"no codec|no time zone"):
        compile_codec(name)


def test_all_that_are_listed_exist() -> None:
    for name in CODECS:
        assert compile_codec(name.replace(":N", ":2").replace("ZONE", "UTC"))(None) is None


def test_paths_are_of_one_model_and_enter_arrays() -> None:
    transform = Transform(codecs={"orders.lines.n": "int64", "users.n": "text"}).checked()
    document = make_document({"lines": [{"n": 1}, {"m": 2}], "n": 5}, "a", 1, "", "")
    for model, expected in (
        ("orders", {"lines": [{"n": "09223372036854775809"}, {"m": 2}], "n": 5}),
        ("users", {"lines": [{"n": 1}, {"m": 2}], "n": "5"}),
    ):
        apply = compile_transform(transform, model)
        assert apply is not None
        changed = apply(document)
        assert changed is not None
        assert changed.fields() == expected


@pytest.mark.parametrize("path", ["n", "users.", ".n", "users.id", "users.@version"])
def test_paths_that_are_none(path: str) -> None:
    with pytest.raises(Exception, match=r"MODEL\.FIELD|kept by Interstore"):
        Transform(codecs={path: "text"}).checked()
