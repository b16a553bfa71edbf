"""Where the blobs of one side of a run are: in named stores, or in an archive."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Literal, NamedTuple, Protocol, TypeAlias

from interstore.blobs._sync.files import BlobReadFile
from interstore.blobs._sync.store import BlobStore
from interstore.blobs.reference import BlobRef
from interstore.errors import CorruptionError, NotFoundError

__all__ = ["Content", "Held", "NamedBlobs", "Side", "holding", "opened", "put"]

Held: TypeAlias = Literal["same", "other", "nothing", "unknown"]
"""What stands where a reference points to: its content; another one; nothing; or the side does
not know the store that the reference names."""


class Content(NamedTuple):
    """A blob that is being read. What ends with another digest than it should is an error.

    Attributes:
        file: its content, which whoever reads it closes.
        content_type: its media type.
        metadata: the user's own.
    """

    file: BlobReadFile
    content_type: str
    metadata: Mapping[str, str]


class Side(Protocol):
    """The blobs of one side.

    Attributes:
        beside: name of the store and key of each blob of which metadata was written that is kept
            apart from the content; ``None`` if none is ever.
    """

    @property
    def beside(self) -> set[tuple[str, str]] | None: ...

    def holds(self, ref: BlobRef, *, reading: bool) -> Held:
        """What stands where `ref` points to.

        Args:
            ref: the reference.
            reading: whether to read all of it, whatever is known of its digest.
        """
        ...

    def read(self, ref: BlobRef) -> Content | None:
        """The blob, to be read; ``None`` if there is none.

        Raises:
            CorruptionError: it is not of the size that the reference says. Read to its end, it
                is raised as well for another digest.
        """
        ...

    def write(self, ref: BlobRef, content: Content) -> bool:
        """Write the blob; whether its metadata could be kept."""
        ...

    def describe(self, ref: BlobRef, content: Content) -> None:
        """Write what is kept beside a content that is there, which other blobs may share."""
        ...


class NamedBlobs:
    """Blob stores by their names, and blobs by their keys: as documents refer to them."""

    beside = None

    def __init__(self, stores: Mapping[str, BlobStore]) -> None:
        self._stores = stores

    def holds(self, ref: BlobRef, *, reading: bool) -> Held:
        store = self._stores.get(ref.store)
        return "unknown" if store is None else holding(store, ref.key, ref, reading=reading)

    def read(self, ref: BlobRef) -> Content | None:
        store = self._stores.get(ref.store)
        if store is None:
            return None
        file = opened(store, ref.key, ref)
        if file is None:
            return None
        info = file.info()
        return Content(file, info.content_type, info.metadata)

    def write(self, ref: BlobRef, content: Content) -> bool:
        store = self._stores[ref.store]
        kept = store.capabilities.metadata
        put(store, ref.key, ref, content, content.metadata if kept else None)
        return kept or not content.metadata

    def describe(self, ref: BlobRef, content: Content) -> None:
        """Nothing is kept beside."""


def holding(store: BlobStore, key: str, ref: BlobRef, *, reading: bool) -> Held:
    """What a blob store has under a key, compared with a reference."""
    try:
        info = store.stat(key)
    except NotFoundError:
        return "nothing"
    if info.size != ref.size:
        return "other"
    if info.sha256 is not None and not reading:
        return "same" if info.sha256 == ref.sha256 else "other"
    try:
        with store.open(key) as file:
            file.sha256 = ref.sha256
            for _ in file:
                pass
    except NotFoundError:
        return "nothing"
    except CorruptionError:
        return "other"
    return "same"


def opened(store: BlobStore, key: str, ref: BlobRef) -> BlobReadFile | None:
    """The content under a key, which must be what the reference says; ``None`` if none is there.

    Raises:
        CorruptionError: it has another size.
    """
    with ExitStack() as stack:
        try:
            file = stack.enter_context(store.open(key))
        except NotFoundError:
            return None
        file.sha256 = ref.sha256
        if file.info().size != ref.size:
            raise CorruptionError(
                f"the blob {key!r} has {file.info().size:,} bytes, not {ref.size:,} as the "
                "document says"
            )
        stack.pop_all()
        return file


def put(
    store: BlobStore, key: str, ref: BlobRef, content: Content, metadata: Mapping[str, str] | None
) -> None:
    """Write a content under a key; nothing is written if its digest is another one."""
    kind = content.content_type if store.capabilities.metadata else None
    with store.open(key, "wb", content_type=kind, metadata=metadata, sha256=ref.sha256) as target:
        for data in content.file:
            target.write(data)
