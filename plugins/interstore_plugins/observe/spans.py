"""Spans and metrics of OpenTelemetry, by its semantic conventions for databases.

https://opentelemetry.io/docs/specs/semconv/database/ (stable since 1.33.0): names and units of
what is recorded. No value, no text of a query, no id is.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from interstore._version import __version__
from interstore.errors import ConfigurationError
from interstore.plugins import Operation
from interstore_plugins.observe.settings import ObserveSettings

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter
    from opentelemetry.trace import Span, Tracer

__all__ = ["Metrics", "Spans", "metrics_in_force", "spans_in_force"]

_SYSTEMS: Final = {"cosmosdb": "azure.cosmosdb"}
"""Engines that the conventions call otherwise."""

_BULK: Final = frozenset({"create_many", "put_many", "write_page", "find_by_ids"})
_BUCKETS: Final = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10)
"""The conventions' advice for durations, in seconds."""


def _attributes(operation: str, backend: str, model: str | None) -> dict[str, Any]:
    summary = operation if model is None else f"{operation} {model}"
    attributes: dict[str, Any] = {
        "db.system.name": _SYSTEMS.get(backend, backend),
        "db.operation.name": operation,
        "db.query.summary": summary,
    }
    if model is not None:
        attributes["db.collection.name"] = model
    return attributes


class Spans:
    """Makes a span of each operation, which is the current one while it runs."""

    def __init__(self, tracer: Tracer) -> None:
        from opentelemetry.trace import SpanKind, StatusCode

        self._tracer = tracer
        self._kind, self._failed = SpanKind.CLIENT, StatusCode.ERROR

    @contextmanager
    def span(self, operation: str, backend: str, args: tuple[Any, ...]) -> Generator[Span]:
        """The span of an operation; an error that goes through it is noted by its name."""
        model = args[0] if args and isinstance(args[0], str) else None
        attributes = _attributes(operation, backend, model)
        if operation in _BULK and len(args[1]) > 1:
            attributes["db.operation.batch.size"] = len(args[1])
        with self._tracer.start_as_current_span(
            attributes["db.query.summary"],
            kind=self._kind,
            attributes=attributes,
            record_exception=False,  # its message may hold a value or an id
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(self._failed)
                raise


class Metrics:
    """Records each operation in histograms."""

    def __init__(self, meter: Meter) -> None:
        self._durations = meter.create_histogram(
            "db.client.operation.duration",
            unit="s",
            description="Duration of database client operations.",
            explicit_bucket_boundaries_advisory=_BUCKETS,
        )
        self._rows = meter.create_histogram(
            "db.client.response.returned_rows",
            unit="{row}",
            description="The actual number of records returned by the database operation.",
        )
        self._charges = meter.create_histogram(
            "azure.cosmosdb.client.operation.request_charge",
            unit="{request_unit}",
            description="Request units consumed by the operation.",
        )

    def record(self, operation: Operation) -> None:
        """One operation has ended."""
        attributes = _attributes(operation.name, operation.backend, operation.model)
        if operation.error is not None:
            attributes["error.type"] = type(operation.error).__name__
        self._durations.record(operation.seconds, attributes)
        if operation.count is not None and operation.name.startswith(("find", "scan")):
            self._rows.record(operation.count, attributes)
        if operation.request_units is not None:
            self._charges.record(operation.request_units, attributes)


def spans_in_force(settings: ObserveSettings) -> Spans | None:
    """What makes spans, if they are wanted.

    Raises:
        ConfigurationError: OpenTelemetry is wanted, and not installed.
    """
    if not _is_wanted(settings):
        return None
    from opentelemetry import trace

    is_set_up = not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
    if settings.telemetry == "auto" and not is_set_up:
        return None
    return Spans(trace.get_tracer("interstore", __version__))


def metrics_in_force(settings: ObserveSettings) -> Metrics | None:
    """What records metrics, if they are wanted; errors as of `spans_in_force`."""
    if not _is_wanted(settings):
        return None
    from opentelemetry import metrics

    # Until the program sets a provider, there is a stand-in, whose name is not public.
    is_set_up = "Proxy" not in type(metrics.get_meter_provider()).__name__
    if settings.telemetry == "auto" and not is_set_up:
        return None
    return Metrics(metrics.get_meter("interstore", __version__))


def _is_wanted(settings: ObserveSettings) -> bool:
    if settings.telemetry == "off":
        return False
    if settings.telemetry == "auto":
        return "opentelemetry.sdk" in sys.modules  # else nothing has set it up
    try:
        import opentelemetry.trace as _  # noqa: F401
    except ImportError as error:
        raise ConfigurationError(
            "OBSERVE_TELEMETRY=on needs OpenTelemetry: pip install 'interstore[opentelemetry]'"
        ) from error
    return True
