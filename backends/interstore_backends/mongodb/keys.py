"""Keys of objects as MongoDB can address them, and the one function that writes paths.

In a path, a dot separates keys, a number is a key or an index, and ``$`` begins an operator.
So in stored documents and in paths alike, a key that is empty, begins with ``$``, consists
of digits, or holds ``.`` or ``%`` has these percent-encoded (the empty key is ``%``), and
afterwards ``a.0`` can only be an element of an array. At the root, keys that are the
engine's own are encoded too. Values are not touched.
"""

from __future__ import annotations

import re
from typing import Any, Final

from interstore.paths import Path

__all__ = [
    "ENVELOPE",
    "escape_fields",
    "escape_key",
    "escape_value",
    "field_path",
    "unescape_fields",
]

ENVELOPE: Final = "_interstore"
"""The field that holds version and times."""

_OWN: Final = frozenset({"_id", ENVELOPE})
_LEAVES: Final = frozenset({str, int, float, bool, type(None)})
_SPECIAL: Final = re.compile(r"\Z|\$|[0-9]+\Z|[^.%]*[.%]")
_ESCAPED: Final = re.compile("%([0-9A-F]{2})")

_plain: set[str] = set()
"""Keys seen that need nothing: almost all of them, and comparing sets is fast."""
_PLAIN_LIMIT: Final = 10_000


def escape_key(key: str) -> str:
    """`key` as it is stored, anywhere but at the root."""
    if not _SPECIAL.match(key):
        return key
    if not key:
        return "%"
    key = key.replace("%", "%25").replace(".", "%2E")
    return _first(key) if key[0] == "$" or key.isdecimal() else key


def _first(key: str) -> str:
    return f"%{ord(key[0]):02X}{key[1:]}"


def _root_key(key: str) -> str:
    return _first(key) if key in _OWN else escape_key(key)


def field_path(path: Path, *, at_root: bool = True) -> str:
    """`path` as filters and updates name a field."""
    steps = [str(step) if isinstance(step, int) else escape_key(step) for step in path]
    if at_root and path and path[0] in _OWN:
        steps[0] = _first(steps[0])
    return ".".join(steps)


def escape_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields as they are stored; the same object where that is no other."""
    if _is_plain(fields) and _OWN.isdisjoint(fields):
        return fields
    return {_root_key(key): _escaped(value) for key, value in fields.items()}


def escape_value(value: Any) -> Any:
    """A value as it is stored."""
    if type(value) not in (dict, list) or _is_plain(value):
        return value
    return _escaped(value)


def _is_plain(value: dict[str, Any] | list[Any]) -> bool:
    """Whether no key in it needs escaping."""
    items: Any = value
    if type(value) is dict:
        if not _plain.issuperset(value):
            for key in value.keys() - _plain:
                if _SPECIAL.match(key):
                    return False
                if len(_plain) < _PLAIN_LIMIT and len(key) < 100:
                    _plain.add(key)
        items = value.values()
    elif _LEAVES.issuperset(map(type, value)):  # as in most lists, and without a loop in Python
        return True
    for item in items:
        kind = type(item)
        if (kind is dict or kind is list) and not _is_plain(item):
            return False
    return True


def _escaped(value: Any) -> Any:
    if isinstance(value, dict):
        return {escape_key(key): _escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    return value


def unescape_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """A stored document's fields with their keys as they were."""
    restored: dict[str, Any] = _unescaped(fields)
    return restored


def _unescaped(value: Any) -> Any:
    if isinstance(value, dict):
        return {_unescape(key): _unescaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unescaped(item) for item in value]
    return value


def _unescape(key: str) -> str:
    if "%" not in key:
        return key
    if key == "%":
        return ""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), key)
