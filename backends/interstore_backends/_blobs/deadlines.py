"""How long a request may take in all: aiohttp sees no end of a body that nobody takes."""

from __future__ import annotations

from typing import Final

__all__ = ["deadline"]

_ATTEMPTS: Final = 4
_PAUSES: Final = 10.0
"""Seconds between attempts, all together, at most."""


def deadline(timeout: float, size: int = 0) -> float:
    """Seconds for a request with all its attempts.

    Args:
        timeout: seconds of silence that end an attempt.
        size: bytes to send; each MiB of them has as long.
    """
    return timeout * (_ATTEMPTS + size / 2**20) + _PAUSES
