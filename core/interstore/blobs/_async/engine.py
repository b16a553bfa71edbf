"""What an engine for blobs has to do, in its asynchronous form.

An engine receives keys that are valid and arguments that were checked, and raises errors of
`interstore.errors` only. It brings `AsyncBlobs`; beyond that it may define, and core does it
by the basic operations if it does not::

    async def put(key, data: bytes, head, *, if_absent=False, if_match=None) -> BlobInfo
    async def get(key, start: int, end: int | None) -> tuple[BlobInfo, bytes]
    async def delete_many(keys: Sequence[str]) -> int

and, where it declares the capability::

    async def copy(source, target, *, if_absent=False) -> BlobInfo  # server_copy
    async def sign(grant: UrlGrant) -> str                          # signed_get, signed_put
    native                                                          # an attribute
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from interstore.blobs.blob import BlobEntry, BlobHead, BlobInfo
from interstore.blobs.capabilities import BlobCapabilities

__all__ = ["AsyncBlobReader", "AsyncBlobWriter", "AsyncBlobs"]


class AsyncBlobWriter(Protocol):
    """A write under way. Nothing of it is visible before `commit` returns."""

    async def write(self, data: bytes, /) -> None:
        """Take the next bytes: from 1 byte to some megabytes."""
        ...

    async def commit(self, sha256: str, /) -> BlobInfo:
        """Make the blob visible whole, and durable.

        Args:
            sha256: of all that was written.

        Raises:
            DuplicateError: the key exists, and the write was begun with `if_absent`.
            ConflictError: the blob has another etag than `if_match`, or is not there.
        """
        ...

    async def abort(self) -> None:
        """Leave nothing behind. Called instead of `commit`, or after it failed."""
        ...


class AsyncBlobReader(Protocol):
    """A read under way, of one version of the blob.

    Attributes:
        info: the blob that is read.
    """

    @property
    def info(self) -> BlobInfo: ...

    async def read(self, size: int, /) -> bytes:
        """From 1 to `size` bytes, as many as come at once; none at the end of the range."""
        ...

    async def close(self) -> None:
        """Give everything back, whether all was read or not."""
        ...


class AsyncBlobs(Protocol):
    """Blobs in some store.

    Attributes:
        name: the engine's name.
        capabilities: what it can do.
    """

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> BlobCapabilities: ...

    async def connect(self) -> None:
        """Make it ready.

        Raises:
            UnavailableError, PermissionDeniedError, ConfigurationError: it cannot be.
        """
        ...

    async def disconnect(self) -> None:
        """Give everything back."""
        ...

    async def begin(
        self, key: str, head: BlobHead, *, if_absent: bool = False, if_match: str | None = None
    ) -> AsyncBlobWriter:
        """Begin to write a blob, or to replace it.

        The conditions are given only where they are declared, and at most one of them. They
        are judged at `commit`, without a gap in which another writer could come between; an
        engine may refuse at once what would fail then.
        """
        ...

    async def open(self, key: str, start: int, end: int | None) -> AsyncBlobReader:
        """Begin to read the bytes from `start` to before `end` (``None``: to the end).

        A range beyond the content is cut to it, and may be empty.

        Raises:
            NotFoundError: there is no such blob.
        """
        ...

    async def stat(self, key: str) -> BlobInfo | None:
        """What is known of the blob; ``None`` if it does not exist."""
        ...

    async def page(
        self, prefix: str, after: str, limit: int, delimiter: str | None
    ) -> Sequence[BlobEntry]:
        """The first `limit` entries of keys that begin with `prefix` and come after `after`.

        The order is that of the keys' code points. Fewer than `limit` are the last. With a
        delimiter, all keys that have it after the prefix are one entry, up to and with its
        first occurrence; `after` may be such an entry, and then all its keys are passed over.
        """
        ...

    async def delete(self, key: str, *, if_match: str | None = None) -> bool:
        """Remove the blob; return whether there was one.

        Raises:
            ConflictError: it has another etag than `if_match`, or is not there.
        """
        ...
