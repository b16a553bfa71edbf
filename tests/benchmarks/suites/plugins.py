"""What plugins add to a call: a store with them over one without, on the memory engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import interstore
from interstore import Store
from interstore.plugins import Wrapper, hookimpl
from tests.benchmarks.aims import Added
from tests.benchmarks.contenders.ours import MODEL
from tests.benchmarks.data import Dataset
from tests.benchmarks.measure import Case, Prepare
from tests.benchmarks.suites import Context, Suite

__all__ = ["SUITES"]

_TITLE: Final = "Plugins over a store without"


class _Dropping(Wrapper):
    """Overrides something that is not measured."""

    def drop(self, model: str) -> bool:
        return bool(self.inner.drop(model))


class _Wrapping:
    @hookimpl
    def interstore_wrap(self, database: Any) -> Any:
        return _Dropping(database)


class _Telling:
    @hookimpl
    def interstore_observe(self) -> Any:
        return lambda operation: None


_KINDS: Final[Mapping[str, Any]] = {
    "none named": [],
    "a wrapper that leaves it alone": [_Wrapping()],
    "an observer that does nothing": [_Telling()],
    "retry": ["retry"],
    "observe": ["observe"],
    "observe and retry": ["observe", "retry"],
}


def _cases(context: Context) -> Iterator[Case]:
    data = Dataset(context.sizes.real)
    bare = _store(context, [], data)
    for kind, plugins in _KINDS.items():
        store = _store(context, plugins, data)
        for name, call in (("find_by_id", _reads), ("count all", _counts)):
            case = f"{name}, {kind}"
            if context.wants(_TITLE, case):
                contenders: dict[str, Prepare] = {
                    "Interstore": call(store, data),
                    "without": call(bare, data),
                }
                free = kind in ("none named", "a wrapper that leaves it alone")
                yield Case(case, contenders, aims={"without": Added(1)} if free else {}, added=True)


def _store(context: Context, plugins: Any, data: Dataset) -> Store:
    store = context.closing.enter_context(interstore.connect("memory://", plugins=plugins))
    store.create_many(MODEL, data.documents)
    return store


def _reads(store: Store, data: Dataset) -> Prepare:
    def prepare(n: int) -> Callable[[], None]:
        ids, read = list(data.ids(n)), store.find_by_id

        def run() -> None:
            for id in ids:
                read(MODEL, id)

        return run

    return prepare


def _counts(store: Store, data: Dataset) -> Prepare:
    def prepare(n: int) -> Callable[[], None]:
        def run() -> None:
            for _ in range(n):
                store.count(MODEL)

        return run

    return prepare


SUITES: Final = (Suite(lambda _: _TITLE, _cases),)
