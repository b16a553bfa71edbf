r"""Ids and keys as Cosmos DB can hold them, and the one function that writes paths.

An id may not hold ``/ \ # ?``, so these are percent-encoded, and ``%`` with them; the id as it
is stands in the envelope, for filters and sorts. At the root of an item, keys that are the
service's own have their first character encoded; deeper, every key is left as it is. Values
are not touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from interstore.paths import Envelope, Path

__all__ = [
    "ENVELOPE",
    "ENVELOPE_FIELDS",
    "escape_fields",
    "escape_id",
    "field_path",
    "object_expression",
    "raw_expression",
    "root_key",
    "unescape_fields",
    "value_expression",
]

ENVELOPE: Final = "_interstore"
"""The field that holds id, version and times."""

_OWN: Final = frozenset(
    {"id", "_rid", "_self", "_etag", "_ts", "_attachments", "_lsn", "ttl", ENVELOPE}
)
_SPECIAL: Final = re.compile(r"[%/\\#?]")
_json: Final = msgspec.json.Encoder().encode


def escape_id(id: str) -> str:
    """`id` as an item has it: 765 bytes at most, of the 1,023 that are allowed.

    In a URL, ``.`` and ``..`` are no names.
    """
    if id in (".", ".."):
        return "%2E" + id[1:]
    return _SPECIAL.sub(lambda match: f"%{ord(match[0]):02X}", id)


def root_key(key: str) -> str:
    """A key of the user's at the root of an item."""
    if key not in _OWN and not key.startswith("%"):
        return key
    return f"%{ord(key[0]):02X}{key[1:]}"


def escape_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields as an item has them; the same object where that is no other."""
    if _OWN.isdisjoint(fields) and not any(key.startswith("%") for key in fields):
        return fields
    return {root_key(key): value for key, value in fields.items()}


def unescape_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """An item's fields, without those of the service, with their keys as they were."""
    if not any(key.startswith("%") for key in fields):
        return {key: value for key, value in fields.items() if key not in _OWN}
    return {
        unquote(key[:3]) + key[3:] if key.startswith("%") else key: value
        for key, value in fields.items()
        if key not in _OWN
    }


@lru_cache(maxsize=4_096)
def raw_expression(document: str, path: Path) -> str:
    """The value at a path of an item as it is stored: ``c["a"]["b"][0]``.

    The only place where a path becomes text of a statement: a key as a JSON string, an index
    as digits.
    """
    return document + "".join(f"[{_json(step).decode()}]" for step in path)


def object_expression(document: str, keys: Iterable[str]) -> str:
    """An object of some fields of an item, as they are stored."""
    fields = [f"{_json(key).decode()}: {raw_expression(document, (key,))}" for key in keys]
    return f"{{{', '.join(fields)}}}"


@lru_cache(maxsize=4_096)
def value_expression(document: str, path: Path) -> str:
    """The value at a path of a document."""
    if document == "c" and path and isinstance(path[0], str):
        path = (root_key(path[0]), *path[1:])
    return raw_expression(document, path)


ENVELOPE_FIELDS: Final = {
    Envelope.ID: f'c["{ENVELOPE}"]["id"]',
    Envelope.VERSION: f'c["{ENVELOPE}"]["version"]',
    Envelope.CREATED_AT: f'c["{ENVELOPE}"]["created_at"]',
    Envelope.UPDATED_AT: f'c["{ENVELOPE}"]["updated_at"]',
    Envelope.EXPIRES_AT: f'c["{ENVELOPE}"]["expires"]',
}


def field_path(path: Path) -> str:
    """A path of keys as patches and indexing policies name a field: ``/a/b``.

    ``~`` and ``/`` in a key are escaped as in a JSON pointer.
    """
    keys = [root_key(str(path[0])), *map(str, path[1:])]
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)
