"""The files of a folder by their keys. No link is followed beneath the folder itself."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Final

from interstore.blobs.keys import CONTINUED, EMPTY, OWN_FOLDER, Escaping

__all__ = ["Tree", "move_beside", "name_to_write", "names_in", "open_in", "stat_in"]

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MISSING: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ENXIO})
_BESIDE: Final = "%"
"""Ends the name of a blob's file where its plain name is a folder's."""
_SIMPLE: Final = re.compile(r"[a-z0-9_-]{5,100}(?:\.[a-z0-9]{1,20})*\Z")  # a key as it stands


class Tree:
    """The files beneath `root`, by keys.

    Args:
        root: the folder.
        escaping: how keys become names.
        give_way: called with a key, a folder and a name in it, where the file of that key
            has the name that a folder needs; renames it by `move_beside`.
    """

    def __init__(
        self, root: str, escaping: Escaping, give_way: Callable[[str, int, str], None]
    ) -> None:
        self._root = root
        self._escaping = escaping
        self._give_way = give_way

    def open(self, key: str) -> int | None:
        """A descriptor of the blob's file; ``None`` if there is none."""
        *folders, name = self._escaping.names(key)
        folder = self.folder(folders)
        if folder is None:
            return None
        try:
            return open_in(folder, name)
        finally:
            os.close(folder)

    def stat(self, key: str) -> os.stat_result | None:
        """What the system says of the blob's file; ``None`` if there is none."""
        place = self.find(key)
        if place is None:
            return None
        try:
            return stat_in(*place)
        finally:
            os.close(place[0])

    def place(self, key: str) -> tuple[int, str]:
        """A descriptor of the folder that the blob's file belongs in, made if need be; its name."""
        *folders, name = self._escaping.names(key)
        return self._made(folders), name

    def find(self, key: str) -> tuple[int, str] | None:
        """Like `place`, but ``None`` if there is no such folder."""
        *folders, name = self._escaping.names(key)
        folder = self.folder(folders)
        return None if folder is None else (folder, name)

    def folder(self, names: Sequence[str]) -> int | None:
        """A descriptor of the folder; ``None`` if there is none."""
        fd = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for name in names:
            try:
                inner = os.open(name, _FOLDER, dir_fd=fd)
            except OSError as error:
                if error.errno in _MISSING:
                    return None
                raise
            finally:
                os.close(fd)
            fd = inner
        return fd

    def _made(self, names: Sequence[str]) -> int:
        fd = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for depth, name in enumerate(names):
            try:
                inner = self._entered(fd, names[: depth + 1], name)
            finally:
                os.close(fd)
            fd = inner
        return fd

    def _entered(self, fd: int, names: Sequence[str], name: str) -> int:
        for _ in range(100):  # others may make and remove it all the time
            try:
                return os.open(name, _FOLDER, dir_fd=fd)
            except FileNotFoundError:
                try:
                    os.mkdir(name, 0o700, dir_fd=fd)
                    os.fsync(fd)
                except FileExistsError:
                    pass
            except NotADirectoryError:
                found = os.stat(name, dir_fd=fd, follow_symlinks=False)
                key = self._escaping.key(names)
                if not stat.S_ISREG(found.st_mode) or key is None:
                    raise PermissionError(errno.EPERM, "a link is not followed", name) from None
                self._give_way(key, fd, name)
        raise OSError(errno.EBUSY, "the folder is removed again and again", name)

    def prune(self, key: str) -> None:
        """Remove the folders of a key that are empty."""
        names = self._escaping.names(key)[:-1]
        while names:
            *outer, name = names
            folder = self.folder(outer)
            if folder is None:
                return
            try:
                os.rmdir(name, dir_fd=folder)
            except OSError:
                return
            finally:
                os.close(folder)
            names = outer

    def keys(self, prefix: str, after: str, delimiter: str | None) -> Iterator[str]:
        """Keys in order, all that matter for `fold` with the same arguments."""
        yield from self._walk([], "", _Wanted(prefix, after, delimiter))

    def _walk(self, names: list[str], text: str, wanted: _Wanted) -> Iterator[str]:
        last = None
        for key, inner in sorted(
            self._items(names, text), key=lambda item: (item[0], bool(item[1]))
        ):
            if not inner:
                if key != last:  # after a crash, both its names may be there
                    yield key
                last = key
            elif wanted.one_of(key):
                first = next(self._walk(inner, key, wanted), None)
                if first is not None:
                    yield first
            elif wanted.any_of(key):
                yield from self._walk(inner, key, wanted)

    def _items(self, names: list[str], text: str) -> Iterator[tuple[str, list[str]]]:
        """Keys of files; and of folders what their keys begin with, and their names."""
        folder = self.folder(names)
        if folder is None:
            return
        try:
            with os.scandir(folder) as entries:
                found = [(e.name, e.is_dir(follow_symlinks=False)) for e in entries if _is_own(e)]
        finally:
            os.close(folder)
        for name, is_folder in found:
            if is_folder:
                yield from self._inner([*names, name], name)
            elif _SIMPLE.match(name) and not (names and names[-1].endswith(CONTINUED)):
                yield text + name, []
            else:
                plain = name[:-1] if name.endswith(_BESIDE) and name != EMPTY else name
                key = self._escaping.key([*names, plain])
                if key is not None:
                    yield key, []

    def _inner(self, names: list[str], name: str) -> Iterator[tuple[str, list[str]]]:
        if len(names) == 1 and name == OWN_FOLDER:
            return
        if name.endswith(CONTINUED):  # what is in there stands among the names of this folder
            yield from self._items(names, "")
            return
        text = self._escaping.key([*names, "x"])
        if text is not None:
            yield text[:-1], names


