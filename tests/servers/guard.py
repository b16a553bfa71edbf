"""A process that outlives this one, if only to stop its servers and remove their folders.

Whoever starts servers may be killed at any moment. The guard reads from a pipe what there is to
look after; the pipe ends with the process that holds it, however that ends.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from time import monotonic, sleep

__all__ = ["GUARD", "Guard", "family", "send", "send_all", "states"]

ROOT = Path(__file__).resolve().parents[2]
GRACE = 5.0


class Guard:
    """Looks after processes, mounts and folders, until told to forget them."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def watch(self, pid: int, stop_signal: int) -> None:
        self._tell(f"process {pid} {int(stop_signal)}")

    def forget(self, pid: int) -> None:
        self._tell(f"forget {pid}")

    def folder(self, path: Path) -> None:
        """Remove it, or a single file, at the end, if it is still there."""
        self._tell(f"folder {path}")

    def remove(self, path: Path) -> None:
        """Remove it now, without this process waiting for it."""
        self._tell(f"remove {path}")

    def mount(self, path: Path) -> None:
        """Unmount it at the end, if it is still mounted."""
        self._tell(f"mount {path}")

    def _tell(self, line: str) -> None:
        with self._lock:
            if self._process is None:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "tests.servers.guard"],
                    cwd=ROOT,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    # Ctrl-C is for the tests alone.
                    start_new_session=True,
                )
            assert self._process.stdin is not None
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()


GUARD = Guard()


def send(pid: int, number: int) -> bool:
    """Send a signal (0: none); false if there is no such process."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def send_all(pid: int, number: int) -> list[int]:
    """Send a signal to a process and its children; returns those that there were."""
    if number != signal.SIGCONT:
        # So that it has no further child while the others are looked for.
        send(pid, signal.SIGSTOP)
    members = family(pid)
    for member in members:
        send(member, number)
    return members


def family(pid: int) -> list[int]:
    """A process and, where the system tells, its children."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        children = ""
    return [pid, *map(int, children.split())]


def states(pid: int) -> set[str]:
    """The states of a process's threads, as `ps` writes them; none if there is no such process."""
    found = set()
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                found.add((thread / "stat").read_text().rpartition(")")[2].split()[0])
    return found


def main(lines: Iterable[str]) -> None:
    processes: dict[int, int] = {}
    folders: list[Path] = []
    mounts: list[str] = []
    for line in lines:
        what, _, rest = line.rstrip("\n").partition(" ")
        if what == "process":
            pid, number = rest.split()
            processes[int(pid)] = int(number)
        elif what == "forget":
            processes.pop(int(rest), None)
        elif what == "mount":
            mounts.append(rest)
        elif what == "remove":
            shutil.rmtree(rest, ignore_errors=True)
        else:
            folders.append(Path(rest))
    _end(processes)
    for mount in mounts:
        subprocess.run(["umount", mount], check=False, capture_output=True)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            folder.unlink()


def _end(processes: dict[int, int]) -> None:
    for pid, number in processes.items():
        send(pid, number)
        # One that was stopped would not notice.
        send_all(pid, signal.SIGCONT)
    deadline = monotonic() + GRACE
    while monotonic() < deadline and any(send(pid, 0) for pid in processes):
        sleep(0.05)
    for pid in processes:
        with contextlib.suppress(OSError):
            send_all(pid, signal.SIGKILL)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    main(sys.stdin)
