"""What can be set, and what the engine declares."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from interstore.capabilities import Capabilities, Limits
from interstore.errors import ConfigurationError
from interstore.settings import Settings, env

__all__ = ["CAPABILITIES", "LIMITS", "MEMORY", "SQLiteSettings"]

MEMORY: Final = ":memory:"
"""The path of a database that lives and dies with its `SQLiteDatabase`."""

CAPABILITIES: Final = Capabilities(
    models=True,
    drop=True,
    ensure_index=frozenset({"single", "compound", "unique", "list", "partial"}),
    transaction=True,
    snapshot=True,
    watch=True,
    watch_deletes=True,
    stats=True,
    explain=True,
    native=True,
    write_page=True,
    ttl=True,
    foreign=True,
    multi_key_sort_undeclared=True,
)
LIMITS: Final = Limits()


class SQLiteSettings(Settings, kw_only=True, frozen=True):
    """Settings of a SQLite database.

    JSONB (faster to filter, a tenth smaller) is chosen, never assumed: a library older than
    3.45 cannot read it, and the file may be opened by another program than the one that
    made it. The choice is made when a model is created and kept with it, so files with both
    are fine.

    One process must not open one file through two drivers at once: file locks belong to the
    process, so each library would undo the other's.
    """

    path: Annotated[
        str, env("DATABASE_PATH", help="The file; ':memory:' for none. Its folder is created.")
    ] = "./data/interstore.db"
    timeout: Annotated[
        float,
        env(
            "DATABASE_TIMEOUT",
            help="Seconds to wait while other processes write.",
            ge=0,
            le=86_400,
        ),
    ] = 30.0
    driver: Annotated[
        str, env(help="The module to use as the driver, for example 'pysqlite3'.")
    ] = "sqlite3"
    jsonb: Annotated[
        bool, env(help="Store the documents of new models as JSONB (SQLite 3.45 or newer).")
    ] = False
    durability: Annotated[
        Literal["fsync", "os"],
        env(
            help="What an acknowledged write survives: 'fsync' a power loss, 'os' the death of "
            "the process only."
        ),
    ] = "fsync"
    auto_create: Annotated[
        bool,
        env(
            "DATABASE_AUTO_CREATE",
            help="Whether the first write creates a model; if not, the file must exist.",
        ),
    ] = True

    def __post_init__(self) -> None:
        if not self.path or "\0" in self.path:
            raise ConfigurationError(
                f"path {self.path!r} is no path of a file; set DATABASE_PATH", backend="sqlite"
            )

    @property
    def in_memory(self) -> bool:
        """Whether there is no file."""
        return self.path == MEMORY
