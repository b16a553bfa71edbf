"""Events of change streams, and the positions between them.

https://www.mongodb.com/docs/manual/reference/change-events/
https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from interstore.errors import ConfigurationError
from interstore.watching import Change, Changed, Deleted, decode_position, encode_position
from interstore_backends.mongodb.keys import ENVELOPE
from interstore_backends.mongodb.records import not_ours, read_document

__all__ = [
    "ENDS", "LOST", "PIPELINE", "Place", "changes_of", "held_changes_of", "is_unknown_option",
    "position_of", "reached",
]  # fmt: skip

PIPELINE: Final[list[dict[str, Any]]] = [
    {
        "$project": {
            "operationType": 1,
            "documentKey": 1,
            "fullDocument": 1,
            # No more: together with the document it might be longer than an event may be.
            "fullDocumentBeforeChange": {ENVELOPE: {"version": 1, "created_at": 1, "expires": 1}},
        }
    }
]
"""What is needed of an event."""

ENDS: Final = frozenset({"drop", "rename", "dropDatabase", "invalidate"})
"""Events after which there is no collection of that name any more."""

LOST: Final = frozenset(
    {
        47,  # NoMatchingDocument: an image is not kept any more
        136,  # CappedPositionLost
        260,  # InvalidResumeToken
        280,  # ChangeStreamFatalError: the token is not in the oplog
        286,  # ChangeStreamHistoryLost
    }
)
"""The codes of errors that say: what follows is not known."""


def is_unknown_option(code: Any) -> bool:
    """Whether the server does not know what it was asked to set."""
    return code in (72, 40415)  # InvalidOptions, IDLUnknownField


def reached(seconds: int, increment: int) -> int:
    """A point of the server's logical time as one number; its tokens begin with it."""
    return seconds << 32 | increment


def position_of(model: str, resume_token: Mapping[str, Any]) -> str:
    """The token of a position."""
    return encode_position("mongodb", model, (resume_token["_data"],))


class Place(NamedTuple):
    """What a token says.

    Attributes:
        data: the server's resume token.
        within: whether the first change of the event that follows was given: the removal of a
            document that had expired, in whose place another was written.
    """

    data: str
    within: bool = False

    @classmethod
    def of(cls, token: str, model: str) -> Place:
        """That of a token."""
        [data] = decode_position(token, "mongodb", model, tuple[str])
        return cls(data.removesuffix(_WITHIN), data.endswith(_WITHIN))


_WITHIN: Final = "+"


def changes_of(model: str, event: Mapping[str, Any], place: Place) -> list[Change]:
    """The changes that an event tells which follows a place: one, or two.

    Raises:
        ConfigurationError: the document is not one that Interstore wrote.
    """
    change = _change_of(model, event)
    if not place.within and isinstance(change, Changed):
        before = (event.get("fullDocumentBeforeChange") or {}).get(ENVELOPE) or {}
        if before.get("expires") and before.get("created_at") != change.document.created:
            token = encode_position("mongodb", model, (place.data + _WITHIN,))
            return [Deleted(change.id, int(before["version"]), token), change]
    return [change]


def held_changes_of(model: str, stream: Any, event: Mapping[str, Any]) -> list[Change]:
    """What the event behind this one tells, if the driver has it already and it tells of changes.

    Nothing public says whether it has; if a driver keeps its events elsewhere, there are none.
    What cannot be told is left to be found as the first of the next changes.
    """
    held = getattr(getattr(stream, "_cursor", None), "_data", None)
    if not held or not isinstance(held[0], dict) or held[0].get("operationType") in ENDS:
        return []
    try:
        return changes_of(model, held[0], Place(event["_id"]["_data"]))
    except ConfigurationError:
        # As far as it was used up.
        held[0]["fullDocument"]["_id"] = held[0]["documentKey"]["_id"]
        return []


def _change_of(model: str, event: Mapping[str, Any]) -> Change:
    id = event["documentKey"]["_id"]
    token = position_of(model, event["_id"])
    if event["operationType"] == "delete":
        try:
            version = int(event["fullDocumentBeforeChange"][ENVELOPE]["version"])
        except (KeyError, TypeError):
            raise not_ours(id) from None
        return Deleted(id, version, token)
    document = read_document(event["fullDocument"])
    return Changed(id, document.version, document, token)
