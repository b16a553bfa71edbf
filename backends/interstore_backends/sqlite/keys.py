"""Keys of objects as SQLite can address them, and the one function that quotes paths.

SQLite before 3.45 cannot address a key that holds a double quote. So in stored documents
and in paths `"` is written ``%22``, and `%` itself ``%25``; always, because a file travels
between libraries. Values are not touched, and nor is the order of anything.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from interstore.paths import Path
from interstore.prepared import Write

__all__ = ["quote_name", "quote_path", "quote_text", "stored_json", "unescape_keys"]

_encode: Final = msgspec.json.Encoder().encode


def quote_text(text: str) -> str:
    """`text` as a literal of SQL."""
    if "\0" in text:
        raise ValueError("a literal cannot hold a NUL character")
    return "'" + text.replace("'", "''") + "'"


def quote_name(name: str) -> str:
    """`name` as an identifier of SQL."""
    if "\0" in name:
        raise ValueError("an identifier cannot hold a NUL character")
    return '"' + name.replace('"', '""') + '"'


def quote_path(path: Path) -> str:
    """`path` as a literal of SQL that holds a path of SQLite's JSON functions.

    A label is compared with the raw text of the key, so it is encoded as documents are.
    """
    steps = [
        f"[{step}]" if isinstance(step, int) else "." + _encode(_escape(step)).decode()
        for step in path
    ]
    return quote_text("$" + "".join(steps))


def stored_json(write: Write) -> str:
    """The document's JSON with its keys escaped."""
    data = write.json
    text = data.decode()
    # Almost always; one byte is looked for faster than two.
    if b"%" not in data and (b"\\" not in data or b'\\"' not in data):
        return text
    if not _any_key(write.fields, ("%", '"')):
        return text
    return _encode(_with_keys(write.fields, _escape)).decode()


def unescape_keys(fields: dict[str, Any]) -> dict[str, Any]:
    """A decoded document with its keys as they were. Only needed where its text has a %."""
    if not _any_key(fields, ("%",)):
        return fields
    restored: dict[str, Any] = _with_keys(fields, _unescape)
    return restored


def _escape(key: str) -> str:
    return key.replace("%", "%25").replace('"', "%22")


def _unescape(key: str) -> str:
    return key.replace("%22", '"').replace("%25", "%")


def _any_key(value: Any, marks: tuple[str, ...]) -> bool:
    stack = [value]
    while stack:
        entry = stack.pop()
        if isinstance(entry, dict):
            for mark in marks:
                if any(mark in key for key in entry):
                    return True
            stack.extend(entry.values())
        elif isinstance(entry, list):
            stack.extend(entry)
    return False


def _with_keys(value: Any, rename: Any) -> Any:
    if isinstance(value, dict):
        return {rename(key): _with_keys(item, rename) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_keys(item, rename) for item in value]
    return value
