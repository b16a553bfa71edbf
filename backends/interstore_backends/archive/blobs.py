"""The blobs of an archive: each content once, under its SHA-256."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cached_property
from hashlib import blake2b, sha256
from typing import Final

import msgspec
from msgspec.structs import replace

from interstore.blobs._sync.engine import Blobs
from interstore.blobs._sync.files import BlobReadFile
from interstore.blobs._sync.store import BlobStore
from interstore.blobs.reference import BlobRef
from interstore.errors import CorruptionError, NotFoundError
from interstore.migration.blobs.sides import Content, Held, holding, opened, put
from interstore_backends.archive.files import ArchiveFiles
from interstore_backends.blobs_fsspec import FsspecBlobsSettings
from interstore_backends.blobs_fsspec.engine import FsspecBlobs
from interstore_backends.blobs_local.engine import LocalBlobs
from interstore_backends.blobs_local.settings import LocalBlobsSettings

__all__ = ["BLOBS", "ArchiveBlobs", "info_name"]

BLOBS: Final = "blobs"
"""The folder, in an archive, of its blobs."""


class _Told(msgspec.Struct, kw_only=True):
    """What is kept of a blob beside its content, where the reference does not say it."""

    store: str
    key: str
    content_type: str
    metadata: dict[str, str]
    sha256: str = ""

    def checksum(self) -> str:
        """Of all else."""
        return sha256(msgspec.json.encode(replace(self, sha256=""), order="sorted")).hexdigest()


class ArchiveBlobs:
    """A `Side`: the blobs in an archive, and in those beneath it.

    A content is at ``ab/abcd...``, its digest; metadata of a blob, if there is any, at
    ``info/<hash of its store and key>.json``, of which the lines of documents tell.
    """

    def __init__(self, files: ArchiveFiles, base: ArchiveBlobs | None = None) -> None:
        self._files = files
        self._base = base
        self.beside = set[tuple[str, str]]()

    @cached_property
    def _written(self) -> BlobStore:
        """To write to."""
        if not self._files.is_local:
            return self._read
        return _connected(LocalBlobs(LocalBlobsSettings(path=self._files.path(BLOBS))))

    @cached_property
    def _read(self) -> BlobStore:
        """To read from, which makes no folders: an archive may lie where nobody writes."""
        settings = FsspecBlobsSettings(filesystem=self._files.system, path=self._files.path(BLOBS))
        return _connected(FsspecBlobs(settings))

    def holds(self, ref: BlobRef, *, reading: bool) -> Held:
        held = self._holds(self._key(ref), ref, reading=reading)
        if held == "nothing" and self._base is not None:
            return self._base.holds(ref, reading=reading)
        return held

    def _holds(self, key: str, ref: BlobRef, *, reading: bool) -> Held:
        if reading:
            return holding(self._read, key, ref, reading=True)
        try:  # the name is the digest of what was written, whole
            return "same" if self._read.stat(key).size == ref.size else "nothing"
        except NotFoundError:
            return "nothing"

    def read(self, ref: BlobRef) -> Content | None:
        file = self._opened(ref)
        if file is None:
            return None
        with ExitStack() as stack:
            stack.callback(file.close)
            told = self._told(ref)
            stack.pop_all()
        if told is None:
            return Content(file, ref.content_type, {})
        return Content(file, told.content_type, told.metadata)

    def _opened(self, ref: BlobRef) -> BlobReadFile | None:
        file = opened(self._read, self._key(ref), ref)
        if file is None and self._base is not None:
            return self._base._opened(ref)
        return file

    def write(self, ref: BlobRef, content: Content) -> bool:
        put(self._written, self._key(ref), ref, content, None)
        self.describe(ref, content)
        return True

    def describe(self, ref: BlobRef, content: Content) -> None:
        plain = content.content_type == ref.content_type and not content.metadata
        if plain and not self._is_told_beneath(ref):
            return
        told = _Told(
            store=ref.store,
            key=ref.key,
            content_type=content.content_type,
            metadata=dict(content.metadata),
        )
        told.sha256 = told.checksum()
        self._written.put(_info_key(info_name(ref)), msgspec.json.encode(told))
        self.beside.add((ref.store, ref.key))

    def _is_told_beneath(self, ref: BlobRef) -> bool:
        """Whether the archives beneath say anything, which holds no longer."""
        try:
            return self._base is not None and self._base._told(ref) is not None
        except CorruptionError:
            return True

    def _told(self, ref: BlobRef) -> _Told | None:
        """What is kept of a blob, in the archive on top that knows of it."""
        try:
            return self._loaded(info_name(ref))
        except NotFoundError:
            return None if self._base is None else self._base._told(ref)

    def check_info(self, name: str) -> None:
        """Return if the metadata of that name is in this archive, as it was written.

        Raises:
            CorruptionError: it is not.
        """
        try:
            self._loaded(name)
        except NotFoundError:
            raise self._damaged(_info_key(name), "it is missing") from None

    def _loaded(self, name: str) -> _Told:
        key = _info_key(name)
        self._files.check_inside(f"{BLOBS}/{key}")
        try:
            told = msgspec.json.decode(self._read.get(key), type=_Told)
        except msgspec.MsgspecError as error:
            raise self._damaged(key, str(error)) from None
        if told.sha256 != told.checksum() or _info_name(told.store, told.key) != name:
            raise self._damaged(key, "it was altered after it was written")
        return told

    def _damaged(self, key: str, why: str) -> CorruptionError:
        return CorruptionError(
            f"{BLOBS}/{key} of the archive {self._files.place}, which has metadata of a blob, is "
            f"damaged: {why}"
        )

    def _key(self, ref: BlobRef) -> str:
        key = f"{ref.sha256[:2]}/{ref.sha256}"
        self._files.check_inside(f"{BLOBS}/{key}")
        return key


def info_name(ref: BlobRef) -> str:
    """The name under which metadata of a blob is kept: 32 hexadecimal digits."""
    return _info_name(ref.store, ref.key)


def _info_name(store: str, key: str) -> str:
    return blake2b(msgspec.json.encode([store, key]), digest_size=16).hexdigest()


def _info_key(name: str) -> str:
    return f"info/{name}.json"


def _connected(engine: Blobs) -> BlobStore:
    # Not by `open_blobs`: the environment's settings are for the application's blobs.
    store = BlobStore(engine)
    store.connect()
    return store
