"""That a call comes back at all: no test judges how long a machine takes."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager

__all__ = ["no_hang"]

HANG = 40.0
"""Seconds: many times the timeouts of a second or two that the tests set, on any machine."""


@contextmanager
def no_hang() -> Generator[None]:
    """Fails if what stands within it has only come back after so long that it hung."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start < HANG, "the timeout that was set did not end it"
