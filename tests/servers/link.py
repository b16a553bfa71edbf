"""One connection through the proxy: two streams, each passed on as the faults allow."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Direction", "Faults", "Link"]

Direction = Literal["to_server", "to_client"]

CHUNK = 65_536
WAITING = 64
RESET = struct.pack("ii", 1, 0)
"""To linger for no time: closing such a socket resets its connection."""


class CutOff(Exception):
    """As many bytes have passed as were to pass."""


@dataclass
class Faults:
    """What is wrong with all connections of a proxy, now.

    Attributes:
        latency: seconds.
        rate: bytes per second; ``None``: no limit.
        flowing: whether anything is passed on.
        cut: how many bytes may pass in which direction; ``None``: no limit.
        cuts_left: how often; ``None``: no limit.
        lie: what is put in place of what, in each piece that a client receives.
        heard: what clients have sent, if that is recorded.
    """

    latency: float = 0.0
    rate: float | None = None
    flowing: asyncio.Event = field(default_factory=asyncio.Event)
    cut: tuple[Direction, int] | None = None
    cuts_left: int | None = None
    lie: tuple[bytes, bytes] | None = None
    heard: bytearray | None = None

    def __post_init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.latency, self.rate, self.cut, self.lie = 0.0, None, None, None
        self.flowing.set()

    def cut_after(self, direction: Direction, after: int, times: int | None) -> None:
        self.cut, self.cuts_left = (direction, after), times

    def count_cut(self) -> None:
        if self.cuts_left is not None:
            self.cuts_left -= 1
            if self.cuts_left <= 0:
                self.cut = None


class Link:
    """A client's connection and the one to the server.

    Attributes:
        passed: bytes, by direction, since the last `Proxy.cut`.
    """

    def __init__(
        self, faults: Faults, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.passed: dict[Direction, int] = {"to_server": 0, "to_client": 0}
        self._faults = faults
        self._reader = reader
        self._writers = [writer]
        # Those under TLS, if it begins: closed twice, what is above loses sight of them.
        self._transports = [writer.transport]

    async def run(self, host: str, port: int) -> None:
        """Pass on what comes until both ends have ended, or either was reset."""
        client = self._writers[0]
        try:
            await self._faults.flowing.wait()
            reader, server = await asyncio.open_connection(host, port)
            self._writers.append(server)
            self._transports.append(server.transport)
            async with asyncio.TaskGroup() as group:
                for way in (
                    self._pass("to_server", self._reader, server),
                    self._pass("to_client", reader, client),
                ):
                    group.create_task(way)
            for writer in self._writers:
                writer.close()
            for writer in self._writers:
                # Under TLS, it would wait for the other to say goodbye.
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(writer.wait_closed(), 1)
        except* (OSError, CutOff):
            pass
        finally:
            self.abort()

    def abort(self) -> None:
        """Reset both connections."""
        for transport in self._transports:
            opened: socket.socket = transport.get_extra_info("socket")
            with contextlib.suppress(OSError):
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            transport.abort()

    async def _pass(
        self, direction: Direction, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        # What was written has left, then, when `drain` returns.
        writer.transport.set_write_buffer_limits(high=1, low=0)
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(WAITING)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._receive(reader, queue))
            group.create_task(self._send(direction, queue, writer))

    async def _receive(
        self, reader: asyncio.StreamReader, queue: asyncio.Queue[tuple[float, bytes]]
    ) -> None:
        clock = asyncio.get_running_loop().time
        data = b"-"
        while data:
            data = await reader.read(CHUNK)
            await queue.put((clock() + self._faults.latency, data))

    async def _send(
        self,
        direction: Direction,
        queue: asyncio.Queue[tuple[float, bytes]],
        writer: asyncio.StreamWriter,
    ) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            due, data = await queue.get()
            await asyncio.sleep(max(0.0, due - clock()))
            await self._faults.flowing.wait()
            if not data:
                # TLS cannot end one direction alone.
                writer.write_eof() if writer.can_write_eof() else writer.close()
                return
            await self._write(direction, data, writer)

    async def _write(self, direction: Direction, data: bytes, writer: asyncio.StreamWriter) -> None:
        if self._faults.lie is not None and direction == "to_client":
            data = data.replace(*self._faults.lie)
        if self._faults.heard is not None and direction == "to_server":
            self._faults.heard += data
        cut = self._faults.cut
        ends = False
        if cut is not None and cut[0] == direction:
            left = cut[1] - self.passed[direction]
            ends = len(data) >= left
            data = data[:left]
        rest = memoryview(data)
        while rest:
            rate = self._faults.rate
            # Twenty times a second is smooth enough.
            size = len(rest) if rate is None else max(1, int(rate / 20))
            if rate is not None:
                await asyncio.sleep(min(size, len(rest)) / rate)
            writer.write(rest[:size])
            await writer.drain()
            self.passed[direction] += len(rest[:size])
            rest = rest[size:]
        if ends:
            self._faults.count_cut()
            raise CutOff
