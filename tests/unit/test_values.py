"""The door: what may be stored, in which form, and what is refused with which words."""

import math
from collections import OrderedDict, UserDict
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstore.errors import InvalidDocumentError
from interstore.values import canonical_fields, canonical_scalar, decode_fields


class Colour(Enum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Name(StrEnum):
    ANNA = "anna"


class Money(float):
    pass


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (1.0, 1),
        (-0.0, 0),
        (9007199254740991.0, 9007199254740991),
        (9007199254740992.0, 9007199254740992.0),
        (1e22, 1e22),
        (0.1, 0.1),
        (True, True),
        ((1, (2.0,)), [1, [2]]),
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        (Name.ANNA, "anna"),
        (Money(2.5), 2.5),
        (UserDict(a=1), {"a": 1}),
        (OrderedDict(b=2), {"b": 2}),
        (datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31T12:00:00.000000Z"),
        (
            datetime(2026, 1, 31, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=2))),
            "2026-01-30T23:02:03.000004Z",
        ),
        (date(2026, 1, 31), "2026-01-31"),
        (time(1, 2, 3), "01:02:03.000000"),
        (timedelta(days=-1, microseconds=5), -86399999995),
        (UUID("AAAAAAAA-0000-4000-8000-00000000000F"), "aaaaaaaa-0000-4000-8000-00000000000f"),
        (Decimal("1.50"), "1.5"),
        (Decimal("1E+2"), "100"),
        (Decimal("-0.0"), "0"),
        (Decimal("1E-99"), "1E-99"),
        (b"\x00\xff", "AP8="),
    ],
)
def test_canonical_form(given: Any, stored: Any) -> None:
    result = canonical_fields({"x": given})["x"]
    assert result == stored
    assert type(result) is type(stored)


@pytest.mark.parametrize(
    ("given", "path", "words"),
    [
        ({"a": {"b": [1, math.nan]}}, "a.b[1]", "nan is not a number"),
        ({"a": math.inf}, "a", "inf"),
        ({"a": 2**53}, "a", "9007199254740992 is outside"),
        ({"a": -(2**53)}, "a", "store it as a string"),
        ({"a": 10**5000}, "a", "integer of 16610 bits"),
        ({"a": "x\0y"}, "a", "NUL"),
        ({"a": "\ud800"}, "a", "lone surrogate"),
        ({"a": {"\udfff": 1}}, "a.\\udfff", "the key"),
        ({"a\0": 1}, "a\\0", "NUL"),
        ({"a": {1: 2}}, "a.1", "keys of objects are strings"),
        ({"a": {1, 2}}, "a", "use a list"),
        ({"a": object()}, "a", "an object cannot be stored"),
        ({"a": datetime(2026, 1, 1)}, "a", "needs a time zone"),  # noqa: DTZ001
        ({"a": datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))}, "a", "years 1 to 9999"),
        ({"a": time(1, tzinfo=UTC)}, "a", "no time zone"),
        ({"a": Decimal("NaN")}, "a", "not a number"),
        ({"a": timedelta.max}, "a", "2**53 - 1 microseconds"),
    ],
)
def test_refusals_name_value_and_place(given: Any, path: str, words: str) -> None:
    with pytest.raises(InvalidDocumentError) as caught:
        canonical_fields(given)
    assert caught.value.path == path
    assert words in str(caught.value)


@pytest.mark.parametrize("data", [None, [], "a", 1, {"a"}])
def test_a_document_is_a_mapping(data: Any) -> None:
    with pytest.raises(InvalidDocumentError, match="a document is a mapping"):
        canonical_fields(data)


def nested(levels: int) -> dict[str, Any]:
    root: dict[str, Any] = {}
    inner = root
    for _ in range(levels - 1):
        inner["a"] = {}
        inner = inner["a"]
    return root


def test_sixty_four_levels_are_accepted_and_no_more() -> None:
    assert canonical_fields(nested(64)) == nested(64)
    with pytest.raises(InvalidDocumentError, match="deeper than 64"):
        canonical_fields(nested(65))
    with pytest.raises(InvalidDocumentError, match="deeper than 64"):
        canonical_fields(nested(100_000))


def test_a_document_that_holds_itself_is_refused() -> None:
    data: dict[str, Any] = {}
    data["self"] = [data]
    with pytest.raises(InvalidDocumentError, match="deeper than 64"):
        canonical_fields(data)


def test_nothing_of_the_callers_is_kept_or_changed() -> None:
    data = {"a": {"b": [1.0, {"c": 2}]}}
    result = canonical_fields(data)
    result["a"]["b"][1]["c"] = 3
    result["a"]["b"].append(4)
    assert data == {"a": {"b": [1.0, {"c": 2}]}}
    assert type(data["a"]["b"][0]) is float


portable = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), inner
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text(st.characters(codec="ascii", exclude_characters="\0")), portable))
def test_canonical_form_is_equal_stable_and_survives_json(data: dict[str, Any]) -> None:
    result = canonical_fields(data)
    assert result == data
    assert canonical_fields(result) == result
    again = decode_fields(msgspec.json.encode(result))
    assert again == result
    assert canonical_fields(again) == again


@pytest.mark.parametrize("value", [{"a": 1}, [1], (1,), {1}, object()])
def test_a_scalar_is_no_container(value: Any) -> None:
    with pytest.raises(ValueError, match=r"not a scalar|cannot be stored"):
        canonical_scalar(value)
