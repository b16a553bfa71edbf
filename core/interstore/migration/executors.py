"""Who runs slices: threads, processes, Dask, or any `concurrent.futures.Executor`."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final, Literal, Protocol, TypeAlias

from interstore.errors import ConfigurationError, MissingDriverError, UnavailableError

__all__ = ["Reach", "Workers", "open_workers"]

Reach: TypeAlias = Literal["threads", "children", "remote"]
"""Where slices run: in this process, with the stores that are open here; in children of it,
which have its environment; or anywhere, with an environment of their own."""

CONNECT_SECONDS: Final = 10
"""How long a Dask scheduler is waited for."""

GRACE: Final = 10.0
"""Seconds that worker processes have to end by themselves once there is nothing left to do."""

MAX_WORKERS: Final = 64
UNKNOWN_WORKERS: Final = 4
"""The number of workers of an executor that does not tell."""


class Workers(Protocol):
    """An executor, and what the coordinator must know of it."""

    count: int
    reach: Reach

    def submit(self, function: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Run a function on some worker."""
        ...

    def renew(self) -> bool:
        """Replace workers that died or hang; whether that could be done."""
        ...

    def lost(self) -> str:
        """Why nothing will come back any more; empty while there is hope."""
        ...


@contextmanager
def open_workers(executor: str | Executor) -> Generator[Workers]:
    """The workers that the caller named or brought.

    Raises:
        ConfigurationError: the name is not understood.
        MissingDriverError: Dask is not installed.
        UnavailableError: the Dask scheduler cannot be reached.
    """
    if not isinstance(executor, str):
        yield _Brought(executor)
        return
    kind, _, rest = executor.partition(":")
    if kind == "dask" and rest.startswith("//"):
        with _dask(rest[2:]) as workers:
            yield workers
        return
    makers: dict[str, Callable[[int], _Threads | _Processes]]
    makers = {"threads": _Threads, "processes": _Processes}
    if kind not in makers or not (
        rest.isascii() and rest.isdigit() and 0 < int(rest) <= MAX_WORKERS
    ):
        raise ConfigurationError(
            f"executor {executor!r} is not known; write threads:N or processes:N, N up to "
            f"{MAX_WORKERS}, or dask://host:port"
        )
    pool = makers[kind](int(rest))
    try:
        yield pool
    finally:
        pool.close()


class _Fixed:
    """Workers that stay as they are."""

    def renew(self) -> bool:
        return False

    def lost(self) -> str:
        return ""


class _Brought(_Fixed):
    """An executor of the caller's, who closes it."""

    def __init__(self, executor: Executor) -> None:
        self.submit = executor.submit
        number = getattr(executor, "_max_workers", None)
        self.count = number if isinstance(number, int) else UNKNOWN_WORKERS
        self.reach: Reach = "remote"
        if isinstance(executor, ThreadPoolExecutor):
            self.reach = "threads"
        elif isinstance(executor, ProcessPoolExecutor):
            self.reach = "children"


class _Threads(_Fixed):
    def __init__(self, count: int) -> None:
        self.count = count
        self.reach: Reach = "threads"
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="interstore-migration")
        self.submit = self._pool.submit

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


class _Processes(_Fixed):
    """Processes of this machine, which end when this one does, however it ends."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.reach: Reach = "children"
        self._pool = self._open()

    def _open(self) -> ProcessPoolExecutor:
        import multiprocessing

        # Not forked: this process has threads, and connections that must not be shared.
        return ProcessPoolExecutor(
            self.count,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_end_with_parent,
        )

    def submit(self, function: Callable[..., Any], /, *args: Any) -> Future[Any]:
        return self._pool.submit(function, *args)

    def renew(self) -> bool:
        self._kill()
        self._pool = self._open()
        return True

    def close(self) -> None:
        # A worker that is stopped would be waited for forever, with nothing left to do.
        late = threading.Timer(GRACE, _kill, [self._processes()])
        late.start()
        try:
            self._pool.shutdown(wait=True, cancel_futures=True)
        finally:
            late.cancel()

    def _processes(self) -> list[Any]:
        return list((getattr(self._pool, "_processes", None) or {}).values())

    def _kill(self) -> None:
        """A worker that hangs, even one that is stopped, does not come back."""
        _kill(self._processes())
        self._pool.shutdown(wait=True, cancel_futures=True)


def _kill(processes: Sequence[Any]) -> None:
    for process in processes:
        process.kill()


def _end_with_parent() -> None:
    """End this process when its parent ends: it would go on writing with nobody to know."""
    from multiprocessing import parent_process
    from multiprocessing.connection import wait

    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="interstore-parent", daemon=True).start()


class _Dask(_Fixed):
    """Workers anywhere. Dask replaces those that die, and gives their slices to others."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.reach: Reach = "remote"
        self.count = max(1, min(MAX_WORKERS, sum(client.ncores().values())))
        self._executor = client.get_executor(pure=False)

    def submit(self, function: Callable[..., Any], /, *args: Any) -> Future[Any]:
        if lost := self.lost():  # else it would wait for ever
            raise UnavailableError(lost)
        future: Future[Any] = self._executor.submit(function, *args)
        return future

    def lost(self) -> str:
        status = self._client.status
        return "" if status == "running" else f"the Dask scheduler is lost ({status})"


@contextmanager
def _dask(address: str) -> Generator[_Dask]:
    try:
        from distributed import Client
    except ImportError:
        raise MissingDriverError('dask:// needs Dask: pip install "interstore[dask]"') from None
    try:
        client = Client(f"tcp://{address}", timeout=CONNECT_SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError) as error:
        raise UnavailableError(f"the Dask scheduler at {address} cannot be reached") from error
    try:
        yield _Dask(client)
    finally:
        client.close(timeout=5)  # type: ignore[no-untyped-call]
