"""`health_app`: an ASGI application that tells whether stores answer."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any, Final, TypeAlias

import msgspec

from interstore import AsyncStore, Store
from interstore.errors import InterstoreError
from interstore.plugins import Reply, Route
from interstore.stats import Stats
from interstore_plugins.observe.prometheus import metrics_route

__all__ = ["HealthApp", "health_app"]

_log: Final = logging.getLogger("interstore.health")
_encode: Final = msgspec.json.Encoder(enc_hook=str).encode

_Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]
_Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]


def health_app(
    stores: Store | AsyncStore | Mapping[str, Any], *, timeout: float = 5.0
) -> HealthApp:
    """An ASGI application to be served by itself, or mounted into another.

    - ``/health``: whether each store answers, and how fast; status 503 if one does not.
    - ``/stats``: the documents of each, and the figures that plugins keep.
    - ``/metrics``: the figures, for Prometheus.
    - what the plugins of the stores add (`interstore.hookspecs.interstore_routes`).

    It tells no secret, no address, no value of a document, and no message of an error.

    Args:
        stores: one, or several by their names. An `AsyncStore` is used on the event loop that
            serves the application. A function that returns a connected `Store` may stand
            for one: it is called until it succeeds.
        timeout: seconds after which a store that has not answered is failing.
    """
    named = dict(stores) if isinstance(stores, Mapping) else {"store": stores}
    return HealthApp(named, timeout)


class HealthApp:
    """See `health_app`."""

    def __init__(self, stores: dict[str, Any], timeout: float) -> None:
        self._stores = stores
        self._timeout = timeout
        self._pings: dict[str, asyncio.Task[None]] = {}

    async def __call__(self, scope: dict[str, Any], receive: _Receive, send: _Send) -> None:
        """Serve one connection (ASGI 3)."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] != "http":
            return
        reply = await self._answer(scope["method"], _path_of(scope))
        body = reply.body.encode() if isinstance(reply.body, str) else reply.body
        headers = [
            (b"content-type", reply.content_type.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
        ]
        if reply.status == 405:
            headers.append((b"allow", b"GET, HEAD"))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        sent = b"" if scope["method"] == "HEAD" else body
        await send({"type": "http.response.body", "body": sent})

    async def _answer(self, method: str, path: str) -> Reply:
        route = self._routes().get(path)
        if route is None:
            known = ", ".join(sorted(self._routes()))
            return _json({"error": f"there is no {path!r:.80}; there are {known}"}, 404)
        if method not in ("GET", "HEAD"):
            return _json({"error": f"{path} is read by GET"}, 405)
        try:
            answer = route()
            return await answer if inspect.isawaitable(answer) else answer
        except Exception:  # noqa: BLE001 - of whichever plugin; the others go on
            _log.exception("the route %s failed", path)
            return _json({"error": "the route failed; see the log"}, 500)

    def _routes(self) -> dict[str, Route]:
        opened = {name: store for name, store in self._stores.items() if not callable(store)}
        routes: dict[str, Route] = {"/metrics": metrics_route(opened)}
        for store in opened.values():
            for layer in store.plugins:
                routes |= layer.plugin.call("interstore_routes", stores=opened) or {}
        return routes | {"/health": self._health, "/stats": self._stats}

    async def _health(self) -> Reply:
        found = await asyncio.gather(*(self._examine(name) for name in self._stores))
        is_well = all(each["status"] == "ok" for each in found)
        told = {
            "status": "ok" if is_well else "failing",
            "stores": dict(zip(self._stores, found, strict=True)),
        }
        return _json(told, 200 if is_well else 503)

    async def _examine(self, name: str) -> dict[str, Any]:
        started = perf_counter()
        told: dict[str, Any] = {"status": "failing"}
        task = self._pings.get(name)
        if task is None or task.done():  # one that hangs is not joined by more
            task = self._pings[name] = asyncio.ensure_future(self._ping(name))
        try:
            await asyncio.wait_for(asyncio.shield(task), self._timeout)
        except TimeoutError:
            told["error"] = f"no answer within {self._timeout:g} seconds"
        except InterstoreError as error:
            told["error"] = type(error).__name__
        except Exception as error:  # noqa: BLE001 - of whichever engine
            _log.exception("the store %s cannot be examined", name)
            told["error"] = type(error).__name__
        else:
            told["status"] = "ok"
        told["seconds"] = round(perf_counter() - started, 6)
        if not callable(self._stores[name]):
            told["backend"] = self._stores[name].database.name
        return told

    async def _ping(self, name: str) -> None:
        store: Any = self._stores[name]
        if callable(store):
            store = self._stores[name] = await asyncio.to_thread(store)
        await _called(store, store.ping)

    async def _stats(self) -> Reply:
        told = {name: await self._figures(store) for name, store in self._stores.items()}
        return _json({"stores": told})

    async def _figures(self, store: Any) -> dict[str, Any]:
        if callable(store):
            return {"error": "not connected yet: ask /health"}
        figures: dict[str, Any] = {
            "backend": store.database.name,
            "plugins": {
                layer.plugin.name: layer.metrics()
                for layer in store.plugins
                if layer.metrics is not None
            },
        }
        try:
            stats: Stats = await _called(store, store.stats)
        except InterstoreError as error:
            figures["error"] = type(error).__name__
            return figures
        # `details` and `notes` name files and servers.
        told = ("version", "models", "bytes", "pool", "request_units")
        return figures | {name: getattr(stats, name) for name in told}


async def _called(store: Any, function: Callable[..., Any], *args: Any) -> Any:
    if isinstance(store, Store):
        return await asyncio.to_thread(function, *args)
    return await function(*args)


def _path_of(scope: Mapping[str, Any]) -> str:
    """The path within the application, wherever it is mounted."""
    path: str = scope["path"]
    root: str = scope.get("root_path") or ""
    if root and path.startswith(root):
        path = path[len(root) :]
    return path.rstrip("/") or "/"


def _json(value: Any, status: int = 200) -> Reply:
    return Reply(_encode(value), status=status)


async def _live(receive: _Receive, send: _Send) -> None:
    """Answer the server's start and its end."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
