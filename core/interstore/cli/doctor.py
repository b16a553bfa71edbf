"""`interstore doctor`: tries a store, step by step."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from interstore import discovery
from interstore.cli.backends import capability_names
from interstore.cli.group import FAILED
from interstore.cli.output import safe
from interstore.cli.store import url_option
from interstore.connection import open_resolved, plugins_in_force, settings_in_force
from interstore.errors import (
    ConfigurationError,
    CorruptionError,
    InterstoreError,
    OperationTimeoutError,
    PermissionDeniedError,
    UnavailableError,
)
from interstore.settings.resolve import Resolved
from interstore.settings.secret import Secret, redact

if TYPE_CHECKING:
    from interstore._sync.store import Store
    from interstore.stats import Stats

__all__ = ["doctor"]

T = TypeVar("T")

CURES: Final[tuple[tuple[type[InterstoreError], str], ...]] = (
    (ConfigurationError, "`interstore config` shows each setting and where it comes from"),
    (UnavailableError, "see that the server runs, and that host and port are right"),
    (OperationTimeoutError, "see that the server is not overloaded, or raise DATABASE_TIMEOUT"),
    (PermissionDeniedError, "see to user, password and rights; of files, to owner and mode"),
    (CorruptionError, "restore a backup; for JSON files, `interstore repair` after a copy"),
)


@click.command()
@url_option
@click.pass_context
def doctor(ctx: click.Context, url: str | None) -> None:
    """Try the store: find the engine, connect, write and read a document, clean up.

    The document lies in a model of its own, doctor-check-... Exit code 0 if all is well, 1 if
    something is not; then a line says what to do.
    """
    secrets: tuple[Secret, ...] = ()
    try:
        resolved = _step("settings", lambda: settings_in_force(url), _engine)
        secrets = resolved.secrets
        _examine(resolved)
    except InterstoreError as error:
        _failed(redact(str(error), secrets), error)
        ctx.exit(FAILED)
    except Exception as error:  # noqa: BLE001 - also the mistakes of an engine are findings
        _failed(redact(f"{type(error).__name__}: {error}", secrets), error)
        ctx.exit(FAILED)
    click.echo("all is well")


def _failed(message: str, error: Exception) -> None:
    click.echo(f"FAILED  {safe(message)}")
    cure = next((cure for kind, cure in CURES if isinstance(error, kind)), None)
    if cure is not None:
        click.echo(f"cure    {cure}")


def _examine(resolved: Resolved) -> None:
    _step("driver", lambda: _driver(resolved), str)
    plugins = plugins_in_force()
    if plugins:
        _step("plugins", lambda: [active.name for active in plugins], ", ".join)
    with _step("connect", lambda: open_resolved(resolved, plugins), lambda _: "") as store:
        _step("ping", store.ping, lambda seconds: f"{seconds * 1000:.2f} ms to answer")
        if store.capabilities.stats:
            stats = _step("stats", store.stats, _figures)
            for note in stats.notes:
                click.echo(f"note    {safe(note)}")
        _step("capabilities", lambda: capability_names(store.capabilities), ", ".join)
        if getattr(resolved.settings, "auto_create", True):
            _step("round trip", lambda: _round_trip(store), str)
        else:
            click.echo(
                "skipped round trip: it needs a model of its own, and auto_create "
                "(DATABASE_AUTO_CREATE) is off"
            )


def _step(name: str, do: Callable[[], T], tell: Callable[[T], str]) -> T:
    started = time.perf_counter()
    result = do()
    took = (time.perf_counter() - started) * 1000
    click.echo(f"ok      {name} ({took:.0f} ms) {safe(tell(result))}".rstrip())
    return result


def _engine(resolved: Resolved) -> str:
    choice = resolved.choice
    where = f", {choice.url}" if choice.url is not None else ""
    return f"{choice.backend.name} (named by: {choice.origin}){where}"


def _driver(resolved: Resolved) -> str:
    backend = resolved.choice.backend
    if discovery.missing_drivers(backend):
        raise discovery.missing_driver(backend)
    package = discovery.package_of(backend)
    return f"{package}, needs {', '.join(backend.drivers) or 'no driver'}"


def _figures(stats: Stats) -> str:
    figures: dict[str, Any] = {
        "version": stats.version,
        "documents": stats.documents,
        "models": len(stats.models),
        "indexes": stats.indexes,
        "bytes": stats.bytes,
        "request units": stats.request_units,
        **stats.details,
    }
    if stats.pool is not None:
        pool = stats.pool
        figures["connections"] = (
            f"{pool.in_use} in use, {pool.idle} idle, {pool.waiting} waited for, of {pool.size}"
        )
    return ", ".join(f"{name}: {value}" for name, value in figures.items() if value is not None)


def _round_trip(store: Store) -> str:
    model = f"doctor-check-{os.urandom(4).hex()}"
    try:
        _exercise(store, model)
    except InterstoreError:
        with suppress(InterstoreError):
            _remove(store, model)
        raise
    _remove(store, model)
    return "create, update, find, delete, count"


def _exercise(store: Store, model: str) -> None:
    made = store.create(model, {"text": "å\N{GRINNING FACE}", "number": 1})
    changed = store.update(model, made.id, {"$inc": {"number": 1}}, if_version=1)
    _expect("update", changed, {**made, "number": 2})
    _expect("find_by_id", store.find_by_id(model, made.id), changed)
    _expect("find", store.find(model, {"number": 2}).to_list(), [changed])
    _expect("delete", store.delete(model, made.id), True)
    _expect("count", store.count(model), 0)


def _expect(operation: str, found: object, expected: object) -> None:
    if found != expected:
        raise InterstoreError(f"{operation} gave {found!r}, not {expected!r}")


def _remove(store: Store, model: str) -> None:
    if store.capabilities.drop:
        store.drop(model)
    else:
        store.delete_many(model, {})
