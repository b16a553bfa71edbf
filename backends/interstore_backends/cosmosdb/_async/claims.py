"""Claims: a look at the first documents of an order, and a write of the first that is still so.

Who loses a document to another goes on with the next one of the same look, or any that is sorted
equal to it: else those who met at one would meet at all that follow. Only when all that was seen
is lost is there another look. So a document that another just writes is passed over, as long as
there are others, but not for good.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from interstore.changes import Changes
from interstore.document import Document
from interstore.prepared import Query
from interstore_backends.cosmosdb._async.connection import translated_write
from interstore_backends.cosmosdb._async.watching import AsyncWatching
from interstore_backends.cosmosdb._async.writes import contended
from interstore_backends.cosmosdb.looks import Crowd, Look, compile_look, scattered, share_of
from interstore_backends.cosmosdb.records import Found

__all__ = ["AsyncClaims"]

_ATTEMPTS: Final = 100


class AsyncClaims(AsyncWatching):
    """Writes of the first document that matches."""

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self._crowd = Crowd()

    @translated_write
    async def find_one_and_update(
        self, model: str, query: Query, changes: Changes
    ) -> Document | None:
        """Update the first document of the query's order; ``None`` if none matches.

        One that another writes at the same moment is passed over, as long as there are others.
        """
        return await self._claim(model, query, partial(self._updated, model, changes))

    async def _updated(self, model: str, changes: Changes, found: Found) -> Document | None:
        write = await self._change(model, found.document.id, found, changes, None)
        return None if write is None else write.document()

    @translated_write
    async def find_one_and_delete(self, model: str, query: Query) -> Document | None:
        """Delete the first document of the query's order and return it; ``None`` if none matches.

        One that another writes at the same moment is passed over, as long as there are others.
        """
        return await self._claim(model, query, partial(self._deleted, model))

    async def _deleted(self, model: str, found: Found) -> Document | None:
        is_ours = await self._delete(model, found.document.id, found.etag)
        return found.document if is_ours else None

    async def _claim(
        self, model: str, query: Query, take: Callable[[Found], Any]
    ) -> Document | None:
        """The first document that `take` gives, which gives none for what others have changed."""
        wanted, lost = self._crowd.wanted, 0
        for _ in range(_ATTEMPTS):
            found = await self._first(model, query.only(limit=wanted, fields=None))
            if not found:
                return None
            while found:
                taken: Document | None = await take(found.pop(0))
                if taken is not None:
                    self._crowd.met(lost)
                    return taken
                lost += 1
                found = scattered(found, query.sort)
            wanted = self._crowd.more(wanted)
        raise contended(model, "")

    async def _first(self, model: str, query: Query) -> list[Found]:
        """The first documents of a query, each with its etag: by one query if one can tell."""
        declared = await self._declared(model)
        living = query.only(tree=await self._living(model, query.tree))
        look = compile_look(living, declared.types, declared.sorted_paths)
        seen = None if look is None else await self._seen(model, look, query.limit or 1)
        return await self._found(model, query) if seen is None else seen

    async def _seen(self, model: str, look: Look, wanted: int) -> list[Found] | None:
        """What a look at each partition gives; ``None`` if others may come before it."""
        ranges = await self._ranges(model)
        share = share_of(wanted, len(ranges))
        statement = look.statement(share)
        calls = [partial(self._rows, model, statement, share, [each]) for each in ranges]
        parts = [[Found.of(row) for row in rows] for rows in await self._workers.fan_out(calls)]
        return look.merged(parts, share)
