# Generated from core/interstore/blobs/_async/engine.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: fcf025c09c1c73b0fa2add81

"""What an engine for blobs has to do, in its synchronous form.

An engine receives keys that are valid and arguments that were checked, and raises errors of
`interstore.errors` only. It brings `Blobs`; beyond that it may define, and core does it
by the basic operations if it does not::

    def put(key, data: bytes, head, *, if_absent=False, if_match=None) -> BlobInfo
    def get(key, start: int, end: int | None) -> tuple[BlobInfo, bytes]
    def delete_many(keys: Sequence[str]) -> int

and, where it declares the capability::

    def copy(source, target, *, if_absent=False) -> BlobInfo  # server_copy
    def sign(grant: UrlGrant) -> str                          # signed_get, signed_put
    native                                                          # an attribute
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from interstore.blobs.blob import BlobEntry, BlobHead, BlobInfo
from interstore.blobs.capabilities import BlobCapabilities

__all__ = ["BlobReader", "BlobWriter", "Blobs"]


class BlobWriter(Protocol):
    """A write under way. Nothing of it is visible before `commit` returns."""

    def write(self, data: bytes, /) -> None:
        """Take the next bytes: from 1 byte to some megabytes."""
        ...

    def commit(self, sha256: str, /) -> BlobInfo:
        """Make the blob visible whole, and durable.

        Args:
            sha256: of all that was written.

        Raises:
            DuplicateError: the key exists, and the write was begun with `if_absent`.
            ConflictError: the blob has another etag than `if_match`, or is not there.
        """
        ...

    def abort(self) -> None:
        """Leave nothing behind. Called instead of `commit`, or after it failed."""
        ...


class BlobReader(Protocol):
    """A read under way, of one version of the blob.

    Attributes:
        info: the blob that is read.
    """

    @property
    def info(self) -> BlobInfo: ...

    def read(self, size: int, /) -> bytes:
        """From 1 to `size` bytes, as many as come at once; none at the end of the range."""
        ...

    def close(self) -> None:
        """Give everything back, whether all was read or not."""
        ...


class Blobs(Protocol):
    """Blobs in some store.

    Attributes:
        name: the engine's name.
        capabilities: what it can do.
    """

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> BlobCapabilities: ...

    def connect(self) -> None:
        """Make it ready.

        Raises:
            UnavailableError, PermissionDeniedError, ConfigurationError: it cannot be.
        """
        ...

    def disconnect(self) -> None:
        """Give everything back."""
        ...

    def begin(
        self, key: str, head: BlobHead, *, if_absent: bool = False, if_match: str | None = None
    ) -> BlobWriter:
        """Begin to write a blob, or to replace it.

        The conditions are given only where they are declared, and at most one of them. They
        are judged at `commit`, without a gap in which another writer could come between; an
        engine may refuse at once what would fail then.
        """
        ...

    def open(self, key: str, start: int, end: int | None) -> BlobReader:
        """Begin to read the bytes from `start` to before `end` (``None``: to the end).

        A range beyond the content is cut to it, and may be empty.

        Raises:
            NotFoundError: there is no such blob.
        """
        ...

    def stat(self, key: str) -> BlobInfo | None:
        """What is known of the blob; ``None`` if it does not exist."""
        ...

    def page(
        self, prefix: str, after: str, limit: int, delimiter: str | None
    ) -> Sequence[BlobEntry]:
        """The first `limit` entries of keys that begin with `prefix` and come after `after`.

        The order is that of the keys' code points. Fewer than `limit` are the last. With a
        delimiter, all keys that have it after the prefix are one entry, up to and with its
        first occurrence; `after` may be such an entry, and then all its keys are passed over.
        """
        ...

    def delete(self, key: str, *, if_match: str | None = None) -> bool:
        """Remove the blob; return whether there was one.

        Raises:
            ConflictError: it has another etag than `if_match`, or is not there.
        """
        ...
