"""What the plugin `cache` takes and saves: beside the engine, and beside other caches."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from importlib.util import find_spec
from typing import Any, Final

import interstore
from interstore import Store
from interstore_plugins.cache import AsyncCache
from tests.benchmarks.contenders.ours import MODEL
from tests.benchmarks.data import COUNTRY, Dataset
from tests.benchmarks.measure import Case, Prepare
from tests.benchmarks.suites import Context, Suite

__all__ = ["SUITES"]

_STORES: Final = "Cache: a store with it over one without"
_FUNCTIONS: Final = "Cache: results of functions, in tasks"

KEYS: Final = 1_000


def _stores(context: Context) -> Iterator[Case]:
    data = Dataset(context.sizes.real)
    places: dict[str, Callable[[], str]] = {
        "SQLite": lambda: f"sqlite:{context.new_folder('cached') / 'a.db'}",
        "PostgreSQL": lambda: context.new_postgresql("cached"),
    }
    for engine, place in places.items():
        names = [f"{kind}, {engine}" for kind in ("hit", "answer to a filter", "update")]
        names.append(f"hit on the shared server, {engine}")
        if not any(context.wants(_STORES, name) for name in names):
            continue
        url = place()
        bare, cached = _store(context, url, None), _store(context, url, {})
        bare.create_many(MODEL, data.documents)
        shared = _store(context, url, {"url": context.servers.valkey.url, "local": False})
        calls = {
            names[0]: (_reads(cached, data), _reads(bare, data)),
            names[1]: (_finds(cached), _finds(bare)),
            names[2]: (_updates(cached, data), _updates(bare, data)),
            names[3]: (_reads(shared, data), _reads(bare, data)),
        }
        for name, (ours, without) in calls.items():
            if context.wants(_STORES, name):
                yield Case(name, {"Interstore": ours, "without": without})


def _store(context: Context, url: str, settings: dict[str, Any] | None) -> Store:
    plugins = {} if settings is None else {"cache": settings}
    return context.closing.enter_context(interstore.connect(url, plugins=plugins))


def _reads(store: Store, data: Dataset) -> Prepare:
    def prepare(n: int) -> Callable[[], None]:
        ids = list(data.ids(min(n, KEYS)))
        wanted = [ids[number % len(ids)] for number in range(n)]
        store.find_by_ids(MODEL, ids)
        for id in ids:
            store.find_by_id(MODEL, id)

        def run() -> None:
            for id in wanted:
                store.find_by_id(MODEL, id)

        return run

    return prepare


def _finds(store: Store) -> Prepare:
    def prepare(n: int) -> Callable[[], None]:
        def run() -> None:
            for _ in range(n):
                store.find(MODEL, {"country": COUNTRY}, limit=10).to_list()

        return run

    return prepare


def _updates(store: Store, data: Dataset) -> Prepare:
    def prepare(n: int) -> Callable[[], None]:
        ids = list(data.ids(n))

        def run() -> None:
            for id in ids:
                store.update(MODEL, id, {"$inc": {"seen": 1}})

        return run

    return prepare


def _functions(context: Context) -> Iterator[Case]:
    name = "hit"
    if not context.wants(_FUNCTIONS, name):
        return
    runner = context.closing.enter_context(asyncio.Runner())
    contenders: dict[str, Prepare] = {"Interstore": _hits(runner, _ours(runner, context))}
    for rival, make in (("cashews", _cashews), ("aiocache", _aiocache)):
        if find_spec(rival) is None:
            context.say(f"{rival} is left out: it is not installed (uv run --group bench)")
        else:
            contenders[rival] = _hits(runner, make())
    yield Case(name, contenders)


async def _load(number: int) -> dict[str, Any]:
    return {"number": number, "name": f"name {number}", "tags": ["a", "b"], "deep": {"x": 1.5}}


def _ours(runner: asyncio.Runner, context: Context) -> Callable[[int], Awaitable[Any]]:
    cache = AsyncCache()
    runner.run(cache.open())
    context.closing.callback(lambda: runner.run(cache.close()))
    return cache.cacheable("n:{number}")(_load)


def _cashews() -> Callable[[int], Awaitable[Any]]:
    from cashews import Cache  # type: ignore[import-not-found, unused-ignore]

    cache = Cache()
    cache.setup("mem://")
    cached: Callable[[int], Awaitable[Any]] = cache(ttl="5m", key="n:{number}")(_load)
    return cached


def _aiocache() -> Callable[[int], Awaitable[Any]]:
    from aiocache import (  # type: ignore[import-not-found, import-untyped, unused-ignore]
        cached,
    )

    found: Callable[[int], Awaitable[Any]]
    found = cached(ttl=300, key_builder=lambda function, number: f"n:{number}")(_load)
    return found


def _hits(runner: asyncio.Runner, call: Callable[[int], Awaitable[Any]]) -> Prepare:
    def prepare(n: int) -> Callable[[], None]:
        async def ask() -> None:
            for number in range(n):
                await call(number % KEYS)

        runner.run(ask())

        def run() -> None:
            runner.run(ask())

        return run

    return prepare


SUITES: Final = (
    Suite(lambda _: _STORES, _stores),
    Suite(lambda _: _FUNCTIONS, _functions),
)
