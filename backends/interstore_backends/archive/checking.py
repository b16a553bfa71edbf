"""What is missing or altered in an archive: all of it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from interstore.blobs.reference import BlobRef, references
from interstore.document import Document
from interstore.errors import CorruptionError
from interstore.migration.chunks import Contents, Sums
from interstore.migration.digest import Digest
from interstore_backends.archive.blobs import ArchiveBlobs
from interstore_backends.archive.chunks import read_ids, read_lines
from interstore_backends.archive.files import ArchiveFiles

__all__ = ["damage"]

_REMEMBERED: Final = 100_000
"""Contents, and metadata, that are known to be good: what many documents share is read once."""


def damage(
    files: ArchiveFiles, contents: Contents, blobs: ArchiveBlobs, on_read: Callable[[int], object]
) -> Iterator[str]:
    """A sentence for each file that is missing or altered.

    `on_read` is called with the number of documents of each chunk that was read.
    """
    check = _BlobCheck(contents, blobs)
    for held in contents.models.values():
        for ids in held.changed or ():
            try:
                read_ids(files, ids)
            except CorruptionError as error:
                yield str(error)
        for chunk in held.chunks:
            digest = Digest()
            try:
                lines = list(read_lines(files, chunk))
            except CorruptionError as error:
                yield str(error)
                continue
            digest.add([document for document, _ in lines])
            if Sums.of(digest) != chunk.sums:
                yield f"{chunk.file} does not hold what was read for it"
            yield from check.take(lines)
            on_read(len(lines))
    yield from check.end()


class _BlobCheck:
    """Whether the blobs are there to which the documents refer, and are what they should be."""

    def __init__(self, contents: Contents, blobs: ArchiveBlobs) -> None:
        self._held = contents.blobs
        self._absent = frozenset(self._held.absent) if self._held else frozenset()
        self._blobs = blobs
        self._good = set[str]()
        self._references = 0

    def take(self, lines: Iterable[tuple[Document, list[str]]]) -> Iterator[str]:
        if self._held is None:
            return
        for document, beside in lines:
            for _, ref in references(document):
                self._references += 1
                if sentence := self._judge(ref):
                    yield sentence
            for name in beside:
                if sentence := self._judge_info(name):
                    yield sentence

    def _judge_info(self, name: str) -> str:
        if name in self._good:
            return ""
        try:
            self._blobs.check_info(name)
        except CorruptionError as error:
            return str(error)
        self._remember(name)
        return ""

    def _judge(self, ref: BlobRef) -> str:
        if ref.sha256 in self._good or (ref.store, ref.key, ref.sha256) in self._absent:
            return ""
        try:
            held = self._blobs.holds(ref, reading=True)
        except CorruptionError as error:
            return str(error)
        if held != "same":
            what = "is missing" if held == "nothing" else "was altered"
            return f"the blob {ref.key!r} of the store {ref.store!r} {what} (SHA-256 {ref.sha256})"
        self._remember(ref.sha256)
        return ""

    def _remember(self, name: str) -> None:
        if len(self._good) >= _REMEMBERED:
            self._good.clear()
        self._good.add(name)

    def end(self) -> Iterator[str]:
        if self._held is not None and self._references != self._held.references:
            yield (
                f"the documents have {self._references:,} references to blobs, and the manifest "
                f"says {self._held.references:,}"
            )
