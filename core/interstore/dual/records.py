"""The records of a move, and the documents that they are kept as."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias, TypeVar

import msgspec

from interstore.document import Document
from interstore.errors import CorruptionError
from interstore.prepared import Write
from interstore.times import now

__all__ = ["CONTROL", "INTENT", "MODEL", "WRITER", "Control", "Intent", "Side", "Writer"]

MODEL: Final = "interstore-moving"
"""The model that holds them: a reserved name, which `Store.models` does not show."""

CONTROL: Final = "control"
WRITER: Final = "writer-"
INTENT: Final = "intent-"
"""What their ids begin with."""

Side: TypeAlias = Literal["source", "target"]

T = TypeVar("T", bound=msgspec.Struct)


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a move.

    Attributes:
        run: the name of the run.
        epoch: one more with each hand-over; of two control documents, the higher is right.
        primary: where the application reads, and writes first.
        phase: ``"open"``: all that is written goes to both stores; ``"held"``: writes wait;
            ``"ended"``: the primary is the only store.
        target: the identity of the target, as `interstore.migration.references.identity_of` has it.
        hold: seconds after which writers no longer wait, and open again what is held.
        handovers: how often the data was handed over, in this run and those before it that were
            given up. Positions in the changes of a store hold until the next time.
    """

    run: str
    epoch: int
    primary: Side
    phase: Literal["open", "held", "ended"]
    target: str
    hold: float = 10.0
    handovers: int = 0

    def follows(self, other: Control) -> bool:
        """Whether it is as new as another one of the same run.

        Of one epoch, what is open may be held, and open again; what is ended stays ended.
        """
        return self.epoch > other.epoch or (
            self.epoch == other.epoch and (other.phase != "ended" or self.phase == "ended")
        )


class Writer(msgspec.Struct, frozen=True, kw_only=True):
    """The lease of a process that writes. It counts for `lease` seconds since it last changed.

    Attributes:
        owner: a name for it, for as long as its lease has not lapsed.
        process: host and process id, for people.
        target: the identity of the store that it writes to as well.
        lease: seconds.
        seen: the version of the control document that it goes by, and that no operation of it
            precedes which is not done; 0 if there was none.
        beats: one more with each renewal.
        trouble: why what it wrote does not reach the other store; empty if it does.
    """

    owner: str
    process: str
    target: str
    lease: float
    seen: int = 0
    beats: int = 0
    trouble: str = ""


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """Documents that are being written to the primary, and may not be in the other store yet."""

    owner: str
    model: str
    ids: list[str]


def as_write(id: str, record: msgspec.Struct) -> Write:
    """A record as the first version of a document."""
    time = now()
    return Write(id, msgspec.to_builtins(record), version=1, created=time, updated=time)


def as_record(document: Document, kind: type[T]) -> T:
    """The record that a document holds.

    Raises:
        CorruptionError: it is none of this kind.
    """
    fields: dict[str, Any] = document.fields()
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise CorruptionError(
            f"{MODEL} {document.id!r} is not what this version of Interstore keeps there: {error}",
            model=MODEL,
            id=document.id,
        ) from None
