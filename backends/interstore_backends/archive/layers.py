"""What an archive shows of a model: its own chunks, over those of the archives beneath."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from interstore.document import Document
from interstore.migration.chunks import Chunk, Contents
from interstore_backends.archive.chunks import read_chunk, read_ids
from interstore_backends.archive.files import ArchiveFiles

__all__ = ["Part", "parts_of"]


class Part(NamedTuple):
    """One chunk, in one of the archives.

    Attributes:
        files: those of the archive.
        chunk: which chunk.
        over: ids that an archive above this one knows of: they changed, or were deleted.
    """

    files: ArchiveFiles
    chunk: Chunk
    over: frozenset[str]

    def documents(self) -> Iterator[Document]:
        """Its documents, but those of which the archives above know better.

        Raises:
            CorruptionError: the file is missing or was altered.
        """
        for document in read_chunk(self.files, self.chunk):
            if document["id"] not in self.over:
                yield document

    @property
    def is_plain(self) -> bool:
        """Whether it shows all that the chunk has, at all times."""
        return not (self.over or self.chunk.expiring)


def parts_of(model: str, levels: Iterable[tuple[ArchiveFiles, Contents]]) -> list[Part]:
    """The chunks of a model, from the archive on top to the one that has all of the model.

    Of each level below, the ids that changed since are held in memory: about 120 bytes each.

    Raises:
        CorruptionError: a file of ids is missing or was altered.
    """
    parts: list[Part] = []
    over = frozenset[str]()
    for files, contents in levels:
        held = contents.models.get(model)
        if held is None:
            break
        parts += [Part(files, chunk, over) for chunk in held.chunks]
        if held.changed is None:
            break
        over = over.union(*(read_ids(files, ids) for ids in held.changed))
    return parts
