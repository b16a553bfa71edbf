"""Names of documents (ids) and of collections of them (models)."""

from __future__ import annotations

import os
import random
import re
import threading
import time
from collections.abc import Iterable
from enum import Enum
from typing import Any
from uuid import UUID

from interstore.errors import ConfigurationError, InvalidQueryError

__all__ = [
    "check_id",
    "check_model",
    "check_new_model",
    "creation_is_off",
    "id_problem",
    "is_reserved",
    "new_id",
    "plain_id",
]

MAX_ID_BYTES = 255

_MODEL = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,47}\Z")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_PLAIN = re.compile(r"[!-~]{1,255}\Z")  # printable ASCII without space: almost every id


def check_model(model: Any) -> str:
    """`model`, if it is a valid name of a model.

    Raises:
        InvalidQueryError: it is not; the message says what a name may hold.
    """
    if type(model) is not str or not _MODEL.match(model):
        raise InvalidQueryError(
            f"model name {_shown(model)} is not valid: a letter, then up to 47 letters, "
            "digits, '_' or '-'"
        )
    if is_reserved(model):
        raise InvalidQueryError(
            f"model name {model!r} is reserved: names beginning with 'interstore' are "
            "Interstore's own",
            model=model,
        )
    return model


def is_reserved(model: str) -> bool:
    """Whether it is the name of a model that Interstore itself keeps."""
    return model[:10].lower() == "interstore"


def check_new_model(model: str, existing: Iterable[str]) -> None:
    """Refuse a new model whose name differs from an existing one in case only.

    Engines call this before they create a model: names are case-sensitive on some
    engines and disks and not on others.
    """
    folded = model.lower()
    for name in existing:
        if name != model and name.lower() == folded:
            raise InvalidQueryError(
                f"model {model!r} differs from the existing model {name!r} in case only; "
                f"use {name!r}",
                model=model,
            )


def creation_is_off(model: str, existing: Iterable[str], backend: str) -> ConfigurationError:
    """The error for a write to a model that does not exist, where writes must not create it."""
    return ConfigurationError(
        f"there is no model {model!r}, and auto_create (DATABASE_AUTO_CREATE) is off; the "
        f"models that exist: {', '.join(sorted(existing)) or 'none'}. Mend the name, or write to "
        "it once with auto_create=True",
        backend=backend,
        model=model,
    )


def id_problem(id: Any) -> str | None:
    """What is wrong with `id`, in a few words; ``None`` if it is a valid id."""
    if type(id) is not str:
        return f"is {_article(type(id).__name__)}, not a string"
    if _PLAIN.match(id):
        return None
    if not id:
        return "is empty"
    if id[0].isspace() or id[-1].isspace():
        return "begins or ends with a space"
    if _CONTROL.search(id):
        return "holds a control character"
    try:
        size = len(id.encode())
    except UnicodeEncodeError:
        return "holds a lone surrogate"
    if size > MAX_ID_BYTES:
        return f"has {size} bytes in UTF-8; the limit is {MAX_ID_BYTES}"
    return None


def check_id(id: Any, model: str) -> str:
    """`id`, if it is a valid id of a document.

    Raises:
        InvalidQueryError: it is not.
    """
    id = plain_id(id)
    problem = id_problem(id)
    if problem is not None:
        raise InvalidQueryError(f"id {_shown(id)} {problem}", model=model)
    checked: str = id
    return checked


def plain_id(id: Any) -> Any:
    """`id` as the plain text that it stands for: UUIDs and kinds of `str` are welcome as ids."""
    if type(id) is str:
        return id
    if isinstance(id, Enum):
        id = id.value
    if isinstance(id, UUID):
        return str(id)
    return str.__str__(id) if isinstance(id, str) else id


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiouAEIOU" else f"a {noun}"


class _UUID7:
    """UUIDs of version 7 (RFC 9562), strictly increasing within the process.

    48 bits of milliseconds, then a 74-bit counter that starts at random in each
    millisecond (its top bit clear, so that it has room to count) and is incremented
    within one (RFC 9562, section 6.2, method 2).
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew, so that a forked process does not repeat its parent's ids."""
        self._lock = threading.Lock()
        self._random = random.Random(os.urandom(32))  # noqa: S311 (unique, not secret)
        self._millisecond = 0
        self._counter = 0

    def __call__(self) -> str:
        with self._lock:
            millisecond = time.time_ns() // 1_000_000
            if millisecond > self._millisecond:
                self._millisecond = millisecond
                self._counter = self._random.getrandbits(73)
            else:  # the same millisecond, or a clock that went back
                self._counter += 1 + self._random.getrandbits(7)
                if self._counter >> 74:
                    self._millisecond += 1
                    self._counter = self._random.getrandbits(73)
            counter = self._counter
            millisecond = self._millisecond
        number = (
            millisecond << 80
            | 0x7 << 76
            | (counter >> 62) << 64
            | 0x2 << 62
            | (counter & 0x3FFF_FFFF_FFFF_FFFF)
        )
        text = f"{number:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


new_id = _UUID7()
"""A new id: a UUIDv7, so ids made later sort later. Strictly increasing per process."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=new_id.reset)
