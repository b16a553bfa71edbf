"""What a fork does to open databases: it closes them before, and they open again when used.

A connection must not cross a fork: file locks do not, but SQLite's record of them within
the process does. A child that only opened a connection of its own beside the inherited ones
would take locks for held that it does not have, and the parent, closing its last connection,
would delete the journal that the child is writing: acknowledged writes were lost so.
"""

from __future__ import annotations

import os
import weakref
from typing import Final, Protocol

__all__ = ["forget", "watch"]

_PATIENCE: Final = 30.0
"""Seconds that a fork waits for reads and writes of other threads to end."""


class Forkable(Protocol):
    """What has connections to close."""

    def before_fork(self, timeout: float) -> None:
        """Close them, and keep other threads from opening new ones."""

    def after_fork(self, *, child: bool) -> None:
        """Let go."""


_open: Final[weakref.WeakSet[Forkable]] = weakref.WeakSet()
_held: Final[list[Forkable]] = []


def watch(connections: Forkable) -> None:
    """Close these before a fork."""
    _open.add(connections)


def forget(connections: Forkable) -> None:
    """No longer."""
    _open.discard(connections)


def _before() -> None:
    for connections in list(_open):
        connections.before_fork(_PATIENCE)
        _held.append(connections)


def _after(child: bool) -> None:
    while _held:
        _held.pop().after_fork(child=child)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before,
        after_in_parent=lambda: _after(False),
        after_in_child=lambda: _after(True),
    )
