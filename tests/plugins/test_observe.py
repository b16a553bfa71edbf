"""The plugin observe: figures, logs, spans and metrics; and nothing that must not be told."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

import interstore
from interstore import Store
from interstore.filters.parse import parse_filter
from interstore.plugins import Wrapper, hookimpl
from interstore_plugins.observe import JsonFormatter, correlation, timer, timers
from interstore_plugins.observe.figures import BOUNDS, Figures, Series
from interstore_plugins.observe.prometheus import metrics_text
from interstore_plugins.observe.shapes import shape_of
from tests.databases import memory, sqlite

CANARY = "canary-7f3a"


def opened(database: Any = None, **settings: Any) -> Store:
    return interstore.connect(database=database or memory(), plugins={"observe": settings})


# Figures.


def test_metrics() -> None:
    with opened() as store:
        store.create_many("m", [{"id": str(n), "n": n} for n in range(20)])
        for _ in range(9):
            store.find_by_id("m", "1")
        with pytest.raises(interstore.DuplicateError):
            store.create("m", {"id": "1"})
        told = store.metrics()["observe"]
    assert told["create_many"]["m"]["documents"] == 20
    assert told["find_by_id"]["m"]["count"] == 9
    assert told["create"]["m"]["errors"] == {"DuplicateError": 1}
    reads = told["find_by_id"]["m"]
    assert 0 < reads["p50"] <= reads["p95"] <= reads["p99"] <= reads["longest"] < reads["seconds"]
    json.dumps(told)


def test_percentiles() -> None:
    series = Series()
    for n in range(1, 1001):
        series.add(n / 1000, 1, 0.0, None)
    for share in (0.5, 0.95, 0.99):
        assert share <= series.percentile(share) <= share * 1.19
    assert series.percentile(1.0) == 1.0
    assert len(series.buckets) == len(BOUNDS) + 1
    series.add(10_000, 0, 0.0, None)
    assert series.percentile(1.0) == 10_000


def test_too_many_models() -> None:
    figures = Figures()
    for n in range(1500):
        figures.add("find", f"m{n}", 0.1)
    assert len(figures.series()) <= 1001
    assert figures.told()["find"]["(others)"]["count"] == 500


# Logs.


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [json.loads(JsonFormatter().format(record)) for record in caplog.records]


def test_failed_operations_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with opened() as store, correlation("request-1"):
        store.create("m", {"id": CANARY})
        with pytest.raises(interstore.DuplicateError):
            store.create("m", {"id": CANARY, "secret": CANARY})
        [line] = lines(caplog)
    assert line["error"] == "DuplicateError"
    assert (line["level"], line["operation"], line["model"]) == ("warning", "create", "m")
    assert line["correlation_id"] == "request-1"
    assert CANARY not in json.dumps(line)


def test_all_operations(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with opened(log="all") as store:
        store.find("m", {"name": CANARY, "n": {"$gt": 5}}, sort="-n", limit=3).to_list()
        store.count("m", {"tags": {"$has": CANARY}})
    found, counted = lines(caplog)
    assert found["filter"] == "name eq ? and n > ? sort -n limit 3"
    assert counted["filter"] == "tags has ?"
    assert found["documents"] == 0
    assert "correlation_id" not in found
    assert CANARY not in caplog.text + json.dumps([found, counted])


class Slow(Wrapper):
    def find(self, model: str, query: Any) -> Any:
        time.sleep(0.02)
        return self.inner.find(model, query)


def test_slow_operations(caplog: pytest.LogCaptureFixture) -> None:
    slow = hookimpl(specname="interstore_wrap")(lambda database: Slow(database))
    plugin = type("Slowing", (), {"interstore_wrap": staticmethod(slow)})()
    named = [("observe", {"slow": 0.01, "plan": True}), (plugin, {})]
    with interstore.connect(database=memory(), plugins=dict(named)) as store:
        store.find("m", {"name": CANARY}).to_list()
        store.find_by_id("m", "a")
    told = [line for line in lines(caplog) if line["logger"] == "interstore.slow"]
    assert [line["model"] for line in told] == ["m"] * len(told)
    assert told[-1]["filter"].startswith("name eq ?")
    assert told[-1]["seconds"] >= 0.01
    if getattr(store.capabilities, "explain", False):
        assert told[0]["plan"].startswith("memory ")
    assert CANARY not in json.dumps(told)


def test_an_exception_and_odd_fields() -> None:
    formatter = JsonFormatter()
    try:
        raise KeyError("x")
    except KeyError:
        record = logging.LogRecord("a", logging.ERROR, "f", 1, "m %s", ("n",), sys.exc_info())
    record.path = Path("here")
    line = json.loads(formatter.format(record))
    assert "KeyError" in line["exception"]
    assert (line["message"], line["path"]) == ("m n", "here")
    assert "\n" not in formatter.format(record)


@pytest.mark.parametrize(
    ("filter", "shape"),
    [
        ({}, ""),
        ({"a": 1}, "a eq ?"),
        ({"a.b": {"$gte": 1, "$lt": 5}}, "a.b >= ? < ?"),
        ({"$or": [{"a": 1}, {"b": "x"}]}, "a eq ? or b eq ?"),
        ({"a": 1, "$or": [{"b": 1}, {"c": 1}]}, "a eq ? and (b eq ? or c eq ?)"),
        ({"$not": {"a": 1}}, "not (a eq ?)"),
        ({"l": {"$elemMatch": {"x": 1}}}, "l elemMatch (x eq ?)"),
        ({"id": {"$in": ["a", "b"]}}, "id in ?"),
        ({"@version": {"$gt": 3}}, "@version > ?"),
    ],
)
def test_shapes(filter: Any, shape: str) -> None:
    assert shape_of(parse_filter(filter)) == shape


# OpenTelemetry.

SPANS = InMemorySpanExporter()
READER = InMemoryMetricReader()


@pytest.fixture
def telemetry() -> Iterator[None]:
    """Set up once: OpenTelemetry does not let it be undone."""
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(SPANS))
        trace.set_tracer_provider(provider)
        metrics.set_meter_provider(MeterProvider([READER]))
    SPANS.clear()
    yield
    SPANS.clear()


def spans() -> list[ReadableSpan]:
    # A store asks for a sweep when an id is taken.
    return [span for span in SPANS.get_finished_spans() if not span.name.startswith("sweep")]


@pytest.mark.usefixtures("telemetry")
def test_spans(tmp_path: Path) -> None:
    with opened(sqlite(tmp_path)) as store:
        store.create_many("m", [{"id": "a"}, {"id": "b"}])
        store.find("m", {"name": CANARY}).to_list()
        with pytest.raises(interstore.DuplicateError):
            store.create("m", {"id": "a", "text": CANARY})
        with store.transaction() as tx:
            tx.get("m", "a")
    created, found, failed, read = spans()
    assert created.name == "create_many m"
    assert created.kind is SpanKind.CLIENT
    assert dict(created.attributes or {}) == {
        "db.system.name": "sqlite",
        "db.operation.name": "create_many",
        "db.query.summary": "create_many m",
        "db.collection.name": "m",
        "db.operation.batch.size": 2,
    }
    assert (found.attributes or {})["db.response.returned_rows"] == 0
    assert (failed.attributes or {})["error.type"] == "DuplicateError"
    assert failed.status.status_code is StatusCode.ERROR
    assert read.name == "find_by_id m"
    assert CANARY not in "".join(span.to_json() for span in spans())


@pytest.mark.usefixtures("telemetry")
def test_a_span_has_those_within_it() -> None:
    """What is traced further inside is the child of the operation."""

    class Inside(Wrapper):
        def find_by_id(self, model: str, id: str) -> Any:
            with trace.get_tracer("driver").start_as_current_span("driver"):
                return self.inner.find_by_id(model, id)

    inside = hookimpl(specname="interstore_wrap")(lambda database: Inside(database))
    plugin = type("Driver", (), {"interstore_wrap": staticmethod(inside)})()
    with interstore.connect(database=memory(), plugins={"observe": {}, plugin: {}}) as store:
        store.find_by_id("m", "a")
    driver, operation = spans()
    assert driver.parent is not None
    assert operation.context is not None
    assert driver.parent.span_id == operation.context.span_id


@pytest.mark.usefixtures("telemetry")
async def test_spans_of_tasks() -> None:
    from tests.databases import memory_async

    async with interstore.connect_async(database=memory_async(), plugins="observe") as store:
        await store.create("m", {"id": "a"})
    [span] = spans()
    assert span.name == "create m"


@pytest.mark.usefixtures("telemetry")
def test_metrics_of_telemetry() -> None:
    with opened() as store:
        store.create("telemetry", {"id": "a"})
        store.find("telemetry").to_list()
    data = READER.get_metrics_data()
    assert data is not None
    found = {
        metric.name: metric
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    durations = found["db.client.operation.duration"]
    assert durations.unit == "s"
    names = {
        str((point.attributes or {})["db.query.summary"]) for point in durations.data.data_points
    }
    assert {"create telemetry", "find telemetry"} <= names
    assert "db.client.response.returned_rows" in found


@pytest.mark.usefixtures("telemetry")
def test_telemetry_off() -> None:
    with opened(telemetry="off") as store:
        store.create("m", {"id": "a"})
        assert store.plugins[0].wrapper is None
    assert spans() == []


# Timers, and the text for Prometheus.


def test_timers() -> None:
    with timer("test-import") as step:
        time.sleep(0.01)
        assert step.checkpoint("read") >= 0.01
        assert step.checkpoint("write") < 0.01
    told = timers()["test-import"]
    assert told["read"]["count"] == told["write"]["count"] == told[""]["count"] == 1
    assert told[""]["seconds"] >= told["read"]["seconds"] >= 0.01
    with pytest.raises(ZeroDivisionError), timer("test-import"):
        _ = 1 / 0
    assert timers()["test-import"][""]["errors"] == {"ZeroDivisionError": 1}


def test_prometheus_text() -> None:
    with interstore.connect(database=memory(), plugins="observe,retry") as store:
        store.create("m", {"id": "a"})
        store.find_by_id("m", "a")
        with pytest.raises(interstore.DuplicateError):
            store.create("m", {"id": "a"})
        text = metrics_text({'ma"in': store})
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    labels = '{store="ma\\"in",backend="memory",operation="create",model="m"'
    assert f"interstore_operation_duration_seconds_count{labels}}} 2" in samples
    assert f'interstore_operation_errors_total{labels},error="DuplicateError"}} 1' in samples
    assert f'interstore_operation_duration_seconds_bucket{labels},le="+Inf"}} 2' in samples
    assert 'interstore_plugin_figure{store="ma\\"in",plugin="retry",figure="attempts"} 0' in samples
    for line in text.splitlines():
        if line.startswith("# TYPE"):
            assert text.count(line) == 1
    buckets = [int(line.rpartition(" ")[2]) for line in samples
               if "_bucket" in line and 'operation="create"' in line]  # fmt: skip
    assert buckets == sorted(buckets)
