"""What the answers of S3 say of an object."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from interstore.blobs.blob import BlobHead, BlobInfo
from interstore.blobs.content_types import UNKNOWN
from interstore_backends._blobs.heads import decode_metadata, sha256_of

__all__ = ["etag_of", "info_of", "seconds", "written"]


def etag_of(text: str) -> str:
    """Without its quotes."""
    return text.strip('"')


def seconds(when: datetime) -> datetime:
    """In UTC and whole: a listing has fractions that nothing else has."""
    return when.astimezone(UTC).replace(microsecond=0)


def info_of(key: str, answer: Mapping[str, Any]) -> BlobInfo:
    """Of an answer to GET or HEAD."""
    kept = answer.get("Metadata", {})
    size = answer["ContentLength"]
    if "ContentRange" in answer:
        size = int(answer["ContentRange"].rpartition("/")[2])
    return BlobInfo(
        key=key,
        size=size,
        content_type=answer.get("ContentType") or UNKNOWN,
        metadata=decode_metadata(kept),
        etag=etag_of(answer["ETag"]),
        sha256=sha256_of(kept),
        modified=seconds(answer["LastModified"]),
    )


def written(
    key: str, head: BlobHead, size: int, sha256: str | None, answer: Mapping[str, Any]
) -> BlobInfo:
    """Of an answer to PUT, which says when only by the clock of the answer."""
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return BlobInfo(
        key=key,
        size=size,
        content_type=head.content_type,
        metadata=dict(head.metadata),
        etag=etag_of(answer["ETag"]),
        sha256=sha256,
        modified=seconds(parsedate_to_datetime(date) if date else datetime.now(UTC)),
    )
