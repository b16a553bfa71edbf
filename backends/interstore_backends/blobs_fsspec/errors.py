"""What filesystems raise, as errors of Interstore."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from interstore.blobs.problems import missing
from interstore.errors import (
    InterstoreError,
    PermissionDeniedError,
    UnavailableError,
    UnsupportedError,
)

__all__ = ["translated"]


@contextmanager
def translated(backend: str, key: str | None = None) -> Generator[None]:
    """Raise errors of Interstore for whatever a filesystem raises."""
    what = "the filesystem" if key is None else f"the blob {key!r}"
    try:
        yield
    except InterstoreError:
        raise
    except FileNotFoundError as error:
        raise missing(key or "", backend) from error
    except PermissionError as error:
        raise PermissionDeniedError(f"{what}: {error}", backend=backend, id=key) from error
    except NotImplementedError as error:
        raise UnsupportedError(
            f"{what}: the filesystem {backend!r} cannot do this (it may be for reading only)",
            backend=backend,
            id=key,
        ) from error
    except Exception as error:  # each filesystem has a driver with errors of its own
        raise UnavailableError(
            f"{what}: {type(error).__name__}: {error}", backend=backend, id=key
        ) from error
