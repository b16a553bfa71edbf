"""Paths as a caller writes them: ``"a.b[0].c"``, or a tuple of steps."""

from __future__ import annotations

import re
from functools import lru_cache
from reprlib import Repr
from typing import Any, Final

from interstore.errors import InvalidQueryError
from interstore.paths import Envelope, Path, Reference, Step

__all__ = ["MAX_INDEX", "MAX_STEPS", "parse_path", "shown"]

MAX_STEPS = 64
"""A document is nested no deeper, so no longer path leads anywhere."""

MAX_INDEX = 2**31 - 1
"""The greatest index that every engine takes."""

_ENVELOPE: Final = {field.value: field for field in Envelope}
_SEGMENT = re.compile(r"([^\[]*)((?:\[(?:0|[1-9][0-9]{0,9})\])*)\Z", re.DOTALL)
_CACHED_LENGTH = 200  # so that hostile paths cannot fill the memory


def parse_path(path: Any, *, root: bool = True) -> Reference:
    """What `path` refers to.

    In a string, dots separate keys and only ``[n]`` is an index; ``"a.0"`` is the key
    ``"0"``. At the root, ``"id"`` and ``"@version"``, ``"@created_at"``, ``"@updated_at"``,
    ``"@expires_at"`` are the envelope's. A tuple takes every key as it is:
    ``("@version",)`` is the user's own key; ``("id",)`` is the id all the same.

    Args:
        root: whether the path starts at the document; inside ``$elemMatch`` it does not,
            and there is no envelope.

    Raises:
        InvalidQueryError: `path` is malformed, or no path at all.
    """
    if type(path) is str:
        if len(path) <= _CACHED_LENGTH:
            return _parse_cached(path, root)
        return _parse_text(path, root)
    if isinstance(path, tuple):
        return _parse_steps(path, root)
    if isinstance(path, str):  # a str subclass, an enumeration's member
        return parse_path(str.__str__(path), root=root)
    raise InvalidQueryError(
        f"path {shown(path)} is neither a string such as 'a.b[0]' nor a tuple of keys and indexes"
    )


def shown(value: Any) -> str:
    """`value` for a message, cut short whatever its size and depth."""
    try:
        text = _brief.repr(value)
    except Exception:  # noqa: BLE001 - a caller's own __repr__, or digits beyond Python's limit
        text = f"<{type(value).__name__}>"
    return text if len(text) <= 80 else text[:77] + "..."


_brief = Repr()
_brief.maxlevel = 3
_brief.maxstring = _brief.maxother = _brief.maxlong = 80


def _parse_text(text: str, root: bool) -> Reference:
    if root and text in _ENVELOPE:
        return _ENVELOPE[text]
    steps: list[Step] = []
    for number, segment in enumerate(text.split(".")):
        match = _SEGMENT.match(segment)
        if match is None:
            raise _malformed(text, "an index is [n] with n from 0, at the end of a key")
        key, indexes = match.groups()
        if key:
            steps.append(key)
        elif number or not indexes:
            raise _malformed(text, "a key is empty" if text else "it is empty")
        if indexes:
            steps.extend(int(index) for index in indexes[1:-1].split("]["))
    return _checked(tuple(steps), text, root)


_parse_cached = lru_cache(maxsize=2048)(_parse_text)


def _parse_steps(path: tuple[Any, ...], root: bool) -> Reference:
    if not path:
        raise InvalidQueryError("path () is empty; a path has at least one key")
    steps: list[Step] = []
    for step in path:
        if isinstance(step, str):
            steps.append(step if type(step) is str else str.__str__(step))
        elif type(step) is int and step >= 0:
            steps.append(step)
        else:
            raise InvalidQueryError(
                f"path {shown(path)}: {shown(step)} is neither a key (a string) nor an index "
                "(an integer from 0)"
            )
    if root and steps == ["id"]:
        return Envelope.ID
    return _checked(tuple(steps), path, root)


def _checked(steps: Path, path: Any, root: bool) -> Path:
    if len(steps) > MAX_STEPS:
        raise InvalidQueryError(
            f"path {shown(path)} has {len(steps):,} steps; the limit is {MAX_STEPS}"
        )
    if root and type(steps[0]) is int:
        raise InvalidQueryError(
            f"path {shown(path)} begins with an index, but a document is an object: begin with "
            "a key"
        )
    for step in steps:
        if type(step) is int:
            if step > MAX_INDEX:
                raise InvalidQueryError(f"path {shown(path)}: index {step} is beyond {MAX_INDEX:,}")
        elif not step.isascii():  # type: ignore[union-attr]
            _check_encodable(step, path)
        if type(step) is str and "\0" in step:
            raise InvalidQueryError(f"path {shown(path)} holds a NUL character: no key does")
    return steps


def _check_encodable(key: Any, path: Any) -> None:
    try:
        key.encode()
    except UnicodeEncodeError:
        raise InvalidQueryError(f"path {shown(path)} holds a lone surrogate: no key does") from None


def _malformed(text: str, why: str) -> InvalidQueryError:
    return InvalidQueryError(
        f"path {shown(text)} is malformed: {why}. Write 'a.b[0].c', or a tuple such as "
        "('a', 'odd.key', 0) for keys that hold '.' or '[' or are empty"
    )
