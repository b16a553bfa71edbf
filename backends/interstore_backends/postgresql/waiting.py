"""An end to waiting for a server that does not answer."""

from __future__ import annotations

from time import monotonic
from typing import TypeVar

from psycopg.abc import PQGen

from interstore_backends.postgresql.errors import Stalled

__all__ = ["until"]

T = TypeVar("T")


def until(deadline: float, steps: PQGen[T]) -> PQGen[T]:
    """The steps of an operation, for whoever waits between them; `Stalled` at the deadline.

    psycopg wakes the steps every tenth of a second, if not for what came. An answer that drips
    in ends at the deadline, too.
    """
    try:
        wanted = next(steps)
        while True:
            ready = yield wanted
            if monotonic() >= deadline:
                raise Stalled("no answer in time")
            wanted = steps.send(ready)
    except StopIteration as end:
        result: T = end.value
        return result