class _Wanted:
    """Which folders to look into."""

    def __init__(self, prefix: str, after: str, delimiter: str | None) -> None:
        self.prefix = prefix
        self.after = after
        self.delimiter = delimiter
        passed = delimiter and after.endswith(delimiter) and len(after) > len(prefix)
        self.passed = after if passed else None

    def any_of(self, start: str) -> bool:
        """Whether keys that begin with `start` may be wanted."""
        if not (start.startswith(self.prefix) or self.prefix.startswith(start)):
            return False
        if self.passed is not None and start.startswith(self.passed):
            return False
        return start >= self.after or self.after.startswith(start)

    def one_of(self, start: str) -> bool:
        """Whether any one key that begins with `start` stands for all of them."""
        return (
            self.delimiter is not None
            and start.startswith(self.prefix)
            and start > self.after
            and start.find(self.delimiter, len(self.prefix)) >= 0
        )


def _is_own(entry: os.DirEntry[str]) -> bool:
    return entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)


def open_in(folder: int, name: str) -> int | None:
    """A descriptor of a blob's file, by its plain name, in an open folder."""
    for each in (name, name + _BESIDE):
        try:
            fd = os.open(each, _FILE, dir_fd=folder)
        except OSError as error:
            if error.errno in _MISSING:
                continue
            raise
        if stat.S_ISREG(os.fstat(fd).st_mode):
            return fd
        os.close(fd)
    return None


def stat_in(folder: int, name: str) -> os.stat_result | None:
    """What the system says of a blob's file, by its plain name, in an open folder."""
    for each in (name, name + _BESIDE):
        found = _file(folder, each)
        if found is not None:
            return found
    return None


def names_in(folder: int, name: str) -> list[str]:
    """The names under which a blob's file stands; two after a crash in `move_beside`."""
    return [each for each in (name, name + _BESIDE) if _is_file(folder, each)]


def name_to_write(folder: int, name: str) -> str:
    """The name that a blob's file is to have."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return name + _BESIDE if _is_file(folder, name + _BESIDE) else name
    return name + _BESIDE if stat.S_ISDIR(found.st_mode) else name


def move_beside(folder: int, name: str) -> None:
    """Free the plain name of a blob's file for a folder. It has one of its names all the time."""
    try:
        os.link(name, name + _BESIDE, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        os.rename(name, name + _BESIDE, src_dir_fd=folder, dst_dir_fd=folder)
    except FileNotFoundError:
        return
    # After a rename it may be a folder already; or a file still, if both were the same.
    with suppress(FileNotFoundError, IsADirectoryError, PermissionError):
        os.unlink(name, dir_fd=folder)


def _is_file(folder: int, name: str) -> bool:
    return _file(folder, name) is not None


def _file(folder: int, name: str) -> os.stat_result | None:
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno in _MISSING:
            return None
        raise
    return found if stat.S_ISREG(found.st_mode) else None
