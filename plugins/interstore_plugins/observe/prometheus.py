"""Figures as text, in the exposition format of Prometheus (0.0.4).

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from typing import Any, Final

from interstore.plugins import Reply
from interstore_plugins.observe.figures import BOUNDS, Figures, Series
from interstore_plugins.observe.observer import StoreObserver
from interstore_plugins.observe.timing import TIMERS

__all__ = ["CONTENT_TYPE", "metrics_route", "metrics_text"]

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_STEP: Final = 8
"""Every so many of `BOUNDS` is told: four times as long as the one before."""

_TYPES: Final = {
    "interstore_operation_duration_seconds": ("histogram", "How long operations took."),
    "interstore_operation_errors_total": ("counter", "Operations that failed, by error."),
    "interstore_operation_documents_total": ("counter", "Documents found or written."),
    "interstore_request_units_total": ("counter", "Request units that the engine asked for."),
    "interstore_timer_duration_seconds": ("histogram", "The application's own timers."),
    "interstore_plugin_figure": ("gauge", "What other plugins count."),
}


def metrics_route(stores: Mapping[str, Any]) -> Callable[[], Reply]:
    """Answers with `metrics_text`."""
    return lambda: Reply(metrics_text(stores), CONTENT_TYPE)


def metrics_text(stores: Mapping[str, Any]) -> str:
    """The figures of stores, by their names, and those of the timers."""
    families: dict[str, list[str]] = {name: [] for name in _TYPES}
    for name, store in stores.items():
        for layer in getattr(store, "plugins", ()):
            if isinstance(layer.observer, StoreObserver):
                _add_operations(families, name, layer.observer)
            elif layer.metrics is not None:
                _add_figures(families, name, layer.plugin.name, layer.metrics())
    _add_timers(families, TIMERS)
    return "".join(_family(name, lines) for name, lines in families.items() if lines)


def _family(name: str, lines: list[str]) -> str:
    kind, meaning = _TYPES[name]
    return f"# HELP {name} {meaning}\n# TYPE {name} {kind}\n" + "\n".join(lines) + "\n"


def _add_operations(families: dict[str, list[str]], store: str, observer: StoreObserver) -> None:
    for (operation, model), series in observer.figures.series().items():
        labels = {"store": store, "backend": observer.backend, "operation": operation,
                  "model": model}  # fmt: skip
        name = "interstore_operation_duration_seconds"
        families[name] += _histogram(name, labels, series)
        for error, number in series.errors.items():
            _add(families, "interstore_operation_errors_total", number, **labels, error=error)
        if series.documents:
            _add(families, "interstore_operation_documents_total", series.documents, **labels)
        if series.request_units:
            _add(families, "interstore_request_units_total", series.request_units, **labels)


def _add_timers(families: dict[str, list[str]], timers: Figures) -> None:
    name = "interstore_timer_duration_seconds"
    for (timer, checkpoint), series in timers.series().items():
        families[name] += _histogram(name, {"timer": timer, "checkpoint": checkpoint}, series)


def _add_figures(
    families: dict[str, list[str]], store: str, plugin: str, figures: Mapping[str, Any]
) -> None:
    for figure, value in figures.items():
        if isinstance(value, (int, float)):
            _add(families, "interstore_plugin_figure", value, store=store, plugin=plugin,
                 figure=figure)  # fmt: skip


def _add(families: dict[str, list[str]], name: str, value: float, **labels: str) -> None:
    families[name].append(f"{name}{_labels(labels)} {value}")


def _histogram(name: str, labels: dict[str, str], series: Series) -> Iterator[str]:
    totals = list(accumulate(series.buckets))
    for bound, total in list(zip(BOUNDS, totals, strict=False))[::_STEP]:
        yield f"{name}_bucket{_labels(labels | {'le': f'{bound:.6g}'})} {total}"
    yield f"{name}_bucket{_labels(labels | {'le': '+Inf'})} {series.count}"
    yield f"{name}_sum{_labels(labels)} {series.seconds}"
    yield f"{name}_count{_labels(labels)} {series.count}"


def _labels(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return re.sub(r'[\\"\n]', lambda match: {"\n": "\\n"}.get(match[0], f"\\{match[0]}"), value)
