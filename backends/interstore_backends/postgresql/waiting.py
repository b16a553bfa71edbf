"""An end to waiting for a server that does not answer."""

from __future__ import annotations

from time import monotonic
from typing import TypeVar

from psycopg.abc import PQGen
from psycopg.waiting import Ready

from interstore_backends.postgresql.errors import Stalled

__all__ = ["until"]

T = TypeVar("T")


def until(deadline: float, steps: PQGen[T]) -> PQGen[T]:
    """The steps of an operation, for whoever waits between them; `Stalled` at the deadline.

    psycopg wakes the steps every tenth of a second, with nothing if nothing came.
    """
    try:
        wanted = next(steps)
        while True:
            ready = yield wanted
            if ready == Ready.NONE and monotonic() >= deadline:
                raise Stalled("no answer in time")
            wanted = steps.send(ready)
    except StopIteration as end:
        result: T = end.value
        return result
