"""Digests of models: whether two stores hold the same documents, without sorting or keeping them.

Each document is hashed with BLAKE2b of 128 bits: its content (id and fields) as its canonical
text, and its envelope as the canonical text of ``[id, version, created_at, updated_at,
expires_at]``. The hashes are *added* modulo 2**128, so neither the order nor the partitioning
of the documents matters (exclusive or would miss a document that stands there twice). They
are added up in 256 buckets, chosen by the lowest 8 bits of the CRC-32 of the id in UTF-8: two
stores that differ in few documents differ in few buckets, and only those are searched.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final
from zlib import crc32

import msgspec

from interstore.document import Document
from interstore.migration.canonical import canonical_text

__all__ = ["BUCKETS", "Digest", "DigestData", "bucket_of", "content_hash", "envelope_hash"]

BUCKETS: Final = 256
_MODULUS: Final = 2**128

_encode: Final = msgspec.json.Encoder().encode


class DigestData(msgspec.Struct, frozen=True, kw_only=True):
    """A digest as plain data: counts and hexadecimal sums, one for each bucket."""

    counts: list[int]
    content: list[str]
    envelope: list[str]


class Digest:
    """The digest of any number of documents.

    Attributes:
        bytes: how long their canonical texts are together.
    """

    __slots__ = ("_content", "_counts", "_envelope", "bytes")

    def __init__(self) -> None:
        self._counts = [0] * BUCKETS
        self._content = [0] * BUCKETS
        self._envelope = [0] * BUCKETS
        self.bytes = 0

    @property
    def count(self) -> int:
        """How many documents were added."""
        return sum(self._counts)

    def add(self, documents: Iterable[Document]) -> None:
        """Add documents; each must be added exactly once."""
        counts, content, envelope = self._counts, self._content, self._envelope
        to_int, length = int.from_bytes, 0
        for document in documents:
            text = canonical_text(document)
            length += len(text)
            bucket = crc32(document["id"].encode()) & 0xFF
            counts[bucket] += 1
            content[bucket] += to_int(blake2b(text, digest_size=16).digest(), "big")
            envelope[bucket] += to_int(
                blake2b(_envelope_text(document), digest_size=16).digest(), "big"
            )
        self.bytes += length

    def merge(self, data: DigestData) -> None:
        """Add the documents of another digest."""
        for bucket in range(BUCKETS):
            self._counts[bucket] += data.counts[bucket]
            self._content[bucket] += int(data.content[bucket], 16)
            self._envelope[bucket] += int(data.envelope[bucket], 16)

    def data(self) -> DigestData:
        """This digest as plain data."""
        return DigestData(
            counts=list(self._counts),
            content=[_hex(total) for total in self._content],
            envelope=[_hex(total) for total in self._envelope],
        )

    def content(self) -> str:
        """The sum of all contents' hashes, as 32 hexadecimal digits."""
        return _hex(sum(self._content))

    def envelope(self) -> str:
        """The sum of all envelopes' hashes, as 32 hexadecimal digits."""
        return _hex(sum(self._envelope))

    def differing(self, other: Digest, *, envelope: bool = True) -> list[int]:
        """The buckets in which the two differ, in order.

        Args:
            other: what to compare with.
            envelope: whether versions and times count as well.
        """
        mine, theirs = self.data(), other.data()
        return [
            bucket
            for bucket in range(BUCKETS)
            if mine.counts[bucket] != theirs.counts[bucket]
            or mine.content[bucket] != theirs.content[bucket]
            or (envelope and mine.envelope[bucket] != theirs.envelope[bucket])
        ]


def bucket_of(id: str) -> int:
    """The bucket in which the document with this id is counted."""
    return crc32(id.encode()) & 0xFF


def content_hash(document: Document) -> bytes:
    """The 16 bytes of the content's hash."""
    return blake2b(canonical_text(document), digest_size=16).digest()


def envelope_hash(document: Document) -> bytes:
    """The 16 bytes of the envelope's hash."""
    return blake2b(_envelope_text(document), digest_size=16).digest()


def _envelope_text(document: Document) -> bytes:
    return _encode(
        (
            document["id"],
            document.version,
            document.created,
            document.updated,
            document.expires,
        )
    )


def _hex(total: int) -> str:
    return f"{total % _MODULUS:032x}"
