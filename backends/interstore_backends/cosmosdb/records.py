"""Items, to and from Interstore's documents."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any, Final

from interstore.document import Document, make_document
from interstore.errors import ConfigurationError
from interstore.expiry import has_expired, seconds_until
from interstore.prepared import Write
from interstore.values import MAX_INTEGER
from interstore_backends.cosmosdb.keys import ENVELOPE, escape_fields, escape_id, unescape_fields

__all__ = ["Found", "envelope_of", "not_ours", "read_item", "stored"]


def stored(write: Write) -> dict[str, Any]:
    """The item to store.

    Raises:
        InvalidDocumentError: it is too large.
    """
    _ = write.json  # which is where size is judged
    item = {
        "id": escape_id(write.id),
        **escape_fields(write.fields),
        ENVELOPE: envelope_of(write),
    }
    if write.expires is not None:
        # Counted from now on, whole seconds: the item goes a little later than the document.
        item["ttl"] = min(max(1, ceil(seconds_until(write.expires))), _LONGEST)
    return item


_LONGEST: Final = 2**31 - 1


def envelope_of(write: Write) -> dict[str, Any]:
    """The id as it is, version and times."""
    envelope: dict[str, Any] = {
        "id": write.id,
        "version": write.version,
        "created_at": write.created,
        "updated_at": write.updated,
    }
    if write.expires is not None:
        envelope["expires"] = write.expires
    return envelope


def read_item(item: dict[str, Any]) -> Document:
    """The document of an item, which is used up.

    Raises:
        ConfigurationError: it is not one that Interstore wrote.
    """
    envelope = item.pop(ENVELOPE, None)
    try:
        return make_document(
            _canonical(unescape_fields(item)),
            envelope["id"],
            int(envelope["version"]),
            envelope["created_at"],
            envelope["updated_at"],
            envelope.get("expires"),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise not_ours(item.get("id")) from None


@dataclass(frozen=True, slots=True)
class Found:
    """A document as it was read, and what the service calls that state of it."""

    document: Document
    etag: str

    @classmethod
    def of(cls, item: dict[str, Any]) -> Found:
        """That of an item, which is used up."""
        etag: str = item["_etag"]
        return cls(read_item(item), etag)

    @property
    def has_expired(self) -> bool:
        """Whether the document has ceased to exist, although the item is there."""
        return self.document.expires is not None and has_expired(self.document)


def _canonical(value: Any) -> Any:
    """`value` with its numbers as Interstore has them: the service keeps doubles, not digits."""
    kind = type(value)
    if kind is dict:
        for key, item in value.items():
            if type(item) in _OTHERS:
                value[key] = _canonical(item)
    elif kind is list:
        for place, item in enumerate(value):
            if type(item) in _OTHERS:
                value[place] = _canonical(item)
    elif kind is int:
        return value if -MAX_INTEGER <= value <= MAX_INTEGER else float(value)
    elif kind is float and value.is_integer() and -MAX_INTEGER <= value <= MAX_INTEGER:
        return int(value)
    return value


_OTHERS = frozenset({dict, list, int, float})


def not_ours(id: Any) -> ConfigurationError:
    """The error for an item that others wrote."""
    return ConfigurationError(
        f"the item with id {id!r} was not written by Interstore: it has no field {ENVELOPE!r} "
        "with its id, version and times. A container that others write to cannot be a model: "
        "store.foreign(...) opens it as it is",
        backend="cosmosdb",
        id=id if isinstance(id, str) else None,
    )
