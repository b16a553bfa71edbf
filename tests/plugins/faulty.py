"""An engine that fails on demand, before or after it has done what it was asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from interstore.errors import InterstoreError
from interstore.plugins import Interceptor
from tests.databases import memory

__all__ = ["Faulty"]


class Faulty(Interceptor):
    """The memory engine; `faults` says what happens to the next calls, in order.

    A fault is the error to raise, and when: before the operation, or after it was applied.
    `meanwhile` is done, once, before such an error is raised.
    """

    def __init__(self) -> None:
        self.faults: list[tuple[InterstoreError, Literal["before", "after"]]] = []
        self.calls: list[str] = []
        self.meanwhile: Callable[[], object] = lambda: None
        super().__init__(memory())

    def intercept(self, operation: str, call: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        if operation == "sweep":  # which a store asks for when an id is taken
            return call(*args, **kwargs)
        self.calls.append(operation)
        if not self.faults:
            return call(*args, **kwargs)
        error, when = self.faults.pop(0)
        if when == "after":
            call(*args, **kwargs)
        self.meanwhile()
        self.meanwhile = lambda: None
        raise error
