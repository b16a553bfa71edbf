"""No secret leaves with an error while settings are parsed or a connection is made.

Drivers quote connection strings in their messages and hold them in their objects.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Collection
from typing import Any, ParamSpec, TypeVar

from interstore.errors import ConfigurationError, InterstoreError
from interstore.settings.secret import Secret, redact

__all__ = ["scrubbed", "scrubbed_async"]

P = ParamSpec("P")
T = TypeVar("T")


def scrubbed(
    function: Callable[P, T], secrets: Collection[Secret | str], backend: str
) -> Callable[P, T]:
    """`function`, raising only errors of Interstore, without secrets and without a cause."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whatever a driver or a package raises
            problem = _clean(error, secrets, backend)
        # Outside the handler, so that the driver's error is not the context either.
        raise problem

    return call


def scrubbed_async(
    function: Callable[P, Awaitable[T]], secrets: Collection[Secret | str], backend: str
) -> Callable[P, Awaitable[T]]:
    """`scrubbed` for a coroutine function."""

    @functools.wraps(function)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whatever a driver or a package raises
            problem = _clean(error, secrets, backend)
        raise problem

    return call


def _clean(error: Exception, secrets: Collection[Secret | str], backend: str) -> InterstoreError:
    def clean(value: Any) -> Any:
        return redact(value, secrets) if isinstance(value, str) else value

    if not isinstance(error, InterstoreError):
        kind = type(error).__name__
        return ConfigurationError(
            clean(f"{backend} failed to open: {kind}: {error}"), backend=backend
        )
    error.args = tuple(clean(value) for value in error.args)
    for name, value in vars(error).items():
        setattr(error, name, clean(value))
    if hasattr(error, "__notes__"):
        error.__notes__ = [clean(note) for note in error.__notes__]
    if error.backend is None:
        error.backend = backend
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
