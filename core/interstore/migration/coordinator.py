"""Runs slices on any `concurrent.futures` executor, a window of them at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ThreadPoolExecutor,
    wait,
)
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
from msgspec.structs import replace

from interstore.errors import ConfigurationError, InterstoreError, UnavailableError
from interstore.migration.progress import Control
from interstore.migration.references import Resolver
from interstore.migration.slice import Order, Result, run_order, run_slice

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["Coordinator", "in_process", "open_executor"]

K = TypeVar("K")
"""What a chain of slices is known by."""

POLL: Final = 0.2
"""Seconds between two looks at what the caller wants and is told."""


@contextmanager
def open_executor(executor: str | Executor) -> Generator[tuple[Executor, int]]:
    """The executor that the caller named or brought, and its number of workers.

    Raises:
        ConfigurationError: the name is not understood.
    """
    if not isinstance(executor, str):
        workers = getattr(executor, "_max_workers", None)
        yield executor, workers if isinstance(workers, int) else 4
        return
    kind, _, number = executor.partition(":")
    if kind != "threads" or not (number.isascii() and number.isdigit() and 0 < int(number) <= 64):
        raise ConfigurationError(f"executor {executor!r} is not known; write threads:N, N up to 64")
    workers = int(number)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="interstore-migration")
    try:
        yield pool, workers
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def in_process(executor: Executor) -> bool:
    """Whether slices on this executor can use the stores that are open here."""
    return isinstance(executor, ThreadPoolExecutor)


class Coordinator:
    """Keeps the executor busy with a chain of slices for each key (a partition of a model).

    Attributes:
        workers: how many slices the executor runs at once.
    """

    def __init__(
        self, executor: Executor, workers: int, resolver: Resolver, control: Control
    ) -> None:
        self._executor = executor
        self.workers = workers
        self._window = 2 * workers
        self._resolver = resolver
        self._control = control

    def run(self, orders: Iterable[tuple[K, Order]], collect: Callable[[K, Result], None]) -> bool:
        """Run each order, and those that continue it, to the end of its partition.

        `collect` is called in this thread with each result, those of one key in order.
        Returns whether all are done: ``False`` if the caller asked to stop.

        Raises:
            InterstoreError: of the first slice that failed, once the others in hand ended.
            UnavailableError: a worker died.
        """
        try:
            return self._run(deque(orders), collect)
        except BrokenExecutor as error:
            raise UnavailableError(f"a worker of the executor died: {error}") from error
        except BaseException:  # such as KeyboardInterrupt: let the threads come to their end
            self._control.abandon()
            raise

    def _run(self, waiting: deque[tuple[K, Order]], collect: Callable[[K, Result], None]) -> bool:
        running: dict[Future[Result], tuple[K, Order]] = {}
        failure: InterstoreError | None = None
        while running or (waiting and not self._control.stopping and failure is None):
            self._fill(waiting, running, failure)
            finished, _ = wait(running, timeout=POLL, return_when=FIRST_COMPLETED)
            for future in finished:
                key, order = running.pop(future)
                try:
                    result = future.result()
                    collect(key, result)
                except InterstoreError as error:
                    failure = failure or error
                    self._control.abandon()
                    continue
                if not result.done:
                    waiting.appendleft((key, replace(order, after=result.after)))
            self._control.tell()
        if failure is not None:
            raise failure
        return not waiting

    def _fill(
        self,
        waiting: deque[tuple[K, Order]],
        running: dict[Future[Result], tuple[K, Order]],
        failure: InterstoreError | None,
    ) -> None:
        while (
            waiting
            and len(running) < self._window
            and failure is None
            and not self._control.stopping
        ):
            key, order = waiting.popleft()
            running[self._submit(order)] = key, order

    def _submit(self, order: Order) -> Future[Result]:
        if in_process(self._executor):
            return self._executor.submit(
                run_slice,
                order,
                self._resolver,
                self._control.add,
                lambda: self._control.stopping,
            )
        answer = self._executor.submit(run_order, msgspec.to_builtins(order))
        return _converted(answer, self._control)


def _converted(answer: Future[dict[str, object]], control: Control) -> Future[Result]:
    """A future of the result from one of plain data."""
    converted: Future[Result] = Future()

    def finish(done: Future[dict[str, object]]) -> None:
        try:
            result = msgspec.convert(done.result(), Result)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is the slice's
            converted.set_exception(error)
        else:
            control.add(result.read)
            converted.set_result(result)

    answer.add_done_callback(finish)
    return converted
