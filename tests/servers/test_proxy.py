"""What the proxy does, as seen by a client and a server of plain TCP."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from time import perf_counter, sleep

import pytest

from tests.patience import no_hang
from tests.servers.proxy import Proxy


class Echo:
    """A server that gives back what it gets, and remembers it."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        self.received = bytearray()
        self.resets = 0
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._echo, args=[connection]))
            self._threads[-1].start()

    def _echo(self, connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(65_536):
                    self.received += data
                    connection.sendall(data)
            except ConnectionError:
                self.resets += 1

    def stop_listening(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def close(self) -> None:
        self.stop_listening()
        for thread in self._threads:
            thread.join(5)


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.close()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[Proxy]:
    with Proxy(*echo.address) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: Proxy) -> Iterator[socket.socket]:
    with connect(proxy) as client:
        assert ask(client, b"ready") == b"ready"
        yield client


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


def ask(client: socket.socket, data: bytes) -> bytes:
    """Send, and receive as much."""
    client.sendall(data)
    return receive(client, len(data))


def receive(client: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size and (data := client.recv(65_536)):
        received += data
    return received


def wait_for(size: int, echo: Echo) -> None:
    deadline = perf_counter() + 5
    while len(echo.received) < size and perf_counter() < deadline:
        sleep(0.005)


def test_passes_everything_on(proxy: Proxy, client: socket.socket) -> None:
    data = bytes(range(256)) * 4000
    sender = threading.Thread(target=client.sendall, args=[data])
    sender.start()
    assert receive(client, len(data)) == data
    sender.join()
    client.shutdown(socket.SHUT_WR)
    assert client.recv(1) == b""


def test_counts_connections(proxy: Proxy, client: socket.socket) -> None:
    with connect(proxy) as other:
        ask(other, b"x")
        assert (proxy.accepted, proxy.open) == (2, 2)
    deadline = perf_counter() + 5
    while proxy.open > 1 and perf_counter() < deadline:
        sleep(0.005)
    assert (proxy.accepted, proxy.open) == (2, 1)


def test_latency(proxy: Proxy, client: socket.socket) -> None:
    proxy.slow(latency=0.1)
    start = perf_counter()
    assert ask(client, b"late") == b"late"
    assert perf_counter() - start >= 0.2
    proxy.slow(latency=60)
    proxy.restore()
    with no_hang():
        assert ask(client, b"soon") == b"soon"


def test_rate(proxy: Proxy, client: socket.socket) -> None:
    proxy.slow(rate=50_000)
    start = perf_counter()
    ask(client, bytes(10_000))
    assert perf_counter() - start >= 0.2


def test_blackhole_holds_back(proxy: Proxy, client: socket.socket, echo: Echo) -> None:
    proxy.blackhole()
    client.settimeout(0.2)
    client.sendall(b"hello")
    with pytest.raises(TimeoutError):
        client.recv(5)
    with connect(proxy) as other:
        other.settimeout(0.2)
        other.sendall(b"hello")
        with pytest.raises(TimeoutError):
            other.recv(5)
        assert echo.received == b"ready"
        proxy.restore()
        assert receive(client, 5) == receive(other, 5) == b"hello"


def test_reset_reaches_both_ends(proxy: Proxy, client: socket.socket, echo: Echo) -> None:
    proxy.reset()
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    with connect(proxy) as other:
        assert ask(other, b"again") == b"again"
    deadline = perf_counter() + 5
    while not echo.resets and perf_counter() < deadline:
        sleep(0.005)
    assert echo.resets == 1


def test_cut_on_the_way_there(proxy: Proxy, client: socket.socket, echo: Echo) -> None:
    proxy.cut(3, "to_server")
    with pytest.raises(ConnectionResetError):
        ask(client, b"abcdef" * 100_000)
    wait_for(8, echo)
    assert echo.received == b"readyabc"


def test_cut_on_the_way_back(proxy: Proxy, client: socket.socket, echo: Echo) -> None:
    proxy.cut(0, "to_client", times=1)
    with pytest.raises(ConnectionResetError):
        ask(client, b"done")
    assert echo.received == b"readydone"
    with connect(proxy) as other:
        assert ask(other, b"heard") == b"heard"


def test_refuse(proxy: Proxy, client: socket.socket) -> None:
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)
    assert ask(client, b"still") == b"still"
    proxy.restore()
    with connect(proxy) as other:
        assert ask(other, b"again") == b"again"


def test_server_that_refuses(proxy: Proxy, echo: Echo) -> None:
    echo.stop_listening()

    def hear() -> None:
        with connect(proxy) as client:
            client.recv(1)

    with pytest.raises(ConnectionResetError):
        hear()
