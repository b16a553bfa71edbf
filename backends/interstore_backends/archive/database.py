"""The archive engine: reads what a backup wrote, and takes the chunks of a new one."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import filterfalse
from typing import Any

from interstore.capabilities import Limits
from interstore.document import Document
from interstore.errors import CorruptionError
from interstore.expiry import has_expired
from interstore.filters.evaluate import compile_filter
from interstore.filters.tree import ALL, Node
from interstore.migration.chunks import Base, ChunkWriter, Compression, Contents, Ids
from interstore.prepared import Partition, Query, ScanPage
from interstore.read_only import ReadOnly
from interstore_backends.archive import CAPABILITIES
from interstore_backends.archive.blobs import BLOBS, ArchiveBlobs
from interstore_backends.archive.checking import damage
from interstore_backends.archive.chunks import PackedChunk, read_ids, write_ids
from interstore_backends.archive.files import ArchiveFiles
from interstore_backends.archive.layers import Part, parts_of
from interstore_backends.archive.manifest import (
    MANIFEST,
    decode_manifest,
    encode_manifest,
    identity_of,
)
from interstore_backends.archive.settings import ArchiveSettings

__all__ = ["ArchiveDatabase"]


class ArchiveDatabase(ReadOnly):
    """Chunks of documents, and the manifest that lists them.

    An archive without a manifest is empty: a backup that has not come to its end.
    """

    name = "archive"
    refusal = (
        "an archive is written by `interstore backup` and does not change; restore it to another "
        "engine to work with it"
    )
    capabilities = CAPABILITIES
    limits = Limits()

    def __init__(self, settings: ArchiveSettings) -> None:
        self.settings = settings
        self._files: ArchiveFiles | None = None
        self._contents: Contents | None = None
        self._last: tuple[Part, list[Document]] | None = None
        self._parts: dict[str, list[Part]] = {}
        self._levels: list[ArchiveDatabase] | None = None
        self._base: Base | None = None

    def connect(self) -> None:
        self._files = ArchiveFiles(self.settings.path)

    def disconnect(self) -> None:
        self._files = self._contents = self._last = self._levels = None
        self._parts = {}

    @property
    def files(self) -> ArchiveFiles:
        """The files, while connected."""
        if self._files is None:
            self._files = ArchiveFiles(self.settings.path)
        return self._files

    # Reading.

    def models(self) -> list[str]:
        contents = self.contents()
        return [] if contents is None else sorted(contents.models)

    def find(self, model: str, query: Query) -> Iterator[Document]:
        for part in self._chunks(model):
            yield from filterfalse(has_expired, part.documents())

    def find_by_id(self, model: str, id: str) -> Document | None:
        return next(iter(self.find_by_ids(model, [id])), None)

    def find_by_ids(self, model: str, ids: Sequence[str]) -> list[Document]:
        """The documents that exist among `ids`: each chunk that may have some is read once."""
        wanted = set(ids)
        in_order = sorted(wanted)
        found: list[Document] = []
        for part in self._chunks(model):
            if not wanted:
                break
            place = bisect_left(in_order, part.chunk.first)
            if place == len(in_order) or in_order[place] > part.chunk.last:
                continue
            for document in self._documents(part):
                if document["id"] in wanted:
                    wanted.remove(document["id"])
                    if not has_expired(document):
                        found.append(document.copy())
        return found

    def count(self, model: str, tree: Node) -> int:
        if tree != ALL:
            return sum(map(compile_filter(tree), self.find(model, Query(tree))))
        return sum(self._present(part) for part in self._chunks(model))

    def _present(self, part: Part) -> int:
        if part.is_plain:
            return part.chunk.sums.count
        return sum(not has_expired(document) for document in self._documents(part))

    def partitions(self, model: str, n: int) -> list[Partition]:
        """Runs of chunks, as their numbers: the first, and the one after the last."""
        count = len(self._chunks(model))
        shares = max(1, min(n, count))
        bounds = [count * share // shares for share in range(shares + 1)]
        return [Partition(token=[bounds[share], bounds[share + 1]]) for share in range(shares)]

    def scan(self, model: str, partition: Partition, after: Any, limit: int) -> ScanPage:
        """A page in the order of the chunks; `after` is a chunk's number and a line's."""
        chunks = self._chunks(model)
        first, end = partition.token or (0, len(chunks))
        number, line = after or (first, 0)
        page: list[Document] = []
        while number < end and len(page) < limit:
            documents = self._documents(chunks[number])
            taken = documents[line : line + limit - len(page)]
            page += [document.copy() for document in filterfalse(has_expired, taken)]
            line += len(taken)
            if line == len(documents):
                number, line = number + 1, 0
        return ScanPage(page, [number, line] if number < end else None)

    def _chunks(self, model: str) -> list[Part]:
        if self.contents() is None:  # it is being written
            return []
        found = self._parts.get(model)
        if found is None:
            levels = [(level.files, level.contents()) for level in self.chain()]
            known = [(files, contents) for files, contents in levels if contents is not None]
            found = self._parts[model] = parts_of(model, known)
        return found

    def _documents(self, part: Part) -> list[Document]:
        """The documents of a chunk; the last one is kept, as pages are read in order."""
        last = self._last
        if last is not None and last[0] is part:
            return last[1]
        documents = list(part.documents())
        self._last = part, documents
        return documents

    # What backups and restores call: `interstore.migration.chunks.ChunkTarget`.

    def begin_chunk(self, model: str, compression: Compression) -> ChunkWriter:
        return PackedChunk(self.files, model, compression)

    @property
    def place(self) -> str:
        return self.settings.path

    def write_ids(self, model: str, ids: Sequence[str], compression: Compression) -> Ids:
        return write_ids(self.files, model, ids, compression)

    def read_ids(self, file: Ids) -> list[str]:
        return read_ids(self.files, file)

    def stand_on(self, base: Base) -> None:
        self._base = base
        self._levels = None

    def publish(self, contents: Contents) -> None:
        self.files.write(MANIFEST, encode_manifest(contents))
        self._contents, self._levels, self._parts = contents, None, {}
        listed = {
            file.file
            for held in contents.models.values()
            for file in (*held.chunks, *(held.changed or ()))
        }
        self.files.keep_only("data", listed)

    def contents(self) -> Contents | None:
        if self._contents is None:
            text = self.files.read(MANIFEST)
            if text is not None:
                self._contents = decode_manifest(text, self.files.place)
        return self._contents

    def identity(self) -> str:
        text = self.files.read(MANIFEST)
        return "" if text is None else identity_of(text, self.place)

    def chain(self) -> list[ArchiveDatabase]:
        levels: list[ArchiveDatabase] = self._levels or [self]
        if self._levels is None:
            while (below := levels[-1]._below()) is not None:
                levels.append(below)
            self._levels = levels
        return levels

    def _below(self) -> ArchiveDatabase | None:
        """The archive on which this one stands.

        Raises:
            CorruptionError: it is not there, or is another.
        """
        contents = self.contents()
        base = self._base if contents is None else contents.base
        if base is None:
            return None
        place = self.files.beside(base.name)
        below = ArchiveDatabase(ArchiveSettings(path=place))
        found = below.identity()
        if found != base.sha256:
            what = "is another one than it was" if found else "is missing"
            raise CorruptionError(
                f"the archive {self.place} stands on {place}, which {what}: what did not change "
                "since then is in there only; bring it back, or restore from another backup",
                file=place,
            )
        return below

    def damage(self, *, bases: bool = True, on_read: Callable[[int], object] = bool) -> list[str]:
        try:
            levels = self.chain()
        except CorruptionError as error:
            return [str(error)]
        return [
            sentence
            for level in (levels if bases else levels[:1])
            if (contents := level.contents()) is not None
            for sentence in damage(level.files, contents, level.blobs(), on_read)
        ]

    def blobs(self) -> ArchiveBlobs:
        blobs: ArchiveBlobs | None = None
        for level in reversed(self.chain()):
            blobs = ArchiveBlobs(level.files, blobs)
        assert blobs is not None
        return blobs

    def below(self) -> list[str]:
        return self.files.folders()

    def remove(self) -> None:
        self.files.remove(MANIFEST)
        for folder in ("data", BLOBS):
            self.files.keep_only(folder, ())
        self.files.remove_empty_folders()
        self._contents = None

    def sweep(self, model: str, limit: int) -> int:
        return 0  # what has expired is not shown, and an archive does not change
