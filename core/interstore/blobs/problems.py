"""The errors that every blob engine raises in the same words."""

from __future__ import annotations

from interstore.errors import ConflictError, CorruptionError, DuplicateError, NotFoundError

__all__ = ["changed", "corrupt", "exists", "missing"]


def missing(key: str, backend: str) -> NotFoundError:
    """There is no such blob."""
    return NotFoundError(f"there is no blob {key!r}", backend=backend, id=key)


def exists(key: str, backend: str) -> DuplicateError:
    """A write with `if_absent` found one."""
    return DuplicateError(
        f"there is a blob {key!r} already, and if_absent refuses to replace it",
        backend=backend,
        id=key,
    )


def changed(key: str, expected: str, found: str | None, backend: str) -> ConflictError:
    """A write or delete with `if_match` found another blob, or none (`found` is ``None``)."""
    state = "is not there" if found is None else f"has the etag {found!r} now"
    return ConflictError(
        f"the blob {key!r} {state}, and if_match expected {expected!r}: read it again",
        backend=backend,
        id=key,
    )


def corrupt(key: str, expected: str, found: str, backend: str) -> CorruptionError:
    """The content that was read is not what was written."""
    return CorruptionError(
        f"the blob {key!r} is damaged: its SHA-256 is {found}, and was {expected} when it was "
        "written",
        backend=backend,
        id=key,
    )
