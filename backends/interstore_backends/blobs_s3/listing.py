"""Listings of a bucket, whose order is that of the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from interstore.blobs.blob import BlobEntry
from interstore_backends._blobs.names import AFTER_ALL
from interstore_backends.blobs_s3.objects import seconds

if TYPE_CHECKING:
    from interstore_backends.blobs_s3.engine import S3Blobs

__all__ = ["page"]

_MOST: Final = 1000


async def page(
    blobs: S3Blobs, prefix: str, after: str, limit: int, delimiter: str | None
) -> list[BlobEntry]:
    """The entries; see `AsyncBlobs.page`. What is within a common prefix is passed over by one
    request for each, not by one for each thousand blobs.
    """
    pages = _Page(blobs, prefix, delimiter, after)
    while len(pages.entries) < limit:
        wanted = min(limit - len(pages.entries), _MOST)
        answer = await blobs.ask(
            "list_objects_v2",
            Prefix=blobs.object_name(prefix),
            MaxKeys=wanted if delimiter is None else _MOST,
            **({"StartAfter": pages.start} if pages.start else {}),
        )
        for found in answer.get("Contents", ()):
            pages.add(found, limit)
        if not answer.get("IsTruncated"):
            break
    return pages.entries


class _Page:
    """What was found so far.

    Attributes:
        entries: in order.
        start: the name after which the next request begins.
    """

    def __init__(self, blobs: S3Blobs, prefix: str, delimiter: str | None, after: str) -> None:
        self.entries: list[BlobEntry] = []
        self._blobs = blobs
        self._from = len(prefix)
        self._delimiter = delimiter
        self._common: str | None = None
        self._after = after
        self.start = blobs.object_name(after) if after > prefix else ""
        if delimiter and after.endswith(delimiter) and len(after) > len(prefix):
            self._pass_over(after)

    def _pass_over(self, common: str) -> None:
        self._common = common
        self.start = self._blobs.object_name(common) + AFTER_ALL

    def add(self, found: dict[str, Any], limit: int) -> None:
        """Take one object into account."""
        key = self._blobs.key_of(found["Key"])
        is_passed = key is not None and self._common is not None and key.startswith(self._common)
        if not is_passed:
            self.start = found["Key"]
        if key is None or is_passed or key <= self._after or len(self.entries) >= limit:
            return
        cut = key.find(self._delimiter, self._from) if self._delimiter else -1
        if self._delimiter is None or cut < 0:
            self.entries.append(BlobEntry(key, found["Size"], seconds(found["LastModified"])))
            return
        common = key[: cut + len(self._delimiter)]
        self.entries.append(BlobEntry(common))
        self._pass_over(common)
