"""`BlobRules`: what a store lets in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from interstore.blobs.content_types import agree, sniff
from interstore.errors import ConfigurationError, InvalidDocumentError

__all__ = ["BlobRules"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobRules:
    """What a store lets in; by default everything.

    Attributes:
        max_size: the most bytes of a content; checked while it streams in.
        content_types: media types, or patterns of them (``"image/*"``). The declared type
            must be one of them, and the first bytes must not be of another type: a program
            that is called ``photo.png`` is refused.
    """

    max_size: int | None = None
    content_types: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if self.max_size is not None and self.max_size < 0:
            raise ConfigurationError(f"max_size {self.max_size} is negative")
        if isinstance(self.content_types, str):
            raise ConfigurationError("content_types is a list of texts, not one text")

    def check_size(self, key: str, size: int) -> None:
        """Refuse a content that has `size` bytes, or that many so far.

        Raises:
            InvalidDocumentError: it is too large.
        """
        if self.max_size is not None and size > self.max_size:
            raise InvalidDocumentError(
                f"the blob {key!r} has more than {self.max_size:,} bytes (max_size); "
                "nothing was written",
                id=key,
            )

    def check_type(self, key: str, content_type: str, start: bytes) -> None:
        """Refuse a content by its declared type and its first bytes.

        Raises:
            InvalidDocumentError: the type is not allowed, or the bytes are of another one.
        """
        if self.content_types is None:
            return
        bare = content_type.partition(";")[0].strip().lower()
        if not any(fnmatchcase(bare, pattern.lower()) for pattern in self.content_types):
            allowed = ", ".join(self.content_types) or "none"
            raise InvalidDocumentError(
                f"the blob {key!r} is of type {bare}, and this store allows {allowed}", id=key
            )
        found = sniff(start)
        if not agree(content_type, found):
            raise InvalidDocumentError(
                f"the blob {key!r} is said to be {bare}, but its first bytes are "
                f"{found or 'of no such type'}",
                id=key,
            )
