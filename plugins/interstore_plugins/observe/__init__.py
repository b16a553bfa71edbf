"""The plugin ``observe``: logs, figures, spans and metrics of what a store does; its health.

Nothing that it tells holds a value of a document or of a filter, an id, or a secret.

    from interstore_plugins.observe import JsonFormatter, correlation, health_app, timer
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from interstore.plugins import hookimpl
from interstore_plugins.observe.settings import ObserveSettings

if TYPE_CHECKING:
    import click

    from interstore import AsyncDatabase, Database
    from interstore.plugins import Observer, Route
    from interstore_plugins.observe.health import health_app
    from interstore_plugins.observe.logs import JsonFormatter, correlation
    from interstore_plugins.observe.timing import timer, timers

__all__ = ["JsonFormatter", "ObserveSettings", "correlation", "health_app", "timer", "timers"]

_PLACES = {
    "JsonFormatter": "logs",
    "correlation": "logs",
    "health_app": "health",
    "timer": "timing",
    "timers": "timing",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)


@hookimpl
def interstore_settings() -> type[ObserveSettings]:
    """Variables that begin with ``OBSERVE_``."""
    return ObserveSettings


@hookimpl
def interstore_observe(settings: ObserveSettings) -> Observer:
    """Figures, logs, and metrics of OpenTelemetry where those are collected."""
    from interstore_plugins.observe.observer import StoreObserver

    return StoreObserver(settings)


@hookimpl
def interstore_wrap(database: Database, settings: ObserveSettings) -> Database | None:
    """Spans, and plans of slow queries; nothing if neither is wanted."""
    from interstore_plugins.observe.spans import spans_in_force

    spans = spans_in_force(settings)
    if spans is None and not settings.plan:
        return None
    from interstore_plugins.observe._sync.tracing import Tracing

    return Tracing(database, settings, spans)


@hookimpl
def interstore_wrap_async(
    database: AsyncDatabase, settings: ObserveSettings
) -> AsyncDatabase | None:
    """Likewise."""
    from interstore_plugins.observe.spans import spans_in_force

    spans = spans_in_force(settings)
    if spans is None and not settings.plan:
        return None
    from interstore_plugins.observe._async.tracing import AsyncTracing

    return AsyncTracing(database, settings, spans)


@hookimpl
def interstore_commands() -> Sequence[click.Command]:
    """``serve-health``."""
    from interstore_plugins.observe.command import serve_health

    return [serve_health]


@hookimpl
def interstore_routes(stores: Mapping[str, Any]) -> Mapping[str, Route]:
    """``/metrics``."""
    from interstore_plugins.observe.prometheus import metrics_route

    return {"/metrics": metrics_route(stores)}
