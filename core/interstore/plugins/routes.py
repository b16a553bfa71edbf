"""What plugins add to the health application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Reply", "Route"]


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request.

    Attributes:
        body: what is sent; a text as UTF-8.
        content_type: of what kind it is.
        status: of HTTP.
    """

    body: str | bytes
    content_type: str = "application/json"
    status: int = 200


Route: TypeAlias = Callable[[], Reply | Awaitable[Reply]]
"""Answers a GET request. What it raises is logged, and answered by status 500."""
