"""Stores by name: what a slice's order says instead of a connection.

A reference is a URL, in which ``${env:NAME}`` stands for a variable of the process that opens
it; so orders, plans and journals hold no secret. Within one process, ``store:source`` and
``store:target`` name stores that are open already. What other programs keep in a store is named by
``views:`` and JSON, which holds the store's URL and the views of it (see `views`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import quote

import msgspec

from interstore.errors import ConfigurationError
from interstore.files import File
from interstore.migration.views import is_viewed, url_and_views, viewed
from interstore.plugins.apply import inside
from interstore.settings import URL, Settings

if TYPE_CHECKING:
    from interstore._sync.store import Store
    from interstore.blobs._sync.store import BlobStore

__all__ = [
    "OpenStores",
    "Place",
    "Resolver",
    "UrlResolver",
    "expand",
    "has_secret",
    "hidden",
    "identity_of",
    "is_private",
    "place_of",
    "url_of",
]

_VARIABLE: Final = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")


class Resolver(Protocol):
    """Where a slice gets its stores from."""

    def open(self, reference: str) -> Store:
        """The connected store of a reference; it stays open for later slices.

        Raises:
            ConfigurationError: there is no such store or variable.
        """
        ...

    def open_blobs(self, reference: str, name: str) -> BlobStore:
        """The open blob store of a reference, which documents call `name`.

        Raises:
            ConfigurationError: there is no such store or variable.
        """
        ...


class OpenStores:
    """Stores that the caller opened, for slices in the caller's own process."""

    def __init__(self, stores: Mapping[str, Store]) -> None:
        self._stores = dict(stores)

    def open(self, reference: str) -> Store:
        """See `Resolver`."""
        try:
            return self._stores[reference]
        except KeyError:
            raise ConfigurationError(
                f"the order names {reference}, which only the process that made it can open; "
                "migrate between URLs to use this executor"
            ) from None

    def open_blobs(self, reference: str, name: str) -> BlobStore:
        """See `Resolver`: there are none."""
        raise ConfigurationError(f"there is no blob store {reference}")


class UrlResolver:
    """Opens URLs, each once for the life of this object. Safe for threads."""

    def __init__(self) -> None:
        self._stores: dict[str, Store] = {}
        self._blobs: dict[tuple[str, str], BlobStore] = {}
        self._lock = Lock()

    def open(self, reference: str) -> Store:
        """See `Resolver`."""
        if reference.startswith("store:"):
            return OpenStores({}).open(reference)
        with self._lock:
            store = self._stores.get(reference)
            if store is None:
                store = self._connected(reference)
                self._stores[reference] = store
            return store

    def open_blobs(self, reference: str, name: str) -> BlobStore:
        """See `Resolver`."""
        from interstore.migration.blobs.ends import open_named

        with self._lock:
            store = self._blobs.get((reference, name))
            if store is None:
                store = self._blobs[reference, name] = open_named(reference, name)
            return store

    def _connected(self, reference: str) -> Store:
        from interstore.connection import connect

        if not is_viewed(reference):
            return connect(expand(reference))
        url, views = url_and_views(reference)
        return viewed(connect(expand(url)), views)

    def close(self) -> None:
        """Close every store."""
        with self._lock:
            while self._blobs:
                self._blobs.popitem()[1].close()
            while self._stores:
                self._stores.popitem()[1].close()


def expand(reference: str, environment: Mapping[str, str] | None = None) -> str:
    """`reference` with the values of its variables in place, percent-encoded within a URL.

    Raises:
        ConfigurationError: a variable is not set; the message names it.
    """
    values = os.environ if environment is None else environment

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name not in values:
            raise ConfigurationError(f"the environment variable {name} is not set")
        whole = match[0] == reference
        return values[name] if whole else quote(values[name], safe="")

    return _VARIABLE.sub(value, reference)


def hidden(reference: str) -> str:
    """`reference` as it may be shown."""
    if _VARIABLE.fullmatch(reference):
        return reference
    plain, variables = _without_variables(reference)
    shown = str(URL.parse(plain))
    for stand_in, variable in variables.items():
        shown = shown.replace(stand_in, variable)
    return shown


def url_of(given: str) -> str:
    """A URL, or the one of the file or folder of others that a plain path names.

    A folder that is called something with a colon needs ``files:`` before it.
    """
    if ":" in given or not (File.ending(given) or Path(given).expanduser().is_dir()):
        return given
    return f"files:{quote(given)}"


def has_secret(reference: str) -> bool:
    """Whether a secret is written out in `reference`."""
    plain, variables = _without_variables(reference)
    return any(secret.reveal() not in variables for secret in URL.parse(plain).secrets())


def _without_variables(reference: str) -> tuple[str, dict[str, str]]:
    """`reference` with a plain word in place of each variable, and which word is which."""
    variables: dict[str, str] = {}

    def stand_in(match: re.Match[str]) -> str:
        word = f"variable-{len(variables)}-{match[1]}"
        variables[word] = match[0]
        return word

    return _VARIABLE.sub(stand_in, reference), variables


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a store keeps its documents, without secrets.

    Attributes:
        backend: the engine's name.
        identity: the same text for the same place, however it was spelled.
        url: the URL as it was given, secrets hidden; empty if a store was given.
        reference: the URL as it was given; empty if it has a secret in it, or a store was given.
        state: of files, what changes when their content does: pages are counted by bytes.
    """

    backend: str
    identity: str
    url: str = ""
    reference: str = ""
    state: str = ""

    @property
    def shown(self) -> str:
        """The place for messages and reports."""
        return self.url or self.identity


def place_of(store: Store, reference: str = "") -> Place:
    """The place of a store that was opened from `reference` (if it is a URL)."""
    given = bool(reference) and not reference.startswith("store:")
    engine = inside(store.database)
    return Place(
        backend=store.database.name,
        identity=identity_of(store.database),
        url=hidden(reference) if given else "",
        reference=reference if given and not has_secret(reference) else "",
        state=engine.fingerprint() if hasattr(engine, "fingerprint") else "",
    )


# What tells one place from another, among the settings of all engines.
_PATHS: Final = frozenset({"data_dir", "folder", "path"})
_PLACES: Final = _PATHS | {
    "account", "bucket", "container", "database", "endpoint", "host", "hosts", "keyspace",
    "name", "port", "region", "schema", "server",
}  # fmt: skip


def is_private(store: Store) -> bool:
    """Whether the store's documents cannot be seen by any other connection."""
    return _is_private(inside(store.database))


def identity_of(engine: Any) -> str:
    """Where an engine keeps its documents: the same text for the same place, without secrets.

    What is around the engine does not matter.
    """
    engine = inside(engine)
    name, settings = engine.name, _settings(engine)
    if settings is None or _is_private(engine):
        return f"{name}:{id(engine):x}"
    parts = [
        f"{field}={_plain(field, value)}"
        for field in settings.__struct_fields__
        if field in _PLACES and (value := getattr(settings, field)) is not None
    ]
    return f"{name}:" + (",".join(parts) or f"{id(engine):x}")


def _is_private(engine: Any) -> bool:
    path = getattr(_settings(engine), "path", "")
    return not engine.capabilities.persistent or path == ":memory:"


def _settings(engine: Any) -> Settings | None:
    settings = getattr(engine, "settings", None) or getattr(engine, "_settings", None)
    return settings if isinstance(settings, Settings) else None


def _plain(field: str, value: Any) -> str:
    if (field in _PATHS or isinstance(value, Path)) and "://" not in str(value):
        return str(Path(value).expanduser().resolve())
    return str(value.value if isinstance(value, Enum) else value)
