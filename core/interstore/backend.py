"""What a package registers to bring an engine: one thing with both flavours."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interstore.capabilities import Capabilities, Limits

if TYPE_CHECKING:
    from interstore._async.database import AsyncDatabase
    from interstore._sync.database import Database
    from interstore.settings import Settings

__all__ = ["Backend"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """An engine, as its package registers it. Building it must import no driver.

    Attributes:
        name: the value of ``DATABASE_TYPE`` (``"sqlite"``); the entry point has the same.
        settings: the class of the engine's settings.
        database: makes the synchronous database from settings; imports the driver.
            ``None`` if the engine is only asynchronous: a bridge then supplies it.
        async_database: makes the asynchronous one. ``None`` if the engine is only
            synchronous. At least one of the two is given.
        capabilities: what the engine can do.
        limits: what it can hold.
        schemes: the URL schemes that name it, besides `name`.
        aliases: other values of ``DATABASE_TYPE`` that name it.
        drivers: the modules that its driver needs, as they are imported.
        install: what to install if a driver is missing (``"interstore[postgresql]"``).
        repair: mends a store that a crash, a disk or an editor damaged, given its settings;
            tells each thing that it did in a sentence. ``None`` if there is no such thing.
    """

    name: str
    settings: type[Settings]
    database: Callable[[Any], Database] | None = None
    async_database: Callable[[Any], AsyncDatabase] | None = None
    capabilities: Capabilities = Capabilities()
    limits: Limits = Limits()
    schemes: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    drivers: tuple[str, ...] = ()
    install: str | None = None
    repair: Callable[[Any], Iterable[str]] | None = None

    def __post_init__(self) -> None:
        if self.database is None and self.async_database is None:
            raise TypeError(f"backend {self.name!r} brings neither flavour of its database")
