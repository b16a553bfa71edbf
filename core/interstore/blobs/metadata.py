"""The user's metadata: what may be in it, and its form where only ASCII can stand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, unquote

from interstore.errors import InvalidQueryError

__all__ = ["MAX_METADATA_BYTES", "check_metadata", "decode_value", "encode_value"]

MAX_METADATA_BYTES: Final = 1024
"""Of all names and values together, values as `encode_value` has them."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")
_SAFE: Final = " !#$&'()*+,/:;<=>?@[]^`{|}"


def check_metadata(metadata: Any) -> dict[str, str]:
    """A copy of `metadata`, if it can be kept on every store.

    Names are of small letters, digits and ``_``, begin with a letter and not with
    ``interstore``; values are texts without control characters.

    Raises:
        InvalidQueryError: it cannot.
    """
    if metadata is None:
        return {}
    if not isinstance(metadata, Mapping):
        raise InvalidQueryError(f"metadata is a mapping, not of type {type(metadata).__name__}")
    size = 0
    for name, value in metadata.items():
        _check(name, value)
        size += len(name) + len(encode_value(value))
    if size > MAX_METADATA_BYTES:
        raise InvalidQueryError(
            f"the metadata has {size:,} bytes, percent-encoded, and at most "
            f"{MAX_METADATA_BYTES:,} are allowed: keep more in a document"
        )
    return dict(metadata)


def _check(name: Any, value: Any) -> None:
    if not isinstance(name, str) or not _NAME.match(name) or name.startswith("interstore"):
        raise InvalidQueryError(
            f"the metadata name {name!r} is not valid: a small letter, then up to 62 small "
            "letters, digits or '_', not beginning with 'interstore'"
        )
    if not isinstance(value, str):
        raise InvalidQueryError(
            f"the metadata {name!r} is a text, not of type {type(value).__name__}"
        )
    if not value.isprintable() and any(ord(c) < 32 or 127 <= ord(c) < 160 for c in value):
        raise InvalidQueryError(f"the metadata {name!r} holds a control character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidQueryError(f"the metadata {name!r} holds half of a character") from None


def encode_value(value: str) -> str:
    """A value in printable ASCII: what is not, ``%`` and outer spaces are percent-encoded."""
    inner = value.strip(" ")
    if not inner:
        return "%20" * len(value)
    start = value.index(inner)
    end = len(value) - start - len(inner)
    return "%20" * start + quote(inner, safe=_SAFE, errors="replace") + "%20" * end


def decode_value(text: str) -> str:
    """The value that `encode_value` made `text` of."""
    return unquote(text)
