"""Ctrl-C once asks a command to stop; twice stops it."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from threading import Event
from typing import Any

import click

__all__ = ["stop_on_interrupt"]


@contextmanager
def stop_on_interrupt(exit_code: int) -> Generator[Event]:
    """An event that Ctrl-C (or SIGTERM) sets. The second time, the process ends at once.

    Args:
        exit_code: of a process that ends at once; nothing is lost by that.
    """
    stop = Event()

    def handle(number: int, frame: Any) -> None:
        del number, frame
        if stop.is_set():
            os.write(2, b"\x1b[?25hstopped now\n" if os.isatty(2) else b"stopped now\n")
            os._exit(exit_code)
        stop.set()
        click.echo("stopping after the page in hand; again to stop now", err=True)

    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(each, handle) for each in signals]
    try:
        yield stop
    finally:
        for each, handler in zip(signals, before, strict=True):
            signal.signal(each, handler)
