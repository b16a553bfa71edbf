"""`AsyncLedger`: the records of a move in one of its stores."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Final

from interstore._async.operations import AsyncOperations
from interstore.changes import Changes
from interstore.document import Document
from interstore.dual.records import (
    CONTROL,
    INTENT,
    MODEL,
    WRITER,
    Control,
    Intent,
    Writer,
    as_record,
    as_write,
)
from interstore.errors import ConflictError, DuplicateError, NotFoundError
from interstore.filters.tree import ALL, Bound, In, Node, Range
from interstore.paths import Envelope
from interstore.prepared import Query

__all__ = ["IDS", "AsyncLedger"]

PAGE: Final = 500
IDS: Final = 1_000
"""Ids of one intent at the most."""


class AsyncLedger:
    """Reads and writes the records; what is written is durable when the call returns.

    Args:
        store: the store, which answers for itself (not a replica).
    """

    def __init__(self, store: AsyncOperations) -> None:
        self.store = store

    async def control(self) -> tuple[Control | None, int]:
        """The control document and its version; ``None`` and 0 if there is none."""
        document = await self.store.find_by_id(MODEL, CONTROL)
        return (None, 0) if document is None else (as_record(document, Control), document.version)

    async def change_control(self, control: Control, version: int) -> bool:
        """Replace the control document of this version (0: none); whether it was that."""
        write = as_write(CONTROL, control)
        try:
            if not version:
                await self.store.create(MODEL, write)
            else:
                replacing = Changes((), write.updated, replacement=write.fields)
                await self.store.update(MODEL, CONTROL, replacing, if_version=version)
        except (DuplicateError, ConflictError, NotFoundError):
            return False
        return True

    async def point(self, control: Control) -> None:
        """Have the control document be this one, unless it is of this epoch already."""
        while True:
            found, version = await self.control()
            if found is not None and found.run == control.run and found.follows(control):
                return
            if await self.change_control(control, version):
                return

    async def renew(self, writer: Writer) -> None:
        """Write a writer's lease."""
        await self.store.put(MODEL, as_write(WRITER + writer.owner, writer))

    async def writers(self) -> list[Writer]:
        """All that there are, also those whose leases have lapsed."""
        return [
            as_record(document, Writer) async for page in self._pages(WRITER) for document in page
        ]

    async def remove_writer(self, owner: str) -> None:
        """Forget it."""
        await self.store.delete(MODEL, WRITER + owner)

    async def record(self, id: str, intent: Intent) -> None:
        """Write an intent."""
        await self.store.create(MODEL, as_write(id, intent))

    async def intents(self, owner: str = "") -> AsyncGenerator[list[tuple[str, Intent]]]:
        """Pages of intents with their ids, in the order of ids: all, or those of one writer."""
        async for page in self._pages(INTENT + owner):
            yield [(document.id, as_record(document, Intent)) for document in page]

    async def pending(self) -> int:
        """How many intents there are."""
        return await self.store.count(MODEL, _beginning(INTENT))

    async def forget(self, intents: Sequence[str]) -> None:
        """Remove intents."""
        for start in range(0, len(intents), PAGE):
            await self.store.delete_many(
                MODEL, In(Envelope.ID, tuple(intents[start : start + PAGE]))
            )

    async def clear(self, *, control: bool) -> None:
        """Remove writers and intents; the control document, too, if that is said."""
        if control:
            await self.store.delete_many(MODEL, ALL)
            return
        for beginning in (WRITER, INTENT):
            await self.store.delete_many(MODEL, _beginning(beginning))

    async def _pages(self, beginning: str) -> AsyncGenerator[list[Document]]:
        query = Query(_beginning(beginning), limit=PAGE)
        while True:
            page = list(await self.store.find(MODEL, query))
            if page:
                yield page
            if len(page) < PAGE:
                return
            query = query.only(after=(page[-1].id,))


def _beginning(text: str) -> Node:
    return Range(Envelope.ID, Bound(text, True), Bound(text + "~", False))
