"""The blobs of an archive: each content once, under its SHA-256."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from hashlib import blake2b, sha256
from typing import Final

import msgspec
from msgspec.structs import replace

from interstore.blobs._sync.engine import Blobs
from interstore.blobs._sync.store import BlobStore
from interstore.blobs.reference import BlobRef
from interstore.errors import CorruptionError, NotFoundError
from interstore.migration.blobs.sides import Content, Held, holding, opened, put
from interstore_backends.archive.files import ArchiveFiles
from interstore_backends.blobs_fsspec import FsspecBlobsSettings
from interstore_backends.blobs_fsspec.engine import FsspecBlobs
from interstore_backends.blobs_local.engine import LocalBlobs
from interstore_backends.blobs_local.settings import LocalBlobsSettings

__all__ = ["BLOBS", "ArchiveBlobs"]

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
    ``info/<hash of its store and key>``.
    """

    def __init__(self, files: ArchiveFiles, base: ArchiveBlobs | None = None) -> None:
        self._files = files
        self._base = base

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
            self._told(ref)
            return holding(self._read, key, ref, reading=True)
        try:  # the name is the digest of what was written, whole
            return "same" if self._read.stat(key).size == ref.size else "nothing"
        except NotFoundError:
            return "nothing"

    def read(self, ref: BlobRef) -> Content | None:
        file = opened(self._read, self._key(ref), ref)
        if file is None:
            return None if self._base is None else self._base.read(ref)
        told = self._told(ref)
        if told is None:
            return Content(file, ref.content_type, {})
        return Content(file, told.content_type, told.metadata)

    def write(self, ref: BlobRef, content: Content) -> bool:
        put(self._written, self._key(ref), ref, content, None)
        self._tell(ref, content.content_type, content.metadata)
        return True

    def _tell(self, ref: BlobRef, content_type: str, metadata: Mapping[str, str]) -> None:
        if not metadata and content_type == ref.content_type:
            return
        told = _Told(
            store=ref.store, key=ref.key, content_type=content_type, metadata=dict(metadata)
        )
        told.sha256 = told.checksum()
        self._written.put(_info_key(ref), msgspec.json.encode(told))

    def _told(self, ref: BlobRef) -> _Told | None:
        key = _info_key(ref)
        self._files.check_inside(f"{BLOBS}/{key}")
        try:
            told = msgspec.json.decode(self._read.get(key), type=_Told)
        except NotFoundError:
            return None
        except msgspec.MsgspecError as error:
            raise self._damaged(key, str(error)) from None
        if told.sha256 != told.checksum():
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


def _info_key(ref: BlobRef) -> str:
    text = msgspec.json.encode([ref.store, ref.key])
    return f"info/{blake2b(text, digest_size=16).hexdigest()}.json"


def _connected(engine: Blobs) -> BlobStore:
    # Not by `open_blobs`: the environment's settings are for the application's blobs.
    store = BlobStore(engine)
    store.connect()
    return store
