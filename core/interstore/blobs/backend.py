"""What a package registers to bring a blob engine: one thing with both flavours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interstore.blobs.capabilities import BlobCapabilities

if TYPE_CHECKING:
    from interstore.blobs._async.engine import AsyncBlobs
    from interstore.blobs._sync.engine import Blobs
    from interstore.settings import Settings

__all__ = ["BlobBackend"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobBackend:
    """A blob engine, as its package registers it. Building it must import no driver.

    Attributes:
        name: the value of ``STORAGE_BACKEND`` (``"local"``); the entry point has the same.
        settings: the class of the engine's settings.
        blobs: makes the synchronous engine from settings; imports the driver. ``None`` if
            it is only asynchronous: a bridge then supplies it.
        async_blobs: makes the asynchronous one. ``None`` if the engine is only synchronous.
            At least one of the two is given.
        capabilities: what the engine can do, if that does not depend on its settings.
        schemes: the URL schemes that name it, besides `name`.
        drivers: the modules that its driver needs, as they are imported.
        install: what to install if a driver is missing (``"interstore[s3]"``).
    """

    name: str
    settings: type[Settings]
    blobs: Callable[[Any], Blobs] | None = None
    async_blobs: Callable[[Any], AsyncBlobs] | None = None
    capabilities: BlobCapabilities = BlobCapabilities()  # noqa: RUF009 - frozen
    schemes: tuple[str, ...] = ()
    drivers: tuple[str, ...] = ()
    install: str | None = None

    def __post_init__(self) -> None:
        if self.blobs is None and self.async_blobs is None:
            raise TypeError(f"blob backend {self.name!r} brings neither flavour of its engine")
