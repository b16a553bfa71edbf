# Generated from core/interstore/blobs/_async/store.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: bba0cc0f275a29992a88c36f

"""`BlobStore`: what an application calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from types import TracebackType
from typing import Any, Literal, Self, overload

from interstore._compat import to_thread
from interstore.blobs._sync.engine import Blobs
from interstore.blobs._sync.files import BlobReadFile, BlobWriteFile
from interstore.blobs._sync.operations import CHUNK, BlobOperations
from interstore.blobs._sync.sources import Source, chunks_of, digest_of, whole
from interstore.blobs.blob import BlobEntry, BlobInfo, BlobPage, Copied
from interstore.blobs.capabilities import BlobCapabilities
from interstore.blobs.compression import Compression, encoding_of
from interstore.blobs.keys import check_key, check_prefix
from interstore.blobs.request import check_condition, is_number, request
from interstore.blobs.rules import BlobRules
from interstore.blobs.signing import check_grant, check_signing
from interstore.errors import (
    DuplicateError,
    InvalidQueryError,
    UnavailableError,
    UnsupportedError,
)

__all__ = ["BlobStore"]

_PAGE = 1000


class BlobStore:
    """Blobs in a store: validates, computes digests, and checks them.

    Made by `interstore.open_blobs`, or around any engine. Use it as a context manager,
    or call `connect` and `close`.

    A write becomes visible whole or not at all. A key that does not exist is `NotFoundError`.

    Attributes:
        name: what the application calls this store; ``"default"`` if it has only one.
        rules: what the store lets in.
    """

    def __init__(
        self,
        engine: Blobs,
        *,
        name: str = "default",
        rules: BlobRules | None = None,
        compression: Literal["gzip", "zstd"] | None = None,
    ) -> None:
        self.name = name
        self.rules = BlobRules() if rules is None else rules
        self._engine = engine
        self._compression = Compression.of(compression, engine.capabilities, engine.name)
        self._operations = BlobOperations(engine, self._compression)
        self._connected = False

    def __repr__(self) -> str:
        state = "connected" if self._connected else "not connected"
        return f"<{type(self).__name__} {self._engine.name}, {state}>"

    def connect(self) -> None:
        """Make the store ready. Called again, it does nothing."""
        if not self._connected:
            self._engine.connect()
            self._connected = True

    def close(self) -> None:
        """Give everything back. Called again, it does nothing."""
        if self._connected:
            self._connected = False
            self._engine.disconnect()

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def is_open(self) -> bool:
        """Whether it is connected."""
        return self._connected

    @property
    def backend(self) -> str:
        """The engine's name (``"local"``)."""
        return self._engine.name

    @property
    def capabilities(self) -> BlobCapabilities:
        """What the engine can do."""
        return self._engine.capabilities

    @property
    def native(self) -> Any:
        """The filesystem beneath: an `fsspec.AbstractFileSystem`.

        Raises:
            UnsupportedError: there is none.
        """
        self._operations.require("native", "filesystem beneath", "use the methods of the store")
        return getattr(self._engine, "native")  # noqa: B009 (not part of the protocol)

    def put(
        self,
        key: str,
        source: Source,
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        if_absent: bool = False,
        if_match: str | None = None,
    ) -> BlobInfo:
        """Write a blob, or replace it.

        Args:
            key: 1 to 1,024 bytes of UTF-8; ``/`` parts segments.
            source: the content: bytes, a `pathlib.Path`, a binary file, or an iterator of
                bytes. All but bytes is streamed, and never held whole in memory.
            content_type: its media type; by default guessed from the key, else from the
                first bytes.
            metadata: texts of your own, to be kept with it; 1,024 bytes at most.
            if_absent: whether to fail if the key exists.
            if_match: the etag that the blob must still have.

        Raises:
            InvalidQueryError: an argument is not valid.
            InvalidDocumentError: the store's rules do not allow the content.
            DuplicateError: the key exists, and `if_absent` is set.
            ConflictError: the blob has another etag than `if_match`, or is not there.
            UnsupportedError: the engine cannot judge the condition or keep the metadata.
        """
        self._check_open()
        asked = request(
            key, content_type, metadata, if_absent, if_match, self.capabilities, self.backend
        )
        data = whole(source)
        if data is None:
            known = None if self.capabilities.late_digest else digest_of(source)
            file = BlobWriteFile(self._operations, self.rules, asked, known)
            with file:
                for chunk in chunks_of(source):
                    file.write(chunk)
            assert file.result is not None
            return file.result
        self.rules.check_size(key, len(data))
        digest = to_thread(sha256, data) if len(data) > 4 * CHUNK else sha256(data)
        head = asked.head(data, size=len(data), sha256=digest.hexdigest())
        self.rules.check_type(key, head.content_type, data)
        return self._operations.put(key, data, head, **asked.conditions)

    def get(self, key: str, *, start: int = 0, end: int | None = None) -> bytes:
        """The content of a blob, or the bytes from `start` to before `end` of it.

        A range is cut to the content, and its bytes are not checked; a whole content is.

        Raises:
            NotFoundError: there is no such blob.
            CorruptionError: its content is not what was written.
        """
        self._check_open()
        check_key(key)
        _check_range(start, end)
        return self._operations.get(key, start, end)

    @overload
    def open(self, key: str, mode: Literal["rb"] = "rb") -> BlobReadFile: ...

    @overload
    def open(
        self,
        key: str,
        mode: Literal["wb"],
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        if_absent: bool = False,
        if_match: str | None = None,
        sha256: str | None = None,
    ) -> BlobWriteFile: ...

    def open(
        self,
        key: str,
        mode: Literal["rb", "wb"] = "rb",
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        if_absent: bool = False,
        if_match: str | None = None,
        sha256: str | None = None,
    ) -> BlobReadFile | BlobWriteFile:
        """A blob as a file, to read from (``"rb"``) or to write to (``"wb"``), in a block.

        `sha256` is the digest of what will be written, where it is known before: another content
        is refused, and S3 keeps the digest of a stream only so. The rest is as for `put`.

        Raises:
            InvalidQueryError: an argument is not valid.
            UnsupportedError: as for `put`.
        """
        self._check_open()
        asked = request(
            key, content_type, metadata, if_absent, if_match, self.capabilities, self.backend
        )
        if mode == "wb":
            return BlobWriteFile(self._operations, self.rules, asked, sha256)
        if mode != "rb":
            raise InvalidQueryError(f"the mode is 'rb' or 'wb', not {mode!r}")
        if content_type is not None or metadata is not None or sha256 or asked.conditions:
            raise InvalidQueryError("a blob is opened for reading by its key alone")
        return BlobReadFile(self._operations, key)

    def stat(self, key: str) -> BlobInfo:
        """What is known of a blob.

        Raises:
            NotFoundError: there is no such blob.
        """
        self._check_open()
        return self._operations.stat(check_key(key))

    def exists(self, key: str) -> bool:
        """Whether there is such a blob."""
        self._check_open()
        return self._engine.stat(check_key(key)) is not None

    def page(
        self,
        prefix: str = "",
        *,
        delimiter: str | None = None,
        after: str | None = None,
        limit: int = _PAGE,
    ) -> BlobPage:
        """One page of a listing, in the order of the keys by code point.

        Args:
            prefix: what the keys begin with.
            delimiter: where to cut: all keys that have it after the prefix are one entry, up to
                and with its first occurrence. ``"/"`` lists like a folder.
            after: `BlobPage.after` of the page before. Between pages, blobs may come and go:
                whatever is there all the time is listed exactly once.
            limit: at most so many entries.

        Raises:
            InvalidQueryError: an argument is not valid.
        """
        self._check_open()
        check_prefix(prefix)
        if delimiter is not None and not _is_text(delimiter):
            raise InvalidQueryError(f"the delimiter is a text, not {delimiter!r}")
        if not is_number(limit, 1):
            raise InvalidQueryError(f"the limit is a number from 1, not {limit!r}")
        if after is not None:
            check_prefix(after)
        entries = self._engine.page(prefix, after or "", limit, delimiter)
        more = entries[-1].key if len(entries) >= limit else None
        return BlobPage(tuple(entries), more)

    def list(self, prefix: str = "", *, delimiter: str | None = None) -> Iterator[BlobEntry]:
        """Every blob whose key begins with `prefix`, page by page; see `page`."""
        after: str | None = None
        while True:
            page = self.page(prefix, delimiter=delimiter, after=after)
            for entry in page.entries:
                yield entry
            after = page.after
            if after is None:
                return

    def copy(self, source: str, target: str, *, if_absent: bool = False) -> BlobInfo:
        """Copy a blob within the store, with its content type and metadata.

        Raises:
            NotFoundError: there is no `source`.
            DuplicateError: `target` exists, and `if_absent` is set.
        """
        self._check_open()
        check_key(source)
        asked = request(target, None, None, if_absent, None, self.capabilities, self.backend)
        if source == target:
            raise InvalidQueryError(f"the blob {source!r} cannot be copied onto itself")
        return self._operations.copy(source, target, if_absent=bool(asked.conditions))

    def move(self, source: str, target: str, *, if_absent: bool = False) -> BlobInfo:
        """Copy a blob within the store, then remove the original.

        If this is interrupted, both may be there; the content is never lost. Where the engine
        has `if_match`, an original that was changed meanwhile is kept.

        Raises:
            NotFoundError, DuplicateError: as for `copy`.
            ConflictError: the original was changed meanwhile, and is kept; so is the copy.
        """
        self._check_open()
        before = self.stat(source)
        info = self.copy(source, target, if_absent=if_absent)
        etag = before.etag if self.capabilities.if_match else None
        self._operations.delete(source, if_match=etag)
        return info

    def delete(self, key: str, *, if_match: str | None = None) -> bool:
        """Remove a blob; return whether there was one.

        Raises:
            ConflictError: it has another etag than `if_match`, or is not there.
            UnsupportedError: the engine cannot judge the condition.
        """
        self._check_open()
        check_key(key)
        check_condition(if_match, self.capabilities, self.backend)
        return self._operations.delete(key, if_match=if_match)

    def delete_many(self, keys: Iterable[str] | None = None, *, prefix: str | None = None) -> int:
        """Remove blobs by their keys, or all whose keys begin with `prefix`.

        Returns:
            How many there were.

        Raises:
            InvalidQueryError: a key is not valid; or neither or both are given. ``prefix=""``
                means all blobs.
        """
        self._check_open()
        if (keys is None) == (prefix is None):
            raise InvalidQueryError("pass either keys, or prefix= (which may be '' for all)")
        if isinstance(keys, (str, bytes)):
            raise InvalidQueryError(f"keys is a list of keys, not one text {keys!r}")
        if keys is not None:
            distinct = list(dict.fromkeys(check_key(key) for key in keys))
            count = 0
            for first in range(0, len(distinct), _PAGE):
                count += self._operations.delete_many(distinct[first : first + _PAGE])
            return count
        count, after = 0, None
        while True:
            page = self.page(prefix or "", after=after)
            count += self._operations.delete_many([entry.key for entry in page.entries])
            after = page.after
            if after is None:
                return count

    def signed_url(
        self,
        key: str,
        *,
        method: Literal["GET", "PUT"] = "GET",
        expires: int = 3600,
        content_type: str | None = None,
        filename: str | None = None,
        max_size: int | None = None,
    ) -> str:
        """A URL by which whoever has it can download or upload one blob, for a time.

        Args:
            key: the blob's; it need not exist.
            method: ``"GET"`` to download, ``"PUT"`` to upload.
            expires: seconds; a week at most.
            content_type: for ``"GET"``, the type that is answered; for ``"PUT"``, the type
                that the upload must have.
            filename: for ``"GET"``, the name under which a browser saves it.
            max_size: for ``"PUT"``, the most bytes; in a store whose rules say less, those.

        Raises:
            InvalidQueryError: an argument is not valid.
            UnsupportedError: the engine cannot make such URLs, or cannot hold uploads by them
                to the type, to the size, or to the rules of this store; or the blob is kept
                compressed, and would be served so.
        """
        self._check_open()
        grant = check_grant(key, method, expires, content_type, filename, max_size)
        check_signing(grant, self.rules, self.capabilities, self.backend)
        if self._compression is not None and method == "GET":
            self._check_served(key)
        return self._operations.sign(grant)

    def _check_served(self, key: str) -> None:
        """Refuse to have a blob served as it is kept, which is not what was written."""
        if getattr(self._engine, "signer", None) is not None:
            return  # what serves it reads it as it was written
        raw = self._engine.stat(key)
        if raw is not None and encoding_of(raw) is not None:
            raise UnsupportedError(
                f"{self.backend} would serve the blob {key!r} as it is kept, compressed: let your "
                "application serve it, or keep it in a store without compression",
                backend=self.backend,
                id=key,
            )

    def copy_to(self, other: BlobStore, *, prefix: str = "", if_absent: bool = False) -> Copied:
        """Copy blobs to another store, under the same keys, checking every digest.

        Args:
            other: the other store, open.
            prefix: what the keys begin with.
            if_absent: whether to leave alone what `other` has already; else it is replaced.

        Raises:
            CorruptionError: a content is not what was written.
            UnsupportedError: `other` cannot keep a blob's metadata or content type.
        """
        blobs = size = skipped = 0
        for entry in self.list(prefix):
            try:
                size += self._copy_one(other, entry.key, if_absent=if_absent)
                blobs += 1
            except DuplicateError:
                skipped += 1
        return Copied(blobs, size, skipped)

    def _copy_one(self, other: BlobStore, key: str, *, if_absent: bool) -> int:
        with self.open(key) as source:
            info = source.info()
            if if_absent and other.exists(key):
                raise DuplicateError(f"{key!r} is there already", backend=other.backend, id=key)
            target = other.open(
                key,
                "wb",
                content_type=info.content_type,
                metadata=info.metadata,
                if_absent=if_absent and other.capabilities.if_absent,
            )
            with target:
                for chunk in source:
                    target.write(chunk)
        return info.size

    def _check_open(self) -> None:
        if not self._connected:
            raise UnavailableError(
                f"the {self._engine.name} store is not connected; use it as a context "
                "manager or call connect()",
                backend=self._engine.name,
            )


def _check_range(start: Any, end: Any) -> None:
    for name, value in (("start", start), ("end", end)):
        if value is None and name == "end":
            continue
        if not is_number(value, 0):
            raise InvalidQueryError(f"{name} is a number of bytes from 0, not {value!r}")
    if end is not None and end < start:
        raise InvalidQueryError(f"end ({end:,}) lies before start ({start:,})")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""
