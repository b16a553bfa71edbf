"""The engine for blobs in any fsspec filesystem."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from interstore.blobs.blob import BlobEntry, BlobHead, BlobInfo
from interstore.blobs.content_types import UNKNOWN, guess
from interstore.blobs.keys import EMPTY, OWN_FOLDER, Escaping
from interstore.blobs.listing import folded
from interstore_backends.blobs_fsspec import CAPABILITIES, FsspecBlobsSettings
from interstore_backends.blobs_fsspec.errors import translated

__all__ = ["FsspecBlobs"]

_BESIDE = "%"
_TIMES = ("mtime", "LastModified", "last_modified", "modified", "updated", "created")
_TAGS = ("ETag", "etag", "md5", "content_md5", *_TIMES, "size", "ino")


class FsspecBlobs:
    """Blobs in a filesystem, through its synchronous methods.

    Attributes:
        name: the filesystem's protocol.
        native: the filesystem.
    """

    capabilities = CAPABILITIES

    def __init__(self, settings: FsspecBlobsSettings) -> None:
        self.native, root = _filesystem(settings)
        protocol = self.native.protocol
        self.name: str = protocol if isinstance(protocol, str) else protocol[0]
        self._root = root.rstrip("/")
        self._escaping = Escaping()

    def connect(self) -> None:
        with translated(self.name):
            self.native.invalidate_cache()

    def disconnect(self) -> None:
        """The filesystem has no end that all share."""

    def begin(
        self, key: str, head: BlobHead, *, if_absent: bool = False, if_match: str | None = None
    ) -> _Writer:
        with translated(self.name, key):
            return _Writer(self, key, self._path([OWN_FOLDER, "drafts", uuid.uuid4().hex]))

    def publish(self, key: str, draft: str) -> BlobInfo:
        """Move a draft to where the blob of this key belongs."""
        *folders, name = self._escaping.names(key)
        for depth in range(1, len(folders) + 1):
            self._give_way(self._path(folders[:depth]))
        folder = self._path(folders)
        with suppress(FileExistsError):
            self.native.makedirs(folder, exist_ok=True)
        path = f"{folder}/{name}"
        if self.native.isdir(path):
            path += _BESIDE
        try:
            self.native.mv(draft, path)
        except FileExistsError:  # a filesystem that does not replace
            self.native.rm_file(path)
            self.native.mv(draft, path)
        return self._described(key, self.native.info(path))

    def _give_way(self, path: str) -> None:
        if self.native.isfile(path):
            self.native.mv(path, path + _BESIDE)

    def open(self, key: str, start: int, end: int | None) -> _Reader:
        with translated(self.name, key):
            path, found = self._found(key)
            info = self._described(key, found)
            file = self.native.open(path, "rb")
            return _Reader(self.name, file, info, start, end)

    def stat(self, key: str) -> BlobInfo | None:
        with translated(self.name, key):
            try:
                return self._described(key, self._found(key)[1])
            except FileNotFoundError:
                return None

    def _found(self, key: str) -> tuple[str, Mapping[str, Any]]:
        plain = self._path(self._escaping.names(key))
        for path in (plain, plain + _BESIDE):
            with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
                found: Mapping[str, Any] = self.native.info(path)
                if found["type"] == "file" and not found.get("islink"):
                    return path, found
        raise FileNotFoundError(key)

    def _described(self, key: str, found: Mapping[str, Any]) -> BlobInfo:
        known = [(tag, str(found[tag])) for tag in _TAGS if tag in found]
        return BlobInfo(
            key=key,
            size=int(found["size"] or 0),
            content_type=guess(key) or UNKNOWN,
            etag=blake2b(repr(known).encode(), digest_size=16).hexdigest(),
            modified=_modified(found),
        )

    def page(self, prefix: str, after: str, limit: int, delimiter: str | None) -> list[BlobEntry]:
        with translated(self.name):
            found = dict(self._listed(prefix))
            entries: list[BlobEntry] = []
            for key, is_prefix in folded(sorted(found), prefix, after, delimiter):
                entry = BlobEntry(key) if is_prefix else found[key]
                entries.append(entry)
                if len(entries) == limit:
                    break
        return entries

    def _listed(self, prefix: str) -> Iterator[tuple[str, BlobEntry]]:
        folders = self._escaping.names(prefix.rpartition("/")[0]) if "/" in prefix else []
        try:
            found = self.native.find(self._path(folders), withdirs=False, detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return
        own = len(self._root) + 1
        for path, info in found.items():
            if info["type"] != "file" or info.get("islink"):
                continue
            names = path[own:].split("/")
            name = names[-1]
            if name.endswith(_BESIDE) and name != EMPTY:
                names[-1] = name[:-1]
            key = None if names[0] == OWN_FOLDER else self._escaping.key(names)
            if key is not None:
                yield key, BlobEntry(key, int(info["size"] or 0), _modified(info))

    def delete(self, key: str, *, if_match: str | None = None) -> bool:
        with translated(self.name, key):
            try:
                path, _ = self._found(key)
                self.native.rm_file(path)
            except FileNotFoundError:
                return False
            self._prune(self._escaping.names(key)[:-1])
        return True

    def _prune(self, folders: list[str]) -> None:
        """Remove folders that are empty, where there is such a thing."""
        while folders:
            try:
                if self.native.ls(self._path(folders), detail=False):
                    return
                self.native.rmdir(self._path(folders))
            except (OSError, NotImplementedError):
                return
            folders = folders[:-1]

    def _path(self, names: list[str]) -> str:
        return "/".join([self._root, *names])


class _Writer:
    def __init__(self, engine: FsspecBlobs, key: str, draft: str) -> None:
        self._engine = engine
        self._key = key
        self._draft = draft
        with suppress(FileExistsError):
            engine.native.makedirs(draft.rpartition("/")[0], exist_ok=True)
        self._file = engine.native.open(draft, "wb")

    def write(self, data: bytes, /) -> None:
        with translated(self._engine.name, self._key):
            self._file.write(data)

    def commit(self, _sha256: str, /) -> BlobInfo:
        with translated(self._engine.name, self._key):
            self._file.close()
            return self._engine.publish(self._key, self._draft)

    def abort(self) -> None:
        with translated(self._engine.name, self._key):
            with suppress(OSError):
                self._file.close()
            with suppress(FileNotFoundError):
                self._engine.native.rm_file(self._draft)


class _Reader:
    def __init__(
        self, backend: str, file: Any, info: BlobInfo, start: int, end: int | None
    ) -> None:
        self.info = info
        self._backend = backend
        self._file = file
        self._left = max(0, (info.size if end is None else min(end, info.size)) - start)
        if start and self._left:
            file.seek(start)

    def read(self, size: int, /) -> bytes:
        size = min(size, self._left)
        if not size:
            return b""
        with translated(self._backend, self.info.key):
            data = bytes(self._file.read(size))
        self._left -= len(data)
        return data

    def close(self) -> None:
        with translated(self._backend, self.info.key):
            self._file.close()


def _filesystem(settings: FsspecBlobsSettings) -> tuple[Any, str]:
    """The filesystem, of this store alone and without caches, and the folder in it."""
    if settings.filesystem is not None:
        return settings.filesystem, settings.path
    from fsspec.core import url_to_fs  # type: ignore[import-untyped]

    url = f"{settings.protocol}://{settings.path}"
    if settings.url is not None:
        url = settings.url.reveal()
    options = {"use_listings_cache": False, "skip_instance_cache": True}
    found, path = url_to_fs(url, **{**options, **(settings.options or {})})
    return found, path


def _modified(found: Mapping[str, Any]) -> datetime:
    for name in _TIMES:
        value = found.get(name)
        if isinstance(value, (int, float)):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str):
            with suppress(ValueError):
                value = datetime.fromisoformat(value)
        if isinstance(value, datetime):
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime.fromtimestamp(0, UTC)
