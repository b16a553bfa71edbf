"""How an archive takes documents: in chunks, each written once and whole, listed at the end.

An engine that is written in this way defines the methods of `ChunkTarget`. A slice becomes one
chunk. The chunks that the journal knows are the archive; a chunk that was written
by a worker that died before it could tell is a file that nobody lists.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, cast

import msgspec

from interstore.document import Document
from interstore.indexes import Index
from interstore.migration.digest import Digest
from interstore.migration.transform import Transform

if TYPE_CHECKING:
    from interstore._sync.operations import Operations
    from interstore.migration.blobs.sides import Side

__all__ = [
    "Backup",
    "Base",
    "Chunk",
    "ChunkTarget",
    "ChunkWriter",
    "Compression",
    "Contents",
    "HeldBlobs",
    "Ids",
    "ModelContents",
    "Sums",
    "archive_of",
    "request_text",
]


Compression: TypeAlias = Literal["gzip", "zstd"]
"""How the files of documents of an archive are compressed. gzip is everywhere; zstd, which is
faster and smaller, needs Python 3.14 or the package `backports.zstd`, to write and to read."""


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """How many documents, and the sums of their hashes, as in `interstore.migration.digest`."""

    count: int
    content: str
    envelope: str

    @classmethod
    def of(cls, digest: Digest) -> Sums:
        """The sums of a digest."""
        return cls(count=digest.count, content=digest.content(), envelope=digest.envelope())

    @classmethod
    def total(cls, parts: Sequence[Sums]) -> Sums:
        """The sums of all parts together."""
        modulus = 2**128
        return cls(
            count=sum(part.count for part in parts),
            content=f"{sum(int(part.content, 16) for part in parts) % modulus:032x}",
            envelope=f"{sum(int(part.envelope, 16) for part in parts) % modulus:032x}",
        )


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """One file of an archive, with some documents of one model.

    Attributes:
        file: its name, relative to the archive.
        bytes: the length of what it holds; `size` that of the file.
        sha256: of the file.
        first: the least of the ids; `last` the greatest, by code point.
        sums: of the documents as they were read from the source.
        expiring: how many of them expire at some time.
    """

    file: str
    bytes: int
    size: int
    sha256: str
    first: str
    last: str
    sums: Sums
    expiring: int = 0


class Ids(msgspec.Struct, frozen=True, kw_only=True):
    """One file of an archive, with ids of one model, one a line, each a string of JSON.

    Attributes:
        file: its name, relative to the archive.
        bytes: the length of what it holds; `size` that of the file.
        sha256: of the file.
        count: how many ids.
    """

    file: str
    bytes: int
    size: int
    sha256: str
    count: int


class ModelContents(msgspec.Struct, frozen=True, kw_only=True):
    """One model of an archive: its indexes, its chunks, and what they amount to.

    Attributes:
        indexes: those that it had.
        chunks: files of documents.
        sums: of all chunks.
        token: where to watch the source for what changes later; ``None`` if that is not recorded.
        changed: ids of all that changed since the base. Of these, `chunks` have those that
            exist; all others are as in the base. ``None`` if `chunks` have all of the model.
    """

    indexes: list[Index]
    chunks: list[Chunk]
    sums: Sums
    token: str | None = None
    changed: list[Ids] | None = None


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """The archive on which an incremental one stands.

    Attributes:
        name: of its folder, beside that of the other.
        sha256: the checksum of what it holds, by which it is known.
    """

    name: str
    sha256: str


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """What the plan of a backup holds besides.

    Attributes:
        tokens: by model of the source, where its changes go on that this backup has not.
        base: the archive on which this one stands; ``None`` of a full backup.
        changed: by model of the source, the ids of what changed since the base. A model that
            is not named is contained whole.
    """

    tokens: dict[str, str] = {}
    base: Base | None = None
    changed: dict[str, list[Ids]] = {}


class HeldBlobs(msgspec.Struct, frozen=True, kw_only=True):
    """The blobs of an archive: those to which its documents refer.

    Attributes:
        references: how many references there are.
        absent: name of the store, key and digest of each reference whose blob is not there,
            because it was not when the backup was made, or was damaged.
    """

    references: int
    absent: list[tuple[str, str, str]] = []


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive holds.

    Attributes:
        source: where it came from, secrets hidden.
        began: when the first document was read; `ended` when the last one was.
        checked: when all of it was read again and found equal; ``None`` until then.
        models: each model.
        as_of: the instant of which all documents are; ``None`` if each is of some moment between
            `began` and `ended`.
        blobs: what is told of blobs; ``None`` if the backup was made without them.
        base: the archive beneath; ``None`` of a full backup.
        identity: of the source, for increments.
        request: what was asked to become of documents, as JSON, for increments.
        compression: of the files of documents and ids.
    """

    source: str
    began: str
    ended: str
    checked: str | None
    models: dict[str, ModelContents]
    as_of: str | None = None
    blobs: HeldBlobs | None = None
    base: Base | None = None
    identity: str = ""
    request: str = ""
    compression: Compression = "gzip"


