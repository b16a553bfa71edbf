"""`connect` and `connect_async`: from what is said about a store to the store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from interstore import discovery
from interstore.backend import Backend
from interstore.errors import ConfigurationError
from interstore.settings.base import fields_of
from interstore.settings.choose import Choice, choose
from interstore.settings.environment import ENABLE_CACHE, PLUGINS, Environment
from interstore.settings.resolve import Resolved, resolve, warn_of_default
from interstore.settings.scrub import scrubbed, scrubbed_async
from interstore.settings.secret import Secret

if TYPE_CHECKING:
    from interstore._async.database import AsyncDatabase
    from interstore._async.store import AsyncStore
    from interstore._sync.database import Database
    from interstore._sync.store import Store
    from interstore.plugins.active import Active, Named

__all__ = [
    "connect",
    "connect_async",
    "open_existing",
    "open_resolved",
    "plugins_in_force",
    "settings_in_force",
    "unconnected",
]

D = TypeVar("D")


def connect(
    url: str | Secret | None = None,
    *,
    type: str | None = None,
    database: Database | None = None,
    plugins: Named | None = None,
    sweep_every: float | None = None,
    **options: Any,
) -> Store:
    """Connect to an engine.

    What is not said here is taken from ``DATABASE_URL``, else from ``DATABASE_TYPE`` and its
    parts, in the environment or a `.env` file of the working directory. If nothing at all
    names an engine, documents are JSON files in `./data`, with a warning that says where.
    `interstore config` shows what is in force, and why.

    Args:
        url: ``"sqlite:///data.db"``, or a native connection string together with `type`.
        type: the engine's name, as ``DATABASE_TYPE`` has it.
        database: a database of your own making, instead of all the rest but `plugins`.
        plugins: what wraps and observes the store, outermost first, instead of what
            ``INTERSTORE_PLUGINS`` names: names, or a mapping from them to their settings
            (``{"retry": {"deadline": 5}}``). An object that implements hooks may stand for
            a name.
        sweep_every: seconds between sweeps for documents that have expired, in a thread of
            their own, while the store is open; by default there are none.
        **options: settings of the engine, by the names that `interstore config` shows.

    Returns:
        The store, connected. It is a context manager that closes it.

    Raises:
        ConfigurationError: a setting is unknown, of the wrong type, or contradicts another.
        MissingDriverError: the engine's driver is not installed.
        UnavailableError: the engine cannot be reached.
        PermissionDeniedError: it does not let us in.
    """
    active = plugins_in_force(plugins)
    if database is None:
        resolved = settings_in_force(url, type=type, **options)
        secrets = (*resolved.secrets, *_secrets_of(active))
        return _connected(unconnected(resolved, active), secrets, sweep_every)
    _nothing_else(url, type, options)
    return _connected(_store(database, active), _secrets_of(active), sweep_every)


def open_existing(
    url: str | Secret | None = None, plugins: Sequence[Active] | None = None
) -> Store:
    """Connect to a store that is there already, to read from it.

    An embedded store that is not there is an error, instead of a new and empty one.

    Args:
        url: where it is; by default, as the environment says.
        plugins: what is around it; by default, what the environment names.
    """
    resolved = settings_in_force(url)
    if "auto_create" in resolved.settings.__struct_fields__:
        settings = msgspec.structs.replace(resolved.settings, auto_create=False)
        resolved = replace(resolved, settings=settings)
    return open_resolved(resolved, plugins_in_force() if plugins is None else plugins)


def open_resolved(resolved: Resolved, plugins: Sequence[Active] = ()) -> Store:
    """Connect with settings that were resolved before."""
    secrets = (*resolved.secrets, *_secrets_of(plugins))
    return _connected(unconnected(resolved, plugins), secrets)


def unconnected(resolved: Resolved, plugins: Sequence[Active] = ()) -> Store:
    """The store, without a connection."""
    return _store(_sync_database(resolved), plugins)


def plugins_in_force(
    plugins: Named | None = None, environment: Environment | None = None
) -> tuple[Active, ...]:
    """The plugins that `connect` with the same argument would use, outermost first."""
    if environment is None:
        environment = Environment.current()
    named = environment.get(PLUGINS) or environment.get(ENABLE_CACHE)
    if plugins is None and named is None:
        return ()
    from interstore.plugins.active import activate

    return activate(plugins, environment)


def _secrets_of(plugins: Sequence[Active]) -> tuple[Secret, ...]:
    return tuple(secret for active in plugins for secret in active.secrets)


def _store(database: Database, plugins: Sequence[Active]) -> Store:
    from interstore._sync.store import Store

    if not plugins:
        return Store(database)
    from interstore.plugins.apply import applied

    made = scrubbed(applied, _secrets_of(plugins), database.name)
    return Store(*made(database, plugins))


def _async_store(database: AsyncDatabase, plugins: Sequence[Active]) -> AsyncStore:
    from interstore._async.store import AsyncStore

    if not plugins:
        return AsyncStore(database)
    from interstore.plugins.apply import applied_async

    made = scrubbed(applied_async, _secrets_of(plugins), database.name)
    return AsyncStore(*made(database, plugins))


def _connected(
    store: Store, secrets: Collection[Secret], sweep_every: float | None = None
) -> Store:
    operations = store.database
    if sweep_every is not None:
        store.sweep_in_background(sweep_every)
    _replace(operations, "connect", scrubbed(operations.connect, secrets, operations.name))
    store.connect()
    return store


def connect_async(
    url: str | Secret | None = None,
    *,
    type: str | None = None,
    database: AsyncDatabase | None = None,
    plugins: Named | None = None,
    sweep_every: float | None = None,
    **options: Any,
) -> AsyncStore:
    """Connect to an engine, for asyncio: ``async with connect_async(...) as store``.

    It is not awaited itself. Settings are read and refused at once; the connection is made on
    entering the ``async with`` block, or by ``await store.connect()``, where the last two
    errors below are raised.

    Args:
        url: as for `connect`.
        type: as for `connect`.
        database: as for `connect`, but an asynchronous one.
        plugins: as for `connect`.
        sweep_every: as for `connect`, in a task.
        **options: as for `connect`.

    Raises:
        ConfigurationError, MissingDriverError, UnavailableError, PermissionDeniedError: as
            for `connect`.
    """
    active = plugins_in_force(plugins)
    secrets = _secrets_of(active)
    if database is not None:
        _nothing_else(url, type, options)
    else:
        resolved = settings_in_force(url, type=type, **options)
        database, secrets = _async_database(resolved), (*resolved.secrets, *secrets)
    store = _async_store(database, active)
    if sweep_every is not None:
        store.sweep_in_background(sweep_every)
    operations = store.database
    _replace(operations, "connect", scrubbed_async(operations.connect, secrets, operations.name))
    return store


def settings_in_force(
    url: str | Secret | None = None,
    *,
    type: str | None = None,
    environment: Environment | None = None,
    **options: Any,
) -> Resolved:
    """What `connect` with the same arguments would use, without making a connection."""
    if environment is None:
        environment = Environment.current()
    choice = choose(url, type, environment)
    # First, because a typo may be why what follows fails.
    environment.warn_of_typos(
        [name for field in fields_of(choice.backend.settings) for name in field.variables],
        stacklevel=3,
    )
    secrets = _possible_secrets(choice, options, environment)
    resolved = scrubbed(resolve, secrets, choice.backend.name)(choice, options, environment)
    warn_of_default(resolved, stacklevel=3)
    return resolved


def _possible_secrets(
    choice: Choice, options: dict[str, Any], environment: Environment
) -> list[Secret | str]:
    found: list[Secret | str] = [] if choice.url is None else [*choice.url.secrets()]
    for field in fields_of(choice.backend.settings):
        if field.secret:
            variable = environment.get(field.variables)
            given = (options.get(field.name), variable.value if variable else None)
            found += [value for value in given if isinstance(value, (str, Secret))]
    return found


def _sync_database(resolved: Resolved) -> Database:
    backend = resolved.choice.backend
    if backend.database is not None:
        return _made(backend, backend.database, resolved)
    from interstore.bridge import to_sync

    assert backend.async_database is not None
    return to_sync(_made(backend, backend.async_database, resolved))


def _async_database(resolved: Resolved) -> AsyncDatabase:
    backend = resolved.choice.backend
    if backend.async_database is not None:
        return _made(backend, backend.async_database, resolved)
    from interstore.bridge import to_async

    assert backend.database is not None
    return to_async(_made(backend, backend.database, resolved))


def _made(backend: Backend, make: Callable[[Any], D], resolved: Resolved) -> D:
    def guarded() -> D:
        try:
            return make(resolved.settings)
        except ImportError as error:
            raise _not_importable(backend, error) from None

    return scrubbed(guarded, resolved.secrets, backend.name)()


def _not_importable(backend: Backend, error: ImportError) -> ConfigurationError:
    if discovery.missing_drivers(backend):
        return discovery.missing_driver(backend)
    cure = f': pip install "{backend.install}"' if backend.install else ""
    return ConfigurationError(
        f"the engine {backend.name!r} cannot be imported ({error}){cure}", backend=backend.name
    )


def _nothing_else(url: Any, type: Any, options: Collection[str]) -> None:
    if url is not None or type is not None or options:
        raise ConfigurationError(
            "database= brings an engine with its settings: nothing but plugins= can be given with "
            "it"
        )


def _replace(operations: object, name: str, method: Callable[..., Any]) -> None:
    # Operations are bound at construction, each as an attribute of the instance.
    setattr(operations, name, method)
