"""A TCP proxy that misbehaves on demand, to stand between a client and its server."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.servers.link import Direction, Faults, Link
from tests.servers.process import free_port

__all__ = ["Direction", "Proxy"]

T = TypeVar("T")

SSL_REQUEST = bytes.fromhex("0000000804d2162f")
"""PostgreSQL's: the first message of a client that wants TLS."""


class Proxy:
    """Listens on a port of 127.0.0.1 and passes everything on, except as told otherwise.

        with Proxy(*server.address) as proxy:
            url = server.url("name", port=proxy.port)
            proxy.slow(latency=0.2)

    Each method takes effect at once, for open connections too, until `restore`.

    Args:
        host: of the server.
        port: of the server.
        tls: speak it with the client, as that host (not with the server).
        asked: TLS begins when the client has asked for it, as PostgreSQL's does.

    Attributes:
        port: where it listens.
        accepted: how many connections it has taken so far.
    """

    def __init__(
        self, host: str, port: int, *, tls: ssl.SSLContext | None = None, asked: bool = False
    ) -> None:
        self._target = host, port
        self._tls = tls
        self._asked = asked
        self._faults = Faults()
        self._links: set[Link] = set()
        self._listener: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self.port = free_port()
        self.accepted = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._listen)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._run(self._end)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def open(self) -> int:
        """How many connections there are."""
        return len(self._links)

    def slow(self, *, latency: float = 0.0, rate: float | None = None) -> None:
        """Be late, or of little capacity.

        Args:
            latency: seconds that everything takes, in either direction.
            rate: bytes per second, of each connection and direction.
        """

        def set_both() -> None:
            self._faults.latency, self._faults.rate = latency, rate

        self._do(set_both)

    def blackhole(self) -> None:
        """Take connections and bytes, and pass on nothing; what was held back comes later."""
        self._do(self._faults.flowing.clear)

    def reset(self) -> None:
        """Reset all connections (RST, to either end); new ones are as good as ever."""
        self._do(self._reset)

    def cut(self, after: int, direction: Direction, *, times: int | None = None) -> None:
        """Reset each connection once so many bytes have passed, from now on.

        With `after=0` and "to_client", the server does what it was asked, and nobody hears of it.

        Args:
            after: bytes that still pass.
            direction: of these bytes.
            times: how many connections; ``None`` for all.
        """

        def set_cut() -> None:
            self._faults.cut_after(direction, after, times)
            for link in self._links:
                link.passed[direction] = 0

        self._do(set_cut)

    def lie(self, truth: bytes, lie: bytes) -> None:
        """Tell clients something else, of the same length, than the server says."""
        assert len(truth) == len(lie)

        def set_lie() -> None:
            self._faults.lie = truth, lie

        self._do(set_lie)

    def record(self) -> bytearray:
        """What clients send from now on."""
        heard = self._faults.heard = bytearray()
        return heard

    def refuse(self) -> None:
        """Do not listen any more; open connections stay."""
        self._run(self._refuse)

    def restore(self) -> None:
        """Be an ordinary proxy again, on the same port."""
        self._do(self._faults.clear)
        if self._listener is None:
            self._run(self._listen)

    def _do(self, action: Callable[[], object]) -> None:
        async def act() -> None:
            action()

        self._run(act)

    def _run(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return asyncio.run_coroutine_threadsafe(make(), self._loop).result(10)

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        link = Link(self._faults, reader, writer)
        self._links.add(link)
        try:
            if self._tls is not None:
                await self._start_tls(self._tls, reader, writer)
            await link.run(*self._target)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            # Cancelled is only what `_end` does; asyncio would log it.
            pass
        finally:
            link.abort()
            self._links.discard(link)

    async def _start_tls(
        self, tls: ssl.SSLContext, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self._asked:
            question = await reader.readexactly(len(SSL_REQUEST))
            if question != SSL_REQUEST:
                raise ConnectionRefusedError("the client did not ask for TLS")
            writer.write(b"S")
            await writer.drain()
        await writer.start_tls(tls)

    def _reset(self) -> None:
        for link in self._links:
            link.abort()

    async def _refuse(self) -> None:
        if self._listener is not None:
            # asyncio forgets, and leaves open, a connection that it took just before.
            self._loop.remove_reader(self._listener.sockets[0].fileno())
            await _turns()
            self._listener.close()
            self._listener = None

    async def _end(self) -> None:
        await self._refuse()
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        # What was aborted closes its socket a little later, under TLS most of all.
        await _turns()


async def _turns() -> None:
    """Let the loop do what it has begun."""
    for _ in range(10):
        await asyncio.sleep(0)
