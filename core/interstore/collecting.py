"""No looking for garbage while many documents are made at once."""

from __future__ import annotations

import gc
from types import TracebackType

__all__ = ["collection_paused"]


class collection_paused:  # noqa: N801 - as contextlib names them
    """Within it, the process does not look for garbage, if it did before.

    All of a page's documents live until the page is done: to look for garbage among them, again and
    again, takes a fifth more. Threads may overlap: whoever found collection on, turns it on again.
    """

    __slots__ = ("_collecting",)

    def __enter__(self) -> None:
        self._collecting = gc.isenabled()
        gc.disable()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._collecting:
            gc.enable()