class ChunkWriter(Protocol):
    """A chunk that is being made."""

    def add(self, documents: Sequence[Document], beside: Collection[tuple[str, str]] = ()) -> int:
        """Take documents; return the length of what was added.

        Args:
            documents: the documents.
            beside: see `interstore.migration.blobs.sides.Side`: so the archive knows what of
                the blobs of these documents has to be there.
        """
        ...

    def commit(self) -> Chunk | None:
        """Write the file, whole; ``None`` if there was nothing."""
        ...


class ChunkTarget(Protocol):
    """What an archive defines for backups. `place` is its folder or URL."""

    @property
    def place(self) -> str: ...

    def begin_chunk(self, model: str, compression: Compression) -> ChunkWriter:
        """A new chunk. Nothing is written before its `commit`."""
        ...

    def write_ids(self, model: str, ids: Sequence[str], compression: Compression) -> Ids:
        """Write a file of ids, whole."""
        ...

    def read_ids(self, file: Ids) -> list[str]:
        """What `write_ids` wrote.

        Raises:
            CorruptionError: it is missing or was altered.
        """
        ...

    def stand_on(self, base: Base) -> None:
        """Be an incremental archive: what the base has of blobs is not written again."""
        ...

    def publish(self, contents: Contents) -> None:
        """Write what the archive holds: from then on it is one."""
        ...

    def contents(self) -> Contents | None:
        """What it holds; ``None`` if nothing was published yet."""
        ...

    def identity(self) -> str:
        """The checksum of what it holds."""
        ...

    def chain(self) -> Sequence[ChunkTarget]:
        """The archive, its base, the base's base, and so on.

        Raises:
            CorruptionError: one of them is missing, damaged, or another than it was.
        """
        ...

    def damage(self, *, bases: bool = True, on_read: Callable[[int], object] = bool) -> list[str]:
        """What is missing or altered, a sentence for each file; reads all files.

        Args:
            on_read: called with the number of documents of each chunk that was read.
            bases: whether the archives beneath are read as well. That they are there, and are
                those that they should be, is looked at in any case.
        """
        ...

    def blobs(self) -> Side:
        """The blobs in it."""
        ...

    def below(self) -> list[str]:
        """The names of the folders right below its place, where other archives may be."""
        ...

    def remove(self) -> None:
        """Remove it: the manifest first, and nothing that is not the archive's."""
        ...


def request_text(transform: Transform | None) -> str:
    """What is asked to become of documents; empty if nothing is."""
    if transform is None or transform == Transform():
        return ""
    return msgspec.json.encode(transform, order="sorted").decode()


def archive_of(operations: Operations) -> ChunkTarget | None:
    """The engine behind these operations, if it is an archive."""
    engine = operations.database
    return cast("ChunkTarget", engine) if hasattr(engine, "begin_chunk") else None
