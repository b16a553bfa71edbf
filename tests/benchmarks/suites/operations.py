"""Suites of workloads: every operation, by every contender that has it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.benchmarks.aims import Aim
from tests.benchmarks.contenders import Contender, Durability
from tests.benchmarks.data import Dataset
from tests.benchmarks.measure import Case, Prepare
from tests.benchmarks.suites import Context, Sizes, Suite
from tests.benchmarks.workloads import Call, Workload

__all__ = ["Operations"]


@dataclass(frozen=True, slots=True)
class Operations:
    """Workloads done by contenders on stores that hold the same documents.

    Attributes:
        title: with `{size}` where the number of documents goes.
        ours: Interstore.
        rivals: what it is compared with.
        workloads: what is done.
        durability: what writes survive.
        size: how many documents the stores hold.
        absolute: aims for microseconds, by workload.
        asynchronous: whether the contenders' methods are coroutines.
        tasks: how many of them run at the same time.
        place: makes what a contender is opened with: an empty folder, or a database.
    """

    title: str
    ours: Contender
    rivals: Sequence[Contender]
    workloads: Sequence[Workload]
    durability: Durability
    size: Callable[[Sizes], int]
    absolute: Mapping[str, Aim] = field(default_factory=dict)
    asynchronous: bool = False
    tasks: int = 1
    place: Callable[[Context, str], Any] = Context.new_folder

    def suite(self) -> Suite:
        return Suite(self._title, self.cases)

    def _title(self, sizes: Sizes) -> str:
        return self.title.format(size=f"{self.size(sizes):,}")

    def cases(self, context: Context) -> Iterator[Case]:
        title = self._title(context.sizes)
        wanted = [each for each in self.workloads if context.wants(title, each.name)]
        if not wanted:
            return
        dataset = Dataset(self.size(context.sizes))
        driver = _AsyncDriver(context, self.tasks) if self.asynchronous else _Driver()
        stores = {
            contender: self._filled(contender, dataset, driver, context)
            for contender in self._installed(context)
        }
        for workload in wanted:
            yield self._case(workload, dataset, driver, stores)

    def _installed(self, context: Context) -> list[Contender]:
        for rival in self.rivals:
            if not rival.is_installed:
                context.say(
                    f"{rival.name} is left out: {rival.needs} is not installed (uv run --group "
                    "bench brings it)"
                )
        return [self.ours, *(rival for rival in self.rivals if rival.is_installed)]

    def _filled(
        self, contender: Contender, dataset: Dataset, driver: _Driver, context: Context
    ) -> Any:
        place = self.place(context, contender.name.replace(" ", "-"))
        store = driver.result(contender.open(place, self.durability))
        context.closing.callback(lambda: driver.result(store.close()))
        driver.result(store.create_many(dataset.documents))
        if hasattr(store, "settle"):
            driver.result(store.settle())
        return store

    def _case(
        self, workload: Workload, dataset: Dataset, driver: _Driver, stores: dict[Contender, Any]
    ) -> Case:
        able = {
            contender: store
            for contender, store in stores.items()
            if hasattr(store, workload.method)
        }
        aims = {
            rival.name: rival.aims[workload.kind] for rival in able if workload.kind in rival.aims
        }
        if workload.name in self.absolute:
            aims[self.ours.name] = self.absolute[workload.name]
        return Case(
            name=workload.name,
            contenders={
                contender.name: _prepare(workload, dataset, driver, store)
                for contender, store in able.items()
            },
            aims=aims,
            documents=workload.size(dataset),
        )


def _prepare(workload: Workload, dataset: Dataset, driver: _Driver, store: Any) -> Prepare:
    method = getattr(store, workload.method)

    def prepare(n: int) -> Callable[[], object]:
        calls = workload.calls(dataset, n)
        if workload.removes:
            documents = [document for (document,) in calls]
            driver.result(store.create_many(documents))
            calls = [(document["id"],) for document in documents]
        return lambda: driver.run(method, calls)

    return prepare


class _Driver:
    """Calls what is synchronous."""

    def result(self, returned: Any) -> Any:
        return returned

    def run(self, method: Callable[..., Any], calls: list[Call]) -> None:
        for call in calls:
            method(*call)


class _AsyncDriver(_Driver):
    """Calls coroutines, on one event loop for the whole suite."""

    def __init__(self, context: Context, tasks: int) -> None:
        self._tasks = tasks
        self._runner = context.closing.enter_context(asyncio.Runner())

    def result(self, returned: Awaitable[Any]) -> Any:
        async def wait() -> Any:
            return await returned

        return self._runner.run(wait())

    def run(self, method: Callable[..., Any], calls: list[Call]) -> None:
        waiting = iter(calls)

        async def work() -> None:
            for call in waiting:
                await method(*call)

        async def run() -> None:
            if self._tasks == 1:
                await work()
            else:
                await asyncio.gather(*(work() for _ in range(self._tasks)))

        self._runner.run(run())
