# Generated from backends/interstore_backends/mongodb/_async/watching.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 4b6ae6383ed3acd156d95b9e

"""Following the changes of a model: change streams of the server."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from pymongo.errors import OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern

from interstore.errors import UnsupportedError
from interstore.watching import ChangePage, expired, not_watched
from interstore_backends.mongodb._sync.connection import translated
from interstore_backends.mongodb._sync.updates import Updates
from interstore_backends.mongodb.changes import (
    ENDS,
    LOST,
    PIPELINE,
    Place,
    changes_of,
    held_changes_of,
    is_unknown_option,
    position_of,
    reached,
)
from interstore_backends.mongodb.driver import DriverChangeStream

__all__ = ["Watching", "place_in"]

_OPEN: Final = 64
"""Streams that are kept open from one page to the next. One more, and the oldest is closed."""
_BATCH: Final = 100
_AWAIT_MS: Final = 100


class Watching(Updates):
    """The operations about changes.

    A stream is kept for whoever goes on where it stands; it holds nothing that another one,
    opened at the same position, would not give.
    """

    @translated
    def enable_watch(self, model: str, retention: float) -> None:
        """Have the server keep what is written over: it is part of the changes.

        How long, the size of the oplog decides, and not `retention`.

        Raises:
            UnsupportedError: it is a single server, or older than 6.0.
        """
        self._check_replicated("does not tell changes")
        self._writable(model)
        self._keep_images(model, True)

    @translated
    def disable_watch(self, model: str) -> bool:
        """Have it no longer; return whether it did."""
        if not self._state(model)[0]:
            return False
        self._keep_images(model, False)
        return True

    def _keep_images(self, model: str, enabled: bool) -> None:
        try:
            self._database().command(
                {"collMod": model, "changeStreamPreAndPostImages": {"enabled": enabled}}
            )
        except OperationFailure as error:
            if not is_unknown_option(error.code):
                raise
            raise UnsupportedError(
                f"{self._settings.place} does not keep what is written over, which the changes of "
                'a model are told with; MongoDB 6.0 does. Ask for {"@updated_at": {"$gt": ...}} '
                "from time to time",
                backend="mongodb",
            ) from error

    def _state(self, model: str) -> tuple[bool, int]:
        """Whether changes of the model are told, and how far the server is."""
        found = self._database().command({"listCollections": 1, "filter": {"name": model}})
        at = found["operationTime"]
        for each in found["cursor"]["firstBatch"]:
            images = each["options"].get("changeStreamPreAndPostImages", {})
            return bool(images.get("enabled")), reached(at.time, at.inc)
        return False, 0

    @translated
    def start_watch(self, model: str, since: str | None) -> str:
        """A position: behind `since`, or behind all that was committed."""
        data = None if since is None else Place.of(since, model).data
        self._check_replicated("does not tell changes")
        enabled, self._began[model] = self._state(model)
        if not enabled:
            raise not_watched(model, "mongodb")
        stream = self._stream(model, data)
        token = position_of(model, place_in(stream)) if since is None else since
        self._keep(model, token, stream)
        return token

    @translated
    def read_changes(self, model: str, after: str, wait: float) -> ChangePage:
        """The next changes after a position: those that the driver holds, a hundred at most."""
        place = Place.of(after, model)
        stream = self._streams.pop((model, after), None) or self._stream(model, place.data)
        try:
            event = self._next(model, stream, wait)
            if event is not None and event["operationType"] in ENDS:
                raise expired(model, "mongodb", "it was dropped or renamed")
            changes = [] if event is None else changes_of(model, event, place)
            while event is not None and len(changes) < _BATCH - 1:
                following = held_changes_of(model, stream, event)
                if not following:
                    break
                event = stream.try_next()
                changes += following
            assert stream.resume_token is not None  # it was resumed from one
            token = position_of(model, stream.resume_token)
        except BaseException as error:
            with suppress(PyMongoError):
                stream.close()
            if isinstance(error, OperationFailure) and error.code in LOST:
                raise _lost(model) from error
            raise
        self._keep(model, token, stream)
        # Those of one transaction have the same time.
        more = bool(changes) and _reached(stream) <= self._began.get(model, 0)
        return ChangePage(changes, token, more)

    def _next(self, model: str, stream: DriverChangeStream[Any], wait: float) -> Any:
        """The next event; ``None`` if there is none, with all looked through up to now."""
        deadline = time.monotonic() + wait
        upto = 0
        while True:
            event = stream.try_next()
            if event is not None:
                return event
            if time.monotonic() < deadline:
                continue
            if not upto:
                enabled, upto = self._state(model)
                if not enabled:
                    raise expired(model, "mongodb", "it was dropped, or disable_watch called")
            # The server may have come to the end of its time, and not of its log.
            if _reached(stream) >= upto:
                return None

    def _stream(self, model: str, data: str | None) -> DriverChangeStream[Any]:
        try:
            # What a majority has: nothing else is sure to have happened.
            collection = self._collection(model).with_options(read_concern=ReadConcern("majority"))
            return collection.watch(
                PIPELINE,
                full_document="required",
                full_document_before_change="required",
                resume_after=None if data is None else {"_data": data},
                batch_size=_BATCH,
                max_await_time_ms=_AWAIT_MS,
            )
        except OperationFailure as error:
            if error.code in LOST:
                raise _lost(model) from error
            raise

    def _keep(self, model: str, token: str, stream: DriverChangeStream[Any]) -> None:
        if len(self._streams) >= _OPEN:
            oldest = next(iter(self._streams))
            self._close(*oldest)
        self._close(model, token)
        self._streams[model, token] = stream

    @translated
    def end_watch(self, model: str, after: str) -> None:
        """Close the stream that stands at the position."""
        self._close(model, after)

    def _close(self, model: str, token: str) -> None:
        stream = self._streams.pop((model, token), None)
        if stream is not None:
            with suppress(PyMongoError):
                stream.close()

    def disconnect(self) -> None:
        for place in list(self._streams):
            self._close(*place)
        super().disconnect()


def place_in(stream: DriverChangeStream[Any]) -> Mapping[str, Any]:
    """Where a stream stands that has just been opened.

    What was written while it was opened may be in the first reply, and there is no place before
    that: it counts as committed, and is passed over.
    """
    while (token := stream.resume_token) is None:
        stream.try_next()
    return token


def _reached(stream: DriverChangeStream[Any]) -> int:
    data = str((stream.resume_token or {}).get("_data", ""))
    return int(data[2:18] or "0", 16)


def _lost(model: str) -> Exception:
    return expired(model, "mongodb", "the oplog or the kept versions do not reach back so far")
