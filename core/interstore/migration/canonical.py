r"""The canonical text of a document: equal for equal documents, whichever engine held them.

It is JSON in UTF-8 without white space, defined so that other programs can write it too:

* the keys of an object stand in the order of their code points, each once;
* text stands between double quotes; only the double quote and the backslash (``\"``,
  ``\\``) and the characters below U+0020 are escaped: ``\b \f \n \r \t``, the others
  as ``\u00`` and two lower-case hexadecimal digits. Nothing is normalised;
* an integral number within ±(2**53 - 1) is its decimal digits, ``-`` before a negative one,
  and zero is ``0`` (so ``1``, ``1.0``, ``1e0`` are one number, and ``-0.0`` is ``0``);
* any other number is its shortest decimal, the fewest digits d that give back the same IEEE
  double (an integer of the source that is no double keeps all its digits), without zeros at
  either end. Let e be the power of ten of the first digit. For -5 <= e <= 15 the digits stand
  as a plain decimal with at least one digit on either side of the point (``0.00001``,
  ``9007199254740992.0``); otherwise as ``d.ddd``, without a point if there is one digit,
  ``e`` and the exponent without ``+`` or leading zeros (``1e22``, ``1.5e-7``);
* ``true``, ``false``, ``null``.

Types stay apart: a text is quoted, a number, a truth value and null are not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

__all__ = ["canonical_text", "spell"]

_encode: Final = msgspec.json.Encoder(order="sorted").encode
_MAX_INTEGER: Final = 2**53 - 1

# Documents that came through the door are canonical already, and msgspec writes them as defined
# above. Others can only differ in numbers: an integral double below 1e16, or an integer of 16
# digits and more. The two tests below find all of these (and some innocent ones).
_DIGITS_TO_ZERO: Final = bytes.maketrans(b"123456789", b"000000000")
_SIXTEEN: Final = b"0" * 16
_large_integer: Final = re.compile(rb"(?<![0-9.])[0-9]{16}").search


def canonical_text(value: Any) -> bytes:
    """The canonical text of a portable value, such as a document.

    Raises:
        ValueError: `value` holds something that is not a JSON value.
    """
    try:
        text = _encode(value)
    except (OverflowError, UnicodeEncodeError):
        return spell(value).encode()
    if (
        b".0," in text
        or b".0}" in text
        or b".0]" in text
        or text.endswith(b".0")
        or (_SIXTEEN in text.translate(_DIGITS_TO_ZERO) and _large_integer(text))
    ):
        return spell(value).encode()
    return text


def spell(value: Any) -> str:
    """The canonical text, letter by letter as the definition says: slow, for any JSON value.

    Raises:
        ValueError: `value` holds something that is not a JSON value.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, (int, float)):
        return _number(value)
    if isinstance(value, Mapping):
        items = sorted(value.items())
        return "{" + ",".join(f"{_quoted(key)}:{spell(item)}" for key, item in items) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(spell, value)) + "]"
    raise ValueError(f"a {type(value).__name__} is not a JSON value")


_ESCAPES: Final = {code: f"\\u{code:04x}" for code in range(0x20)} | {
    ord('"'): '\\"',
    ord("\\"): "\\\\",
    ord("\b"): "\\b",
    ord("\f"): "\\f",
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    ord("\t"): "\\t",
}


def _quoted(text: str) -> str:
    return f'"{text.translate(_ESCAPES)}"'


def _number(value: int | float) -> str:
    if isinstance(value, float):
        if value - value != 0.0:
            raise ValueError(f"{value} is not a JSON value")
        if value.is_integer() and -_MAX_INTEGER <= value <= _MAX_INTEGER:
            value = int(value)
    if isinstance(value, int) and -_MAX_INTEGER <= value <= _MAX_INTEGER:
        return str(int(value))
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits))
    first = len(text) - 1 + exponent
    return ("-" if sign else "") + _decimal(text.rstrip("0"), first)


def _decimal(digits: str, first: int) -> str:
    """`digits` as a number whose first digit counts 10**`first`."""
    if not -5 <= first <= 15:
        point = "." if len(digits) > 1 else ""
        return f"{digits[0]}{point}{digits[1:]}e{first}"
    if first < 0:
        return "0." + "0" * (-first - 1) + digits
    whole = digits[: first + 1].ljust(first + 1, "0")
    return f"{whole}.{digits[first + 1 :] or '0'}"
