"""The blob engines that the kit is run on, in both flavours under paired names."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from interstore.blobs._async.engine import AsyncBlobs
from interstore.blobs._async.store import AsyncBlobStore
from interstore.blobs._sync.engine import Blobs
from interstore.blobs.bridge import to_async, to_sync
from interstore.blobs.rules import BlobRules
from interstore.blobs.serving import SignedUrlApp
from interstore.settings import Secret

__all__ = [
    "bridged_blobs",
    "bridged_blobs_async",
    "fsspec_blobs",
    "fsspec_blobs_async",
    "local_blobs",
    "local_blobs_async",
    "memory_blobs",
    "memory_blobs_async",
    "served_folder",
]


def memory_blobs() -> Blobs:
    """Blobs in memory."""
    from interstore_backends.blobs_memory.engine import MemoryBlobs

    return MemoryBlobs()


def memory_blobs_async() -> AsyncBlobs:
    return to_async(memory_blobs())


def bridged_blobs() -> Blobs:
    """Blobs in memory, across the bridge to asyncio, and across the other one back."""
    return to_sync(memory_blobs_async())


def bridged_blobs_async() -> AsyncBlobs:
    return to_async(bridged_blobs())


def local_blobs(folder: Path, durability: Any = "os", **options: Any) -> Blobs:
    """Blobs in a folder; tests of what survives a crash are its own."""
    from interstore_backends.blobs_local.engine import LocalBlobs
    from interstore_backends.blobs_local.settings import LocalBlobsSettings

    return LocalBlobs(LocalBlobsSettings(path=str(folder), durability=durability, **options))


def local_blobs_async(folder: Path, durability: Any = "os", **options: Any) -> AsyncBlobs:
    return to_async(local_blobs(folder, durability, **options))


@contextmanager
def served_folder(folder: Path, rules: BlobRules | None = None) -> Generator[dict[str, Any]]:
    """A folder whose signed URLs are served meanwhile; the settings that say so."""
    from tests.servers.asgi import free_url, serving

    signed: dict[str, Any] = {
        "base_url": free_url("/files"),
        "secret": Secret("a secret of the tests"),
    }
    store = AsyncBlobStore(local_blobs_async(folder, **signed), rules=rules)
    with serving(SignedUrlApp(store), signed["base_url"]):
        yield signed


def fsspec_blobs(filesystem: Any, path: str) -> Blobs:
    """Blobs in a filesystem that is made already."""
    from interstore_backends.blobs_fsspec import FsspecBlobsSettings
    from interstore_backends.blobs_fsspec.engine import FsspecBlobs

    return FsspecBlobs(FsspecBlobsSettings(filesystem=filesystem, path=path))


def fsspec_blobs_async(filesystem: Any, path: str) -> AsyncBlobs:
    return to_async(fsspec_blobs(filesystem, path))
