"""A write as the caller asked for it, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interstore.blobs.blob import BlobHead
from interstore.blobs.capabilities import BlobCapabilities
from interstore.blobs.content_types import UNKNOWN, check_content_type, guess, sniff
from interstore.blobs.keys import check_key
from interstore.blobs.metadata import check_metadata
from interstore.errors import InvalidQueryError, UnsupportedError

__all__ = ["Request", "check_condition", "is_number", "request"]


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be written, without the content.

    Attributes:
        key: valid.
        content_type: as the caller said, or as the key's extension says, if one did.
        sniffing: whether the first bytes may say what the content type is.
        metadata: valid.
        conditions: what to pass to the engine.
    """

    key: str
    content_type: str | None
    sniffing: bool
    metadata: Mapping[str, str]
    conditions: dict[str, Any]

    def head(self, start: bytes, *, size: int | None, sha256: str | None) -> BlobHead:
        """What the engine is told, given the first bytes."""
        content_type = self.content_type
        if content_type is None and self.sniffing:
            content_type = sniff(start)
        return BlobHead(
            content_type=content_type or UNKNOWN, metadata=self.metadata, size=size, sha256=sha256
        )


def request(
    key: Any,
    content_type: Any,
    metadata: Any,
    if_absent: Any,
    if_match: Any,
    capabilities: BlobCapabilities,
    backend: str,
) -> Request:
    """Check what a caller asks for.

    Raises:
        InvalidQueryError: an argument is not valid.
        UnsupportedError: the engine cannot do or keep it.
    """
    check_key(key)
    guessed = guess(key)
    metadata = check_metadata(metadata)
    if content_type is not None:
        check_content_type(content_type)
    kept = capabilities.metadata
    if not kept and (metadata or content_type not in (None, guessed or UNKNOWN)):
        raise UnsupportedError(
            f"{backend} keeps neither metadata nor content types (the type of {key!r} is "
            f"{guessed or UNKNOWN}, by its name): keep them in a document",
            backend=backend,
            id=key,
        )
    return Request(
        key,
        content_type or guessed,
        kept,
        metadata,
        _conditions(if_absent, if_match, capabilities, backend),
    )


def _conditions(
    if_absent: Any, if_match: Any, capabilities: BlobCapabilities, backend: str
) -> dict[str, Any]:
    if if_absent not in (True, False):
        raise InvalidQueryError(f"if_absent is True or False, not {if_absent!r}")
    if if_absent and if_match is not None:
        raise InvalidQueryError("if_absent and if_match exclude one another: pass one of them")
    if if_absent:
        if not capabilities.if_absent:
            raise UnsupportedError(
                f"{backend} has no write that fails if the key exists: write to a key that "
                "nobody else makes, such as one with a new UUID",
                backend=backend,
            )
        return {"if_absent": True}
    return check_condition(if_match, capabilities, backend)


def check_condition(if_match: Any, capabilities: BlobCapabilities, backend: str) -> dict[str, Any]:
    """The condition of a write or delete, as an argument of the engine; none if it is ``None``."""
    if if_match is None:
        return {}
    if not isinstance(if_match, str) or not if_match:
        raise InvalidQueryError(f"if_match is the etag of a BlobInfo, not {if_match!r}")
    if not capabilities.if_match:
        raise UnsupportedError(
            f"{backend} has no write that fails if the blob has changed: keep what must not be "
            "overwritten under keys of its own",
            backend=backend,
        )
    return {"if_match": if_match}


def is_number(value: Any, least: int) -> bool:
    """Whether it is a whole number, `least` or more; a bool is none."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
