"""An engine with a server's settings, for tests of where their values come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest

from interstore import discovery
from interstore.backend import Backend
from interstore.settings import URL, Secret, Settings, env
from interstore.settings.choose import choose
from interstore.settings.environment import Environment
from interstore.settings.resolve import Resolved, resolve

if TYPE_CHECKING:
    from interstore._sync.database import Database


class ServerSettings(Settings, kw_only=True, frozen=True):
    host: Annotated[str, env("DATABASE_HOST")] = "localhost"
    port: Annotated[int, env("DATABASE_PORT", ge=1, le=65535)] = 99
    name: Annotated[str, env("DATABASE_NAME")] = "main"
    username: Annotated[str | None, env("DATABASE_USERNAME", "DATABASE_USER")] = None
    password: Annotated[Secret | None, env("DATABASE_PASSWORD")] = None
    timeout: Annotated[float, env("DATABASE_TIMEOUT", ge=0)] = 30.0
    ssl: Annotated[Literal["disable", "verify"], env("DATABASE_SSL")] = "verify"

    url_parameters = frozenset({"sslmode"})

    @classmethod
    def from_url(cls, url: URL) -> dict[str, Any]:
        if not url.scheme:
            return dict(part.split("=") for part in url.raw.reveal().split(";"))
        values = super().from_url(url)
        if "sslmode" in url.query:
            values["ssl"] = "disable" if url.query["sslmode"] == "disable" else "verify"
        return values


def make(settings: ServerSettings) -> Database:
    from tests.tiny import TinyDatabase

    return TinyDatabase()


SERVER = Backend(
    name="server", settings=ServerSettings, database=make, schemes=("srv",), aliases=("s",)
)


def register(monkeypatch: pytest.MonkeyPatch, *backends: Backend) -> None:
    """Let discovery find these engines, by name, alias and scheme, for the time of a test."""
    names = {name: b.name for b in backends for name in (b.name, *b.aliases, *b.schemes)}
    loaded = {**discovery._loaded, **{backend.name: backend for backend in backends}}
    monkeypatch.setattr(discovery, "_loaded", loaded)
    monkeypatch.setattr(discovery, "OTHER_NAMES", {**discovery.OTHER_NAMES, **names})


def resolved(
    url: str | None = None,
    type: str | None = None,
    process: dict[str, str] | None = None,
    dotenv: dict[str, str | None] | None = None,
    **options: Any,
) -> Resolved:
    """What would be in force."""
    environment = Environment(process or {}, dotenv)
    return resolve(choose(url, type, environment), options, environment)
