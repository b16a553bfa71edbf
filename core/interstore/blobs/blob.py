"""What is known of a blob, and what is listed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from urllib.parse import quote

__all__ = ["BlobEntry", "BlobHead", "BlobInfo", "BlobPage", "Copied", "UrlGrant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobInfo:
    """A blob without its content.

    Attributes:
        key: its key.
        size: bytes of its content.
        content_type: a media type, ``"application/octet-stream"`` if nothing better is known.
        metadata: the user's own, names in lower case.
        etag: an opaque text that differs after every change of the content; for `if_match`.
        sha256: of the content, in lower-case hexadecimal; ``None`` where the store does not
            know it (files that other programs put there, stores that keep no digests).
        modified: when it was written, in UTC, by the store's clock; of what was just written
            perhaps a second later, where the store does not tell.
        encoding: ``"gzip"`` or ``"zstd"`` if the store keeps it compressed. All else is told of
            the content as it was written.
        stored_size: bytes that are kept of it, if it is compressed.
    """

    key: str
    size: int
    content_type: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    etag: str
    sha256: str | None = None
    modified: datetime
    encoding: str | None = None
    stored_size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobHead:
    """What an engine is told of a blob before its content.

    Attributes:
        content_type: what to keep as its media type.
        metadata: what to keep as the user's own.
        size: bytes of its content, where that is known before.
        sha256: of the content, where that is known before.
    """

    content_type: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class BlobEntry:
    """One line of a listing: a blob, or what several keys have in common up to a delimiter.

    Attributes:
        key: the blob's key, or the common prefix, its delimiter included.
        size: bytes of the content, or of what is kept of it if it is compressed; ``0`` of a
            prefix.
        modified: when the blob was written; ``None`` of a prefix.
    """

    key: str
    size: int = 0
    modified: datetime | None = None

    @property
    def is_prefix(self) -> bool:
        """Whether this stands for several keys."""
        return self.modified is None


@dataclass(frozen=True, slots=True)
class BlobPage:
    """A part of a listing.

    Attributes:
        entries: in the order of their keys by code point.
        after: what to pass as `after` for the next page; ``None`` if this was the last.
    """

    entries: tuple[BlobEntry, ...]
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Copied:
    """What `copy_to` did.

    Attributes:
        blobs: how many blobs were copied.
        size: bytes of their contents.
        skipped: how many were there already and left alone.
    """

    blobs: int = 0
    size: int = 0
    skipped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlGrant:
    """What a signed URL lets whoever has it do.

    Attributes:
        key: the blob's.
        method: ``"GET"`` to download, ``"PUT"`` to upload.
        seconds: for how long.
        content_type: of a download, the type that is answered; of an upload, the type that it
            must have.
        filename: of a download, the name under which a browser saves it.
        max_size: of an upload, the most bytes.
    """

    key: str
    method: Literal["GET", "PUT"]
    seconds: int
    content_type: str | None = None
    filename: str | None = None
    max_size: int | None = None

    @property
    def disposition(self) -> str | None:
        """The value of ``Content-Disposition`` that stands for `filename` (RFC 6266)."""
        if self.filename is None:
            return None
        return f"attachment; filename*=UTF-8''{quote(self.filename, safe='')}"
