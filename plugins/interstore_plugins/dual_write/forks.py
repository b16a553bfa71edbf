"""Forks of a process need leases of their own."""

from __future__ import annotations

import os
import weakref
from typing import Any, Final

__all__ = ["forget_in_forks"]

_members: Final[weakref.WeakSet[Any]] = weakref.WeakSet()


def forget_in_forks(member: Any) -> None:
    """Have `member.forked()` called in every fork of this process."""
    _members.add(member)


def _forked() -> None:
    for member in list(_members):
        member.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
