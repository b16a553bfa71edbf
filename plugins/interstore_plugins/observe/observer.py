"""`StoreObserver`: what is told of each operation of one store."""

from __future__ import annotations

import logging
from typing import Any, Final

from interstore.plugins import Operation
from interstore_plugins.observe.figures import Figures
from interstore_plugins.observe.settings import ObserveSettings
from interstore_plugins.observe.shapes import shape_of_query
from interstore_plugins.observe.spans import metrics_in_force

__all__ = ["StoreObserver"]

_log: Final = logging.getLogger("interstore.operations")
_slow: Final = logging.getLogger("interstore.slow")


class StoreObserver:
    """Keeps figures, writes logs, and feeds the metrics of OpenTelemetry.

    Attributes:
        figures: by operation and model.
        backend: the engine's name, once an operation has told it.
    """

    def __init__(self, settings: ObserveSettings) -> None:
        self.figures = Figures()
        self.backend = ""
        self._failed = settings.log != "none"
        self._all = settings.log == "all"
        self._slow = settings.slow or float("inf")
        self._metrics = metrics_in_force(settings)

    def __call__(self, operation: Operation) -> None:
        """One operation has ended."""
        self.backend = operation.backend
        seconds, error = operation.seconds, operation.error
        self.figures.add(
            operation.name,
            operation.model or "",
            seconds,
            operation.count or 0,
            operation.request_units or 0.0,
            error,
        )
        if self._metrics is not None:
            self._metrics.record(operation)
        if seconds >= self._slow:
            _slow.warning("slow operation: %s", operation.name, extra=_fields(operation))
        if self._all or (error is not None and self._failed):
            level = logging.INFO if error is None else logging.WARNING
            _log.log(level, "operation: %s", operation.name, extra=_fields(operation))

    def metrics(self) -> dict[str, Any]:
        """The figures, by operation and then by model; durations in seconds."""
        return self.figures.told()


def _fields(operation: Operation) -> dict[str, Any]:
    """What may be logged: no value, no id, no message of an error, which may hold either."""
    fields: dict[str, Any] = {
        "backend": operation.backend,
        "model": operation.model,
        "operation": operation.name,
        "seconds": round(operation.seconds, 6),
        "documents": operation.count,
    }
    if operation.query is not None:
        fields["filter"] = shape_of_query(operation.query)
    if operation.request_units is not None:
        fields["request_units"] = round(operation.request_units, 2)
    if operation.transaction is not None:
        fields["transaction"] = operation.transaction
    if operation.error is not None:
        fields["error"] = type(operation.error).__name__
    return fields
