"""The files of an archive, wherever fsspec finds them: each is written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Collection, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from interstore.errors import (
    ConfigurationError,
    CorruptionError,
    PermissionDeniedError,
    UnavailableError,
)

__all__ = ["ArchiveFiles"]


class ArchiveFiles:
    """Reads and writes files below one place.

    Args:
        place: a path, or a URL of fsspec's.
    """

    def __init__(self, place: str) -> None:
        import fsspec  # type: ignore[import-untyped]

        self.place = place
        try:
            # Neither listings nor instances of others: both can be stale.
            self._system, self._root = fsspec.core.url_to_fs(
                place, use_listings_cache=False, skip_instance_cache=True
            )
        except (ImportError, ValueError) as error:
            raise ConfigurationError(f"{place!r} cannot be opened: {error}") from None
        protocol = self._system.protocol
        self._local = "file" in ([protocol] if isinstance(protocol, str) else protocol)

    def read(self, name: str) -> bytes | None:
        """The content of a file; ``None`` if there is none.

        Raises:
            CorruptionError: it is a link that leads out of the archive.
            UnavailableError, PermissionDeniedError: it cannot be read.
        """
        path = self._path(name)
        if self._local:
            self._check_inside(path)
        with self._translated(name):
            try:
                content: bytes = self._system.cat_file(path)
            except (FileNotFoundError, NotADirectoryError):
                return None
        return content

    def write(self, name: str, content: bytes) -> None:
        """Write a file, whole; one that exists is replaced."""
        path = self._path(name)
        with self._translated(name):
            if self._local:
                _write_locally(Path(path), content)
            else:
                self._system.pipe_file(path, content)

    def keep_only(self, folder: str, names: Collection[str]) -> None:
        """Remove what lies in a folder, at any depth, and is not among `names`."""
        with self._translated(folder):
            found: list[str] = self._system.find(self._path(folder))
            base = len(self._root.rstrip("/")) + 1
            for path in found:
                if path[base:] not in names:
                    self._system.rm_file(path)

    def folders(self) -> list[str]:
        """The names of the folders right below the place, sorted."""
        with self._translated(""):
            try:
                entries: list[dict[str, Any]] = self._system.ls(self._root, detail=True)
            except FileNotFoundError:
                return []
        return sorted(
            entry["name"].rstrip("/").rpartition("/")[2]
            for entry in entries
            if entry["type"] == "directory"
        )

    def remove(self, name: str) -> None:
        """Remove a file."""
        with self._translated(name):
            self._system.rm_file(self._path(name))

    def remove_empty_folders(self) -> None:
        """Remove the place, if nothing is left in it; object stores have no folders."""
        if not self._local:
            return
        for folder, _, _ in os.walk(self._root, topdown=False):
            with suppress(OSError):  # something else is in it
                Path(folder).rmdir()

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    def _check_inside(self, path: str) -> None:
        root = Path(self._root).resolve()
        if not Path(path).resolve().is_relative_to(root):
            raise CorruptionError(f"{path} is a link that leads out of the archive", file=path)

    @contextmanager
    def _translated(self, name: str) -> Generator[None]:
        shown = f"{name} of {self.place}" if name else self.place
        try:
            yield
        except PermissionError as error:
            raise PermissionDeniedError(f"{shown}: {error.strerror or error}") from error
        except OSError as error:
            raise UnavailableError(f"{shown}: {error.strerror or error}") from error


def _write_locally(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(file, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(file)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
