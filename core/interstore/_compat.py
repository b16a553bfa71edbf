"""What asyncio and threads do under different names, for threads; `_compat_async` has the same.

This module does not import asyncio, so a program that uses only the sync flavour never does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

__all__ = ["Flag", "Lock", "gather", "sleep", "to_thread"]

P = ParamSpec("P")
T = TypeVar("T")

Flag = threading.Event
Lock = threading.Lock


def sleep(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


def to_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function that blocks; whoever calls from the sync flavour is ready to wait."""
    return function(*args, **kwargs)


def gather(calls: Iterable[Callable[[], T]]) -> list[T]:
    """Make the calls one after the other; return their results in order.

    If one fails, its error is raised and those after it are not made.
    """
    return [call() for call in calls]
