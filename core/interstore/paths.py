"""Where a value lies in a document: user paths and the fields of the envelope."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final, TypeAlias

__all__ = ["MISSING", "Envelope", "Path", "Reference", "Step", "resolve", "show_path"]

Step: TypeAlias = str | int
Path: TypeAlias = tuple[Step, ...]
"""Steps from the root: a string enters an object, an integer (>= 0) an array."""


class Envelope(Enum):
    """The fields that Interstore keeps beside the user's, as filters and sorts name them."""

    ID = "id"
    VERSION = "@version"
    CREATED_AT = "@created_at"
    UPDATED_AT = "@updated_at"
    EXPIRES_AT = "@expires_at"


Reference: TypeAlias = Path | Envelope
"""What a filter's leaf or a sort key refers to."""


class _Missing(Enum):
    MISSING = "MISSING"

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing.MISSING
"""The value of a path that leads nowhere (an explicit null is ``None``)."""


def resolve(value: Any, path: Path) -> Any:
    """The value at `path`, or `MISSING`.

    A key needs an object and an index an array: arrays are never entered silently.
    """
    for step in path:
        if isinstance(step, str):
            if not isinstance(value, dict) or step not in value:
                return MISSING
            value = value[step]
        elif not isinstance(value, list) or step >= len(value):
            return MISSING
        else:
            value = value[step]
    return value


def show_path(path: Reference) -> str:
    """`path` as a filter would write it, or as a tuple where only a tuple can say it."""
    if isinstance(path, Envelope):
        return path.value
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif not step or "." in step or "[" in step:
            return repr(path)
        else:
            text += f".{step}" if text else step
    return text
