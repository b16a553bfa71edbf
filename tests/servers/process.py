"""A server's process: started, killed, stopped in its tracks, started again on the same data."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from tests.servers.account import Account
from tests.servers.guard import GUARD, family, send_all, states

__all__ = ["ServerProcess", "ServerUnavailable", "free_port", "listening"]

START_TIMEOUT = 30.0
STOP_TIMEOUT = 5.0


class ServerUnavailable(Exception):
    """A server could not be started or reached."""


def free_port() -> int:
    """A port on which nothing listens, outside the range the kernel takes for connections.

    So it stays free while its server is down.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def listening(port: int) -> bool:
    """Whether something takes connections there: quicker to say no than any driver."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class ServerProcess:
    """One server on this machine.

    Attributes:
        name: for messages.
        port: on 127.0.0.1, the same after a restart.
        folder: what it keeps; removed by `close`.
        account: whose it is; ``None`` for this process's own.
        log: what it printed.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        ready: Callable[[], bool],
        *,
        port: int,
        folder: Path,
        account: Account | None = None,
        environment: Mapping[str, str] | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        end_signal: signal.Signals = signal.SIGKILL,
    ) -> None:
        self.name = name
        self.port = port
        self.folder = folder
        self.log = folder / "server.log"
        self._command = [str(part) for part in command]
        self._ready = ready
        self.account = account
        self._environment = environment
        self._stop_signal = stop_signal
        self._end_signal = end_signal
        self._process: subprocess.Popen[bytes] | None = None
        self._limited = False

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} was not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            ServerUnavailable: it ended, or did not answer within 30 seconds; the message ends with
                the end of its log.
        """
        with self.log.open("ab") as log:
            self._process = subprocess.Popen[bytes](
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=self._environment,
                start_new_session=True,
                **self._identity(),
            )
        self._limited = False
        GUARD.watch(self.pid, self._end_signal)
        self.wait()

    def wait(self, timeout: float = START_TIMEOUT) -> None:
        """Wait until it answers; raises ServerUnavailable."""
        deadline = monotonic() + timeout
        while not self._ready():
            if not self.running:
                raise self._unavailable(f"ended with {self._process and self._process.returncode}")
            if monotonic() > deadline:
                self.kill()
                raise self._unavailable(f"did not answer within {timeout:g} s")
            sleep(0.02)

    def _unavailable(self, problem: str) -> ServerUnavailable:
        log = self.log.read_text(errors="replace")[-4000:]
        return ServerUnavailable(f"{self.name} {problem}; its log:\n{log}")

    def stop(self) -> None:
        """Let it end in order; kill it if it does not within five seconds."""
        self._end(self._stop_signal)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None and self.running:
            self.resume()
            self._process.send_signal(number)
            try:
                self._process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                self.kill()
        self._forget()

    def kill(self) -> None:
        """Kill it and its children, and wait until they are gone."""
        if self._process is not None and self.running:
            _, *children = send_all(self.pid, signal.SIGKILL)
            self._process.wait()
            # They may be dead, and only wait for their parent to notice.
            while any(not states(pid) <= {"Z"} for pid in children):
                sleep(0.005)
        self._forget()

    def _forget(self) -> None:
        if self._process is not None:
            GUARD.forget(self.pid)

    def restart(self) -> None:
        """Stop it, or clear up after it was killed, and start it on the same port and data."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Stop it and its children where they are (SIGSTOP): connections stay, nothing answers."""
        for pid in send_all(self.pid, signal.SIGSTOP):
            # The signal is sent before the last thread has stopped.
            while not states(pid) <= {"T", "Z"}:
                sleep(0.001)

    def resume(self) -> None:
        """Undo `pause`."""
        send_all(self.pid, signal.SIGCONT)

    def limit_files(self, size: int | None) -> None:
        """Let none of its files grow beyond so many bytes: as on a full disk; ``None``: let them.

        As its own account, since root may lack the privilege to limit another's processes.
        """
        self._limited = size is not None
        limit = "unlimited" if size is None else str(size)
        for pid in family(self.pid):
            command = ["prlimit", "--pid", str(pid), f"--fsize={limit}:unlimited"]
            done = subprocess.run(command, check=False, capture_output=True, **self._identity())
            if done.returncode and states(pid):
                raise OSError(f"{' '.join(command)}: {done.stderr.decode().strip()}")

    def _identity(self) -> dict[str, Any]:
        if self.account is None:
            return {}
        return {"user": self.account.uid, "group": self.account.gid, "extra_groups": []}

    def heal(self) -> None:
        """Undo whatever was done to it."""
        if self.running:
            self.resume()
            if self._limited:
                self.limit_files(None)
            self.wait()
        else:
            self.start()

    def close(self) -> None:
        """End it, without care for its data, and remove its folder."""
        self._end(self._end_signal)
        GUARD.remove(self.folder)
