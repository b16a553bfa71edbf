"""Chunks: documents as lines of JSON, compressed, named by what they hold."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from hashlib import sha256
from typing import Annotated, Any, Final, TypeAlias

import msgspec

from interstore.blobs.reference import references
from interstore.document import Document, make_document
from interstore.errors import CorruptionError, InterstoreError
from interstore.migration.chunks import Chunk, Compression, Ids, Sums
from interstore.migration.digest import Digest
from interstore.names import check_id
from interstore.times import parse_time
from interstore.values import canonical_fields
from interstore_backends.archive.blobs import info_name
from interstore_backends.archive.files import ArchiveFiles
from interstore_backends.archive.packing import ENDINGS, Packer, compression_of, unpack

__all__ = ["PackedChunk", "read_chunk", "read_ids", "read_lines", "write_ids"]


_InfoName: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}\Z")]


class _Line(msgspec.Struct, kw_only=True, omit_defaults=True):
    id: str
    version: int
    created_at: str
    updated_at: str
    expires_at: str | None = None
    doc: dict[str, Any]
    beside: list[_InfoName] = []


_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Line).decode


class PackedChunk:
    """A chunk that is being made, in memory: a slice is small.

    The name follows from the content, so a slice that is done twice makes the same file, and
    one that was given up cannot write over another's.
    """

    def __init__(self, files: ArchiveFiles, model: str, compression: Compression) -> None:
        self._files = files
        self._model = model
        self._compression: Compression = compression
        self._digest = Digest()
        self._ids: tuple[str, str] | None = None
        self._bytes = self._expiring = 0
        self._packer = Packer(compression)

    def add(self, documents: Sequence[Document], beside: Collection[tuple[str, str]] = ()) -> int:
        if not documents:
            return 0
        self._digest.add(documents)
        text = b"".join([_line(document, beside) for document in documents])
        self._packer.write(text)
        self._bytes += len(text)
        self._expiring += sum(document.expires is not None for document in documents)
        ids = [document["id"] for document in documents]
        if self._ids is not None:
            ids += self._ids
        self._ids = min(ids), max(ids)
        return len(text)

    def commit(self) -> Chunk | None:
        if self._ids is None:
            return None
        content = self._packer.finish()
        checksum = sha256(content).hexdigest()
        file = _name(self._model, checksum, "jsonl", self._compression)
        self._files.write(file, content)
        return Chunk(
            file=file,
            bytes=self._bytes,
            size=len(content),
            sha256=checksum,
            first=self._ids[0],
            last=self._ids[1],
            sums=Sums.of(self._digest),
            expiring=self._expiring,
        )


def _line(document: Document, beside: Collection[tuple[str, str]]) -> bytes:
    line = _Line(
        id=document["id"],
        version=document.version,
        created_at=document.created,
        updated_at=document.updated,
        expires_at=document.expires,
        doc=document.fields(),
    )
    if beside:
        found = (ref for _, ref in references(document) if (ref.store, ref.key) in beside)
        line.beside = sorted({info_name(ref) for ref in found})
    return _encode(line) + b"\n"


def _name(model: str, checksum: str, kind: str, compression: Compression) -> str:
    return f"data/{model}/{checksum[:32]}.{kind}.{ENDINGS[compression]}"


def write_ids(files: ArchiveFiles, model: str, ids: Sequence[str], compression: Compression) -> Ids:
    """Write a file of ids."""
    text = b"".join(_encode(id) + b"\n" for id in ids)
    packer = Packer(compression)
    packer.write(text)
    content = packer.finish()
    checksum = sha256(content).hexdigest()
    file = _name(model, checksum, "ids", compression)
    files.write(file, content)
    return Ids(file=file, bytes=len(text), size=len(content), sha256=checksum, count=len(ids))


def read_ids(files: ArchiveFiles, held: Ids) -> list[str]:
    """The ids in a file.

    Raises:
        CorruptionError: the file is missing or was altered, or a line is no id.
    """
    try:
        ids = [
            check_id(msgspec.json.decode(line, type=str), "archive")
            for line in _unpack(files, held).split(b"\n")[:-1]
        ]
    except (msgspec.MsgspecError, InterstoreError) as error:
        if isinstance(error, CorruptionError):
            raise
        raise _damaged(files, held, f"has a line that is no id: {error}") from None
    if len(ids) != held.count:
        raise _damaged(files, held, f"does not hold the {held.count:,} ids that it should")
    return ids


def _unpack(files: ArchiveFiles, chunk: Chunk | Ids) -> bytes:
    """The lines of a file."""
    content = files.read(chunk.file)
    if content is None:
        raise _damaged(files, chunk, "is missing")
    if len(content) != chunk.size or sha256(content).hexdigest() != chunk.sha256:
        raise _damaged(files, chunk, "was altered after it was written")
    try:
        return unpack(compression_of(chunk.file), content, chunk.bytes)
    except ValueError as error:
        raise _damaged(files, chunk, str(error)) from None


def read_chunk(files: ArchiveFiles, chunk: Chunk) -> Iterator[Document]:
    """The documents of a chunk, in the order in which they were read.

    Raises:
        CorruptionError: the file is missing or was altered, or a line is not a document.
    """
    for document, _ in read_lines(files, chunk):
        yield document


def read_lines(files: ArchiveFiles, chunk: Chunk) -> Iterator[tuple[Document, list[str]]]:
    """The same, and the names of what is kept beside the blobs of each document.

    Raises:
        CorruptionError: likewise.
    """
    for number, text in enumerate(_unpack(files, chunk).split(b"\n")[:-1], 1):
        try:
            line = _decode(text)
            yield _document(line), line.beside
        except (msgspec.MsgspecError, RecursionError, ValueError, InterstoreError) as error:
            raise _damaged(files, chunk, f"has no document in line {number}: {error}") from None


def _document(line: _Line) -> Document:
    """As strictly as at the door of a store: an archive may come from anywhere."""
    for moment in (line.created_at, line.updated_at, line.expires_at):
        if moment is None:
            continue
        if not _TIME.match(moment):
            raise ValueError(f"{moment!r:.40} is not a time")
        parse_time(moment)
    if line.version < 1 or "id" in line.doc:
        raise ValueError("its version or its id is not one")
    return make_document(
        canonical_fields(line.doc),
        check_id(line.id, "archive"),
        line.version,
        line.created_at,
        line.updated_at,
        line.expires_at,
    )


def _damaged(files: ArchiveFiles, chunk: Chunk | Ids, what: str) -> CorruptionError:
    return CorruptionError(
        f"{chunk.file} of the archive {files.place} {what}", file=f"{files.place}/{chunk.file}"
    )
