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
from interstore.migration.journal import write_atomically

__all__ = ["ArchiveFiles"]


class ArchiveFiles:
    """Reads and writes files below one place.

    Attributes:
        place: a path, or a URL of fsspec's.
        system: the filesystem.
        is_local: whether it is this machine's.
    """

    def __init__(self, place: str) -> None:
        import fsspec  # type: ignore[import-untyped]

        self.place = place
        try:
            # Neither listings nor instances of others: both can be stale.
            self.system, self._root = fsspec.core.url_to_fs(
                place, use_listings_cache=False, skip_instance_cache=True
            )
        except (ImportError, ValueError) as error:
            raise ConfigurationError(f"{place!r} cannot be opened: {error}") from None
        protocol = self.system.protocol
        self.is_local = "file" in ([protocol] if isinstance(protocol, str) else protocol)

    def read(self, name: str) -> bytes | None:
        """The content of a file; ``None`` if there is none.

        Raises:
            CorruptionError: it is a link that leads out of the archive.
            UnavailableError, PermissionDeniedError: it cannot be read.
        """
        path = self.path(name)
        self.check_inside(name)
        with self._translated(name):
            try:
                content: bytes = self.system.cat_file(path)
            except (FileNotFoundError, NotADirectoryError):
                return None
        return content

    def write(self, name: str, content: bytes) -> None:
        """Write a file, whole; one that exists is replaced."""
        path = self.path(name)
        with self._translated(name):
            if self.is_local:
                Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                write_atomically(Path(path), content)
            else:
                self.system.pipe_file(path, content)

    def keep_only(self, folder: str, names: Collection[str]) -> None:
        """Remove what lies in a folder, at any depth, and is not among `names`."""
        with self._translated(folder):
            found: list[str] = self.system.find(self.path(folder))
            base = len(self._root.rstrip("/")) + 1
            for path in found:
                if path[base:] not in names:
                    self.system.rm_file(path)

    def folders(self) -> list[str]:
        """The names of the folders right below the place, sorted."""
        with self._translated(""):
            try:
                entries: list[dict[str, Any]] = self.system.ls(self._root, detail=True)
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
            self.system.rm_file(self.path(name))

    def remove_empty_folders(self) -> None:
        """Remove the place, if nothing is left in it; object stores have no folders."""
        if not self.is_local:
            return
        for folder, _, _ in os.walk(self._root, topdown=False):
            with suppress(OSError):  # something else is in it
                Path(folder).rmdir()

    def path(self, name: str) -> str:
        """The path of a file in the filesystem."""
        return f"{self._root.rstrip('/')}/{name}"

    def beside(self, name: str) -> str:
        """The place of an archive in the same folder."""
        place = self.place if "://" in self.place else os.path.abspath(self.place)
        return f"{place.rstrip('/').rpartition('/')[0]}/{name}"

    def check_inside(self, name: str) -> None:
        """Return if the file lies in the archive.

        Raises:
            CorruptionError: it is a link that leads out of it.
        """
        path = self.path(name)
        if self.is_local and not Path(path).resolve().is_relative_to(Path(self._root).resolve()):
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
