"""The writes of an engine that has none."""

from __future__ import annotations

from typing import NoReturn

from interstore.changes import Changes
from interstore.document import Document
from interstore.errors import UnsupportedError
from interstore.prepared import Write

__all__ = ["ReadOnly"]


class ReadOnly:
    """Mixed into a `Database` that is only read: the writes of the protocol, each refused.

    Attributes:
        name: the engine's.
        refusal: why, and what to do instead; ``{operation}`` stands for the operation.
    """

    name: str
    refusal: str

    def create(self, model: str, write: Write) -> Document:
        self._refuse("create")

    def update(
        self, model: str, id: str, changes: Changes, *, if_version: int | None = None
    ) -> Document:
        self._refuse("update")

    def delete(
        self,
        model: str,
        id: str,
        *,
        if_version: int | None = None,
        if_created: str | None = None,
    ) -> bool:
        self._refuse("delete")

    def _refuse(self, operation: str) -> NoReturn:
        raise UnsupportedError(self.refusal.format(operation=operation), backend=self.name)
