# Generated from plugins/interstore_plugins/observe/_async/tracing.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 3ef46726fa367b03b1efeb76

"""`Tracing`: a span around each operation, and the plans of queries that were slow."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import perf_counter
from typing import Any, Final

from interstore import Database
from interstore.errors import InterstoreError
from interstore.plugins import Interceptor, count_of, query_of
from interstore_plugins.observe.settings import ObserveSettings
from interstore_plugins.observe.shapes import shape_of_query
from interstore_plugins.observe.spans import Spans

__all__ = ["Tracing"]

_slow: Final = logging.getLogger("interstore.slow")


class Tracing(Interceptor):
    """A database that tells OpenTelemetry of its operations while they run."""

    def __init__(self, database: Database, settings: ObserveSettings, spans: Spans | None) -> None:
        self._spans = spans
        self._slow = settings.slow if settings.plan and settings.slow else float("inf")
        super().__init__(database)

    def intercept(
        self,
        operation: str,
        call: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Within a span; and ask for the plan if it took long."""
        if operation == "read_changes":  # which waits, most of its time
            return call(*args, **kwargs)
        started = perf_counter()
        if self._spans is None:
            result = call(*args, **kwargs)
        else:
            with self._spans.span(operation, self.name, args) as span:
                result = call(*args, **kwargs)
                if operation == "find" and not isinstance(result, list):
                    result = list(result)
                count = count_of(operation, result)
                if count is not None and operation.startswith(("find", "scan")):
                    span.set_attribute("db.response.returned_rows", count)
        if perf_counter() - started >= self._slow:
            self._tell_plan(operation, args)
        return result

    def _tell_plan(self, operation: str, args: tuple[Any, ...]) -> None:
        query = query_of(args)
        explain = getattr(self.inner, "explain", None)
        if query is None or explain is None:
            return
        try:
            plan = explain(args[0], query)
        except InterstoreError as error:
            plan = f"not known ({type(error).__name__})"
        # In the words of Interstore: those of the engine hold the values of the query.
        fields = {"model": args[0], "filter": shape_of_query(query), "plan": str(plan)}
        _slow.warning("plan of a slow operation: %s", operation, extra=fields)
