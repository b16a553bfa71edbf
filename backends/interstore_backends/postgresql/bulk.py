"""Bulk writes: what goes into one statement, and what it says became of each document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from interstore.bulk import WriteOutcome
from interstore.errors import DuplicateError, InvalidDocumentError
from interstore.prepared import Write
from interstore_backends.postgresql.rows import json_of
from interstore_backends.postgresql.values import text_array

__all__ = ["Batch", "batches", "duplicate"]

_BATCH_BYTES: Final = 8_000_000
_encode: Final = msgspec.json.Encoder().encode


class Batch:
    """Documents for one statement.

    Attributes:
        places: where each stands among those of the call.
    """

    def __init__(self) -> None:
        self.writes: list[Write] = []
        self.places: list[int] = []
        self.bytes = 0

    @classmethod
    def of(cls, write: Write) -> Batch:
        """One document alone."""
        batch = cls()
        batch.add(0, write, 0)
        return batch

    def takes(self, write: Write, size: int, alike: bool) -> bool:
        """Whether one more has room, and is like the others if that is asked for."""
        if not self.writes:
            return True
        first = self.writes[0]
        return self.bytes + size <= _BATCH_BYTES and not (
            alike
            and (
                write.created != first.created
                or write.updated != first.updated
                or write.version != first.version
                or write.expires != first.expires
            )
        )

    def add(self, place: int, write: Write, size: int) -> None:
        self.writes.append(write)
        self.places.append(place)
        self.bytes += size

    @property
    def values(self) -> list[str | None]:
        """The operands for documents that are alike but for their ids and fields."""
        writes = sorted(self.writes, key=_id)
        return [
            text_array([write.id for write in writes]),
            (b"[%b]" % b",".join([write.json for write in writes])).decode(),
            str(writes[0].version),
            writes[0].created,
            writes[0].updated,
            writes[0].expires,
        ]

    @property
    def payload(self) -> str:
        """The rows as one JSON text, in the order of ids."""
        rows = [
            b'["%b",%d,"%b","%b",%b,%b]'
            % (
                write.id.encode() if _is_simple(write.id) else _encode(write.id)[1:-1],
                write.version,
                write.created.encode(),
                write.updated.encode(),
                b"null" if write.expires is None else b'"%b"' % write.expires.encode(),
                json_of(write),
            )
            for write in sorted(self.writes, key=_id)
        ]
        return (b"[%b]" % b",".join(rows)).decode()


def _id(write: Write) -> str:
    return write.id


def _is_simple(id: str) -> bool:
    """Whether it is written as it is in JSON; ids have no control characters."""
    return '"' not in id and "\\" not in id


def batches(
    writes: Sequence[Write], outcomes: list[WriteOutcome], *, alike: bool = False
) -> Iterator[Batch]:
    """The documents in batches of some megabytes; if `alike`, none with differing envelopes.

    `outcomes` gets an outcome for each: its version, or why it cannot be stored.
    """
    batch = Batch()
    for place, write in enumerate(writes):
        try:
            size = len(json_of(write))
        except InvalidDocumentError as error:
            outcomes.append(error)
            continue
        outcomes.append(write.version)
        if not batch.takes(write, size, alike):
            yield batch
            batch = Batch()
        batch.add(place, write, size)
    if batch.writes:
        yield batch


def duplicate(model: str, id: str) -> DuplicateError:
    """The error for a document that exists already."""
    return DuplicateError(
        f"{model} has a document {id!r} already", backend="postgresql", model=model, id=id
    )
