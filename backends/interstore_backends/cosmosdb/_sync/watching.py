# Generated from backends/interstore_backends/cosmosdb/_async/watching.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 183d11e9053b1cfab38da67b

"""Following the changes of a model: the change feed of its container."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final, NamedTuple

from azure.cosmos.exceptions import CosmosHttpResponseError

from interstore._compat import sleep
from interstore.watching import (
    PAGE,
    Changed,
    ChangePage,
    decode_position,
    encode_position,
    expired,
    not_watched,
)
from interstore_backends.cosmosdb._sync.connection import translated, translated_write, undisturbed
from interstore_backends.cosmosdb._sync.writes import Writes
from interstore_backends.cosmosdb.errors import is_gone
from interstore_backends.cosmosdb.records import read_item

__all__ = ["Watching"]

_PAUSE: Final = 0.5
"""Seconds between two looks at the service, each of which costs request units."""


class Position(NamedTuple):
    """Where a reader is.

    Attributes:
        ranges: of keys, each with the driver's continuation.
        turn: the range that is read next.
        number: of the last change that was given of its next page; 0 if none was.
        id: the item's. What a transaction wrote has one number.
    """

    ranges: list[tuple[dict[str, Any], str]]
    turn: int = 0
    number: int = 0
    id: str = ""

    def token(self, model: str) -> str:
        """As those who watch see it."""
        return encode_position("cosmosdb", model, self)


class Watching(Writes):
    """The operations about changes. The service keeps the latest version of each, always."""

    @translated_write
    def enable_watch(self, model: str, retention: float) -> None:
        """There is nothing to switch on; the container is made if there is none."""
        self._make(model)

    def disable_watch(self, model: str) -> bool:
        """Nor to switch off."""
        return False

    @translated
    def start_watch(self, model: str, since: str | None) -> str:
        """A position: behind `since`, or behind all that was written."""
        if since is not None:
            decode_position(since, "cosmosdb", model, Position)
        ranges = self._ranges(model)
        if not ranges:
            raise not_watched(model, "cosmosdb")
        if since is not None:
            return since
        calls = [partial(self._feed, model, each, "") for each in ranges]
        parts = self._workers.fan_out(calls)
        begun = [(each, part[1]) for each, part in zip(ranges, parts, strict=True)]
        return Position(begun).token(model)

    @translated
    def read_changes(self, model: str, after: str, wait: float) -> ChangePage:
        """The next changes after a position: a page of the first range that has any."""
        position = decode_position(after, "cosmosdb", model, Position)
        for _ in position.ranges:
            within, continuation = position.ranges[position.turn]
            items, following = self._feed(model, within, continuation)
            rest = list(position.ranges)
            rest[position.turn] = within, following
            behind = Position(rest, (position.turn + 1) % len(rest))
            given = position.number, position.id
            new = sorted((item for item in items if _place(item) > given), key=_place)
            changes = [self._told(model, item, position) for item in new[:PAGE]]
            if len(new) > PAGE:
                return ChangePage(changes, changes[-1].token)
            if changes:
                return ChangePage(changes, behind.token(model))
            position = behind
        if wait:
            sleep(min(wait, _PAUSE))
        return ChangePage((), position.token(model))

    def _told(self, model: str, item: dict[str, Any], position: Position) -> Changed:
        number, id = _place(item)
        del item["_lsn"]
        document = read_item(item)
        token = position._replace(number=number, id=id).token(model)
        return Changed(document.id, document.version, document, token)

    def _feed(
        self, model: str, within: dict[str, Any], continuation: str
    ) -> tuple[list[dict[str, Any]], str]:
        """A page of what was written within a range, and how to go on.

        It may be longer than asked for: the service does not part what a transaction wrote.
        https://learn.microsoft.com/dotnet/api/microsoft.azure.cosmos.changefeedrequestoptions.pagesizehint
        """
        answers: list[Mapping[str, str]] = []
        where: dict[str, Any] = {"feed_range": within, "start_time": "Now"}
        if continuation:
            where = {"continuation": continuation}

        def read() -> list[dict[str, Any]]:
            feed = self._container(model).query_items_change_feed(
                **where,
                max_item_count=PAGE,
                response_hook=lambda headers, _: answers.append(headers),
            )
            for page in feed.by_page():
                return [item for item in page]
            return []

        try:
            items = undisturbed(read)
        except CosmosHttpResponseError as error:
            if is_gone(error):
                raise expired(model, "cosmosdb", "it was dropped") from error
            raise
        except ValueError as error:  # the continuation is another container's
            raise expired(model, "cosmosdb", "the container was made anew") from error
        return items, str(answers[-1]["etag"])


def _place(item: Mapping[str, Any]) -> tuple[int, str]:
    """Where in the order of its range a change is given."""
    return item["_lsn"], item["id"]
