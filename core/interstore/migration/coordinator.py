"""Runs slices on workers, a window of them at a time; what fails is tried again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec.structs import replace

from interstore.errors import InterstoreError, OperationTimeoutError, UnavailableError
from interstore.migration.chain import Chain
from interstore.migration.executors import Workers
from interstore.migration.progress import Control
from interstore.migration.references import Resolver
from interstore.migration.slice import Order, Result, run_order, run_slice

__all__ = ["Coordinator"]

K = TypeVar("K")
"""What a chain of slices is known by."""

POLL: Final = 0.2
"""Seconds between two looks at what the caller wants and is told."""

GRACE: Final = 30.0
"""Seconds beyond twice its limit after which a slice elsewhere may not write, and as many more
until it is given up."""

_LATE: Final = (
    "a slice does not come to an end, whoever has it: workers hang or have too much to do, or a "
    "document makes the transform hang"
)


class Coordinator:
    """Keeps workers busy with a chain of slices for each key (a partition of a model).

    Attributes:
        workers: how many slices run at once.
    """

    def __init__(self, workers: Workers, resolver: Resolver, control: Control) -> None:
        self._workers = workers
        self.workers = workers.count
        self._resolver = resolver
        self._control = control

    def run(self, orders: Iterable[tuple[K, Order]], collect: Callable[[K, Result], None]) -> bool:
        """Run each order, and those that continue it, to the end of its partition.

        `collect` is called in this thread with each result, those of one key in order.
        Returns whether all are done: ``False`` if the caller asked to stop.

        Raises:
            InterstoreError: of the first slice that cannot go on, once the others in hand ended.
            UnavailableError: workers died, and there are no new ones.
        """
        run = _Run(self._workers, self._resolver, self._control, collect)
        try:
            return run.run([Chain(key, order) for key, order in orders])
        except BaseException:  # such as KeyboardInterrupt: let the threads come to their end
            self._control.abandon()
            raise


class _Run(Generic[K]):
    """One call of `Coordinator.run`."""

    def __init__(
        self,
        workers: Workers,
        resolver: Resolver,
        control: Control,
        collect: Callable[[K, Result], None],
    ) -> None:
        self._workers = workers
        self._resolver = resolver
        self._control = control
        self._collect = collect
        self._waiting: list[Chain[K]] = []
        self._running: dict[Future[Any], tuple[Chain[K], float]] = {}
        self._failure: InterstoreError | None = None
        self._given_up_until = 0.0
        self._paced = False

    def run(self, chains: list[Chain[K]]) -> bool:
        self._waiting = chains
        # Where rates are shared out, none waits at a worker: more might run than there are shares.
        self._paced = any(chain.order().limits.paced for chain in chains)
        while self._running or (self._waiting and self._open):
            self._fill()
            self._take_finished()
            self._give_up_late()
            self._control.tell()
        if self._failure is not None:
            raise self._failure
        self._wait_for_given_up()
        return not self._waiting

    @property
    def _open(self) -> bool:
        """Whether slices may be begun."""
        return self._failure is None and not self._control.stopping

    def _fill(self) -> None:
        window = self._window()
        now = time.monotonic()
        for chain in [chain for chain in self._waiting if chain.ready <= now]:
            if len(self._running) >= window or not self._open:
                return
            self._waiting.remove(chain)
            self._begin(chain)

    def _window(self) -> int:
        """How many slices may be in hand."""
        if any(chain.deaths for chain in self._waiting):
            return 1  # so it is seen which slice workers die of
        return self._workers.count if self._paced else 2 * self._workers.count

    def _begin(self, chain: Chain[K]) -> None:
        # As chains end, shares grow: those given out before were smaller, so all of them together
        # never exceed the whole.
        chains = len(self._waiting) + len(self._running) + 1
        order = chain.order()
        limits = order.limits.shared(min(chains, self._workers.count))
        try:
            future = self._submit(replace(order, limits=limits))
        except BrokenExecutor as error:
            self._failed(chain, error, alone=False)
            self._replace_workers()
            return
        except InterstoreError as error:
            self._failed(chain, error, alone=False)
            return
        limit = 2 * (order.patience + GRACE)
        self._running[future] = chain, time.monotonic() + limit

    def _submit(self, order: Order) -> Future[Any]:
        if self._workers.reach == "threads":
            return self._workers.submit(
                run_slice,
                order,
                self._resolver,
                self._control.add,
                lambda: self._control.stopping,
            )
        leased = replace(order, lease=time.time() + 2 * order.patience + GRACE)
        return self._workers.submit(run_order, msgspec.to_builtins(leased))

    def _take_finished(self) -> None:
        if not self._running:
            time.sleep(POLL if self._waiting else 0)  # a store that is away is given time
            return
        finished, _ = wait(self._running, timeout=POLL, return_when=FIRST_COMPLETED)
        alone = len(self._running) == 1
        gone = [self._take(future, alone=alone) for future in finished]
        if any(gone):
            self._replace_workers()
        elif lost := self._workers.lost():
            raise UnavailableError(lost)

    def _take(self, future: Future[Any], *, alone: bool) -> bool:
        """Take what came of a slice; whether its workers are gone."""
        chain, _ = self._running.pop(future)
        try:
            result = self._result(future)
        except (Exception, CancelledError) as error:  # noqa: BLE001 - it is judged, whatever it is
            self._failed(chain, error, alone=alone)
            return isinstance(error, BrokenExecutor)
        self._succeeded(chain, result)
        return False

    def _replace_workers(self) -> None:
        """Workers died or hang: take back all that they had in hand, and get new ones."""
        renewed = self._workers.renew()
        wait(self._running, timeout=GRACE)
        for future in list(self._running):
            self._take(future, alone=False)
        if not renewed:
            self._fail(UnavailableError("a worker of the executor died, and with it the executor"))

    def _result(self, future: Future[Any]) -> Result:
        result = future.result()
        if isinstance(result, Result):
            return result
        converted = msgspec.convert(result, Result)
        self._control.add(converted.read)
        return converted

    def _succeeded(self, chain: Chain[K], result: Result) -> None:
        chain.succeeded(result)
        try:
            self._collect(chain.key, result)
        except InterstoreError as error:
            self._fail(error)
            return
        if not result.done:
            self._waiting.insert(0, chain)

    def _failed(self, chain: Chain[K], error: BaseException, *, alone: bool) -> None:
        if chain.failed(error, alone=alone):
            self._waiting.insert(0, chain)
        elif isinstance(error, InterstoreError):
            self._fail(error)
        else:
            failure = UnavailableError(f"a worker failed: {type(error).__name__}: {error}")
            failure.__cause__ = error
            self._fail(failure)

    def _fail(self, error: InterstoreError) -> None:
        self._failure = self._failure or error
        self._control.abandon()

    def _give_up_late(self) -> None:
        """Slices elsewhere that do not end: their workers hang, or nobody runs them."""
        if self._workers.reach == "threads":
            return  # they share this process, and each call of theirs has its own timeout
        now = time.monotonic()
        late = [future for future, (_, deadline) in self._running.items() if deadline < now]
        for future in late:
            if future.cancel():
                chain, deadline = self._running.pop(future)
                self._given_up_until = deadline + GRACE
                self._failed(chain, OperationTimeoutError(_LATE), alone=False)
        if any(future in self._running for future in late):
            self._replace_workers()

    def _wait_for_given_up(self) -> None:
        """Until no worker that was given up and wakes up late can write any more."""
        while time.monotonic() < self._given_up_until and not self._control.stopping:
            time.sleep(POLL)
            self._control.tell()
