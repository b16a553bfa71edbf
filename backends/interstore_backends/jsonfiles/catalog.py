"""`Catalog`: the folder's models, as its manifest and its files have them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final, TypeAlias

from interstore_backends.jsonfiles.disk import replace_file, sync_folder
from interstore_backends.jsonfiles.errors import corrupt
from interstore_backends.jsonfiles.format import SUFFIX, check_header, header_of
from interstore_backends.jsonfiles.lock import FolderLock
from interstore_backends.jsonfiles.manifest import (
    NAME,
    Manifest,
    ModelEntry,
    read_manifest,
    write_manifest,
)
from interstore_backends.jsonfiles.model import COMPACTING
from interstore_backends.jsonfiles.watching import prune

__all__ = ["DROPPED", "Catalog"]

DROPPED: Final = ".dropped"
_DRAFT: Final = ".new"
_Stamp: TypeAlias = tuple[int, int, int]


class Catalog:
    """Which models there are, and where.

    A model is created by its file first, which holds no document, and then the manifest;
    it is dropped by renaming its file, and then the manifest. `recover` finishes what a
    killed process left between the two.

    Args:
        folder: the folder; it need not exist.
        lock: its lock.
    """

    def __init__(self, folder: str, lock: FolderLock) -> None:
        self.folder = folder
        self._lock = lock
        self._path = os.path.join(folder, NAME)
        # One attribute, for threads that read it while another one sets it.
        self._known: tuple[_Stamp, Mapping[str, ModelEntry]] | None = None

    def exists(self) -> bool:
        """Whether anything was ever stored in the folder, or is there without its manifest."""
        return os.path.exists(self._path) or self._stray()

    def models(self) -> Mapping[str, ModelEntry]:
        """The models that exist; the manifest is read again only if it is another one.

        Raises:
            CorruptionError: the manifest is damaged, or lost while files of models are there.
            ConfigurationError: it is of a format not known here.
        """
        try:
            found = os.stat(self._path)
        except FileNotFoundError:
            if self._known is not None or self._stray():
                if os.path.exists(self._path):  # another process has made the first model since
                    return self.models()
                raise corrupt(self._path, 0, "the manifest is lost") from None
            return {}
        stamp = (found.st_ino, found.st_size, found.st_mtime_ns)
        known = self._known
        if known is None or known[0] != stamp:
            manifest = read_manifest(self.folder)
            known = self._known = stamp, {} if manifest is None else manifest.models
        return known[1]

    def might_exist(self, model: str) -> bool:
        """Whether there is such a model, or a file that looks like it."""
        return model in self.models() or os.path.exists(self.file_of(model))

    # Under the lock.

    def path_of(self, model: str) -> str | None:
        """The model's file; ``None`` if there is no such model.

        Raises:
            CorruptionError: the manifest lists it and its file is lost, or the other way round.
        """
        path = self.file_of(model)
        if model in self.models():
            if not os.path.exists(path):
                self._finish_drop(model)
            if model not in self.models():
                return None
            if not os.path.exists(path):
                raise corrupt(path, 0, "the file is lost, though the manifest lists its model")
            return path
        if os.path.exists(path) and not self._is_unused(model, path):
            raise corrupt(path, 0, "the manifest does not list the model of this file")
        return None

    def create(self, model: str, at: str) -> str:
        """Create a model without documents; return its file."""
        path = self.file_of(model)
        replace_file(path, [header_of(model, at) + b"\n"], _DRAFT)
        entry = ModelEntry(os.path.basename(path), at)
        write_manifest(self.folder, Manifest({**self.models(), model: entry}))
        self.models()  # from now on, a manifest that is not there is one that is lost
        return path

    def drop(self, model: str) -> bool:
        """Remove a model; return whether it existed."""
        path = self.path_of(model)
        if path is None:
            return False
        os.rename(path, path + DROPPED)
        sync_folder(self.folder)
        self._finish_drop(model)
        return True

    def recover(self) -> None:
        """Remove what killed processes left; takes the lock only if there is anything.

        Raises:
            CorruptionError, ConfigurationError: as `models`.
        """
        if not os.path.isdir(self.folder):
            # A file in its place, or no permission to see it, is an error; that it is
            # missing is not.
            if os.path.lexists(self.folder):
                os.listdir(self.folder)
            return
        endings = (COMPACTING, _DRAFT, DROPPED)
        if any(name.endswith(endings) for name in os.listdir(self.folder)):
            with self._lock:
                for name in os.listdir(self.folder):
                    if name.endswith((SUFFIX + COMPACTING, SUFFIX + _DRAFT, NAME + _DRAFT)):
                        os.unlink(os.path.join(self.folder, name))
                    elif name.endswith(SUFFIX + DROPPED):
                        self._finish_drop(name.removesuffix(SUFFIX + DROPPED))
        self.models()

    def _finish_drop(self, model: str) -> None:
        path = self.file_of(model)
        if not os.path.exists(path + DROPPED):
            return
        if not os.path.exists(path):
            rest = {name: entry for name, entry in self.models().items() if name != model}
            write_manifest(self.folder, Manifest(rest))
            prune(path, None, None)
        os.unlink(path + DROPPED)

    def file_of(self, model: str) -> str:
        """Where the file of such a model is."""
        return os.path.join(self.folder, model + SUFFIX)

    def _is_unused(self, model: str, path: str) -> bool:
        """Whether the file was created and never listed, and so never written to."""
        with open(path, "rb") as file:
            header, rest = file.readline(), file.read(1)
        if rest or not header:
            return False
        check_header(header.rstrip(b"\n"), model, path)
        return True

    def _stray(self) -> bool:
        """Whether there are files of models although there is no manifest."""
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:
            return False
        models = (name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX))
        return any(not self._is_unused(model, self.file_of(model)) for model in models)
