"""Whose account a server runs under, and what that account can reach."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.servers.guard import GUARD

__all__ = ["Account", "cache_folder", "new_folder", "reachable", "unprivileged"]


@dataclass(frozen=True)
class Account:
    """What a server is to run as."""

    uid: int
    gid: int


def unprivileged() -> Account | None:
    """For a server that refuses to run as root; ``None`` if this process is not root's.

    `initdb` looks up the name of its user, so it must be an account that exists.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        entry = next(entry for entry in pwd.getpwall() if entry.pw_uid != 0)
    return Account(entry.pw_uid, entry.pw_gid)


def reachable(path: Path) -> bool:
    """Whether any account can read a file or folder."""
    needed = stat.S_IROTH | (stat.S_IXOTH if path.is_dir() or os.access(path, os.X_OK) else 0)
    if path.stat().st_mode & needed != needed:
        return False
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.resolve().parents)


def cache_folder(name: str) -> Path:
    """A folder for what is made once per machine; `INTERSTORE_TEST_CACHE` says where."""
    chosen = os.environ.get("INTERSTORE_TEST_CACHE")
    if chosen:
        base = Path(chosen)
    elif os.geteuid() == 0:
        # root's home is closed to the account that a server runs under.
        base = Path("/var/cache/interstore-tests")
    else:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        base = Path(home) / "interstore-tests"
    folder = base / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def new_folder(name: str, account: Account | None) -> Path:
    """A folder for one server's data, removed at the end whatever happens."""
    parent = Path(tempfile.gettempdir())
    if account is not None and not reachable(parent):
        parent = Path("/tmp")
    folder = Path(tempfile.mkdtemp(prefix=f"interstore-{name}-", dir=parent))
    GUARD.folder(folder)
    if account is not None:
        shutil.chown(folder, account.uid, account.gid)
    return folder
