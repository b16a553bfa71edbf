"""`open_blobs` and `open_blobs_async`: from what is said about a blob store to the store."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, cast

from interstore.blobs.backend import BlobBackend
from interstore.blobs.discovery import FSSPEC, find, missing_driver
from interstore.blobs.rules import BlobRules
from interstore.errors import ConfigurationError
from interstore.settings.base import fields_of
from interstore.settings.choose import Choice
from interstore.settings.environment import Environment, Variable
from interstore.settings.resolve import Resolved, resolve
from interstore.settings.scrub import scrubbed, scrubbed_async
from interstore.settings.secret import Secret
from interstore.settings.url import URL

if TYPE_CHECKING:
    from interstore.blobs._async.engine import AsyncBlobs
    from interstore.blobs._async.store import AsyncBlobStore
    from interstore.blobs._sync.engine import Blobs
    from interstore.blobs._sync.store import BlobStore

__all__ = ["BACKEND", "URL_VARIABLE", "blob_settings_in_force", "open_blobs", "open_blobs_async"]

BACKEND: Final = ("STORAGE_BACKEND",)
URL_VARIABLE: Final = ("STORAGE_URL",)
COMPRESSION: Final = ("STORAGE_COMPRESSION",)
DEFAULT: Final = "local"

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}\Z")
_SHARED: Final = ("AWS_", "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_ACCOUNT")

D = TypeVar("D")


def open_blobs(
    url: str | Secret | None = None,
    *,
    backend: str | None = None,
    name: str | None = None,
    rules: BlobRules | None = None,
    compression: Literal["gzip", "zstd"] | None = None,
    engine: Blobs | None = None,
    **options: Any,
) -> BlobStore:
    """Open a store for blobs.

    What is not said here is taken from ``STORAGE_URL``, else from ``STORAGE_BACKEND`` and the
    variables of its engine, in the environment or a `.env` file of the working directory. If
    nothing names an engine, blobs are files in ``LOCAL_STORAGE_PATH``, by default `./storage`.

    Args:
        url: ``"local:///folder"``, ``"s3://bucket/prefix"``, ``"memory:"``, or the URL of any
            fsspec filesystem that is installed.
        backend: the engine's name, as ``STORAGE_BACKEND`` has it.
        name: a store beside others: each variable ``X`` is then read as
            ``INTERSTORE_STORAGE_<NAME>_X``; credentials that are not said so, as ``X``.
        rules: what the store lets in; by default everything.
        compression: how contents of types that gain by it are kept; by default as
            ``STORAGE_COMPRESSION`` says, else as they are.
        engine: an engine of your own making, instead of `url`, `backend` and options.
        **options: settings of the engine.

    Returns:
        The store, open. It is a context manager that closes it.

    Raises:
        ConfigurationError: a setting is unknown, of the wrong type, or contradicts another.
        MissingDriverError: the engine's driver is not installed.
        UnavailableError: the engine cannot be reached.
        PermissionDeniedError: it does not let us in.
    """
    from interstore.blobs._sync.store import BlobStore

    secrets: tuple[Secret, ...] = ()
    if engine is None:
        resolved = blob_settings_in_force(url, backend=backend, name=name, **options)
        engine, secrets = _sync_engine(resolved), resolved.secrets
    else:
        _nothing_else(url, backend, options)
    compression = compression or compression_in_force(name)
    store = BlobStore(engine, name=name or "default", rules=rules, compression=compression)
    _replace(store, "connect", scrubbed(store.connect, secrets, engine.name))
    store.connect()
    return store


def open_blobs_async(
    url: str | Secret | None = None,
    *,
    backend: str | None = None,
    name: str | None = None,
    rules: BlobRules | None = None,
    compression: Literal["gzip", "zstd"] | None = None,
    engine: AsyncBlobs | None = None,
    **options: Any,
) -> AsyncBlobStore:
    """Open a store for blobs, for asyncio: ``async with open_blobs_async(...) as store``.

    It is not awaited itself. Settings are read and refused at once; the store is opened on
    entering the ``async with`` block, or by ``await store.connect()``.

    Args:
        url: as for `open_blobs`.
        backend: as for `open_blobs`.
        name: as for `open_blobs`.
        rules: as for `open_blobs`.
        compression: as for `open_blobs`.
        engine: as for `open_blobs`, but an asynchronous one.
        **options: as for `open_blobs`.

    Raises:
        ConfigurationError, MissingDriverError, UnavailableError, PermissionDeniedError: as
            for `open_blobs`.
    """
    from interstore.blobs._async.store import AsyncBlobStore

    secrets: tuple[Secret, ...] = ()
    if engine is None:
        resolved = blob_settings_in_force(url, backend=backend, name=name, **options)
        engine, secrets = _async_engine(resolved), resolved.secrets
    else:
        _nothing_else(url, backend, options)
    compression = compression or compression_in_force(name)
    store = AsyncBlobStore(engine, name=name or "default", rules=rules, compression=compression)
    _replace(store, "connect", scrubbed_async(store.connect, secrets, engine.name))
    return store


def compression_in_force(
    name: str | None = None, environment: Environment | None = None
) -> Literal["gzip", "zstd"] | None:
    """What the environment says of compression."""
    if environment is None:
        environment = Environment.current()
    found = (environment if name is None else _named(environment, name)).get(COMPRESSION)
    if found is None:
        return None
    if found.value == "gzip":
        return "gzip"
    if found.value == "zstd":
        return "zstd"
    raise ConfigurationError(f"{found} {found.value!r} is neither 'gzip' nor 'zstd'")


def blob_settings_in_force(
    url: str | Secret | None = None,
    *,
    backend: str | None = None,
    name: str | None = None,
    environment: Environment | None = None,
    **options: Any,
) -> Resolved:
    """What `open_blobs` with the same arguments would use, without opening anything."""
    if environment is None:
        environment = Environment.current()
    if name is not None:
        environment = _named(environment, name)
    choice = _choose(url, backend, environment, name)
    engine = choice.backend
    if engine.name == FSSPEC and backend is not None and backend != FSSPEC:
        options.setdefault("protocol", backend)  # of many that this engine serves
    secrets: list[Secret | str] = [] if choice.url is None else [*choice.url.secrets()]
    for field in fields_of(engine.settings):
        if field.secret:
            variable = environment.get(field.variables)
            given = (options.get(field.name), variable.value if variable else None)
            secrets += [value for value in given if isinstance(value, (str, Secret))]
    return scrubbed(resolve, secrets, engine.name)(choice, options, environment)


def _choose(
    url: str | Secret | None, backend: str | None, environment: Environment, name: str | None
) -> Choice:
    if isinstance(url, Secret):
        url = url.reveal()
    named, at = environment.get(BACKEND), environment.get(URL_VARIABLE)
    parsed, url_origin = None, ""
    if url is not None:
        parsed, url_origin = URL.parse(url), "argument"
    elif backend is None and at is not None:
        parsed, url_origin = URL.parse(at.value), str(at)
    engine, origin = _engine(parsed, url_origin, backend, named)
    if engine is None:
        if name is not None:
            raise ConfigurationError(
                f"nothing says where the store {name!r} is: set {_prefix(name)}{URL_VARIABLE[0]} "
                f"or {_prefix(name)}{BACKEND[0]}"
            )
        engine, origin = find(DEFAULT, "the engine"), "default"
    # The settings ask of a choice nothing but what both kinds of backends have.
    return Choice(cast("Any", engine), origin, parsed, url_origin)


def _engine(
    url: URL | None, url_origin: str, backend: str | None, named: Variable | None
) -> tuple[BlobBackend | None, str]:
    """The engine, and what named it."""
    said: BlobBackend | None = None
    origin = "argument"
    if backend is not None:
        said = find(backend, "backend")
    elif named is not None and url_origin != "argument":
        said, origin = find(named.value, str(named)), str(named)
    if url is None or not url.scheme:
        if url is not None and said is None:
            raise ConfigurationError(
                "the URL does not begin with a scheme and ':', so it does not say which engine it "
                "is for: write local:///folder or s3://bucket"
            )
        return said, origin
    meant = find(url.scheme, "the scheme of the URL")
    if said is not None and said.name != meant.name:
        raise ConfigurationError(
            f"the URL is one for {meant.name!r}, but {origin} says {said.name!r}: remove one of "
            "them",
            backend=said.name,
        )
    return meant, "URL"


class _NamedEnvironment(Environment):
    """Variables of one named store."""

    def __init__(self, environment: Environment, prefix: str) -> None:
        super().__init__({})
        self._all = environment
        self._prefix = prefix

    def get(self, names: Iterable[str]) -> Variable | None:
        names = tuple(names)
        own = self._all.get([self._prefix + name for name in names])
        shared = [name for name in names if name.startswith(_SHARED)]
        return own or (self._all.get(shared) if shared else None)


def _named(environment: Environment, name: str) -> Environment:
    if not _NAME.match(name):
        raise ConfigurationError(
            f"the store name {name!r} is not valid: a small letter, then up to 31 small letters, "
            "digits or '_'"
        )
    return _NamedEnvironment(environment, _prefix(name))


def _prefix(name: str) -> str:
    return f"INTERSTORE_STORAGE_{name.upper()}_"


def _sync_engine(resolved: Resolved) -> Blobs:
    backend = cast("BlobBackend", resolved.choice.backend)
    if backend.blobs is not None:
        return _made(backend, backend.blobs, resolved)
    from interstore.blobs.bridge import to_sync

    assert backend.async_blobs is not None
    return to_sync(_made(backend, backend.async_blobs, resolved))


def _async_engine(resolved: Resolved) -> AsyncBlobs:
    backend = cast("BlobBackend", resolved.choice.backend)
    if backend.async_blobs is not None:
        return _made(backend, backend.async_blobs, resolved)
    from interstore.blobs.bridge import to_async

    assert backend.blobs is not None
    return to_async(_made(backend, backend.blobs, resolved))


def _made(backend: BlobBackend, make: Callable[[Any], D], resolved: Resolved) -> D:
    def guarded() -> D:
        try:
            return make(resolved.settings)
        except ImportError as error:
            raise missing_driver(backend, error) from None

    return scrubbed(guarded, resolved.secrets, backend.name)()


def _nothing_else(url: Any, backend: Any, options: Mapping[str, Any]) -> None:
    if url is not None or backend is not None or options:
        raise ConfigurationError(
            "engine= brings an engine with its settings: only name=, rules= and compression= "
            "go with it"
        )


def _replace(store: object, name: str, method: Callable[..., Any]) -> None:
    # On the instance, so that nothing secret leaves with an error of connecting.
    setattr(store, name, method)
