"""`BlobRef`: how a document refers to a blob; and the keys of blobs that documents own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from hashlib import blake2b
from typing import Any, Final

from interstore.errors import InvalidDocumentError
from interstore.names import new_id
from interstore.paths import Path

__all__ = [
    "SHARED",
    "BlobRef",
    "is_reference",
    "is_shared",
    "new_key",
    "owner_prefix",
    "references",
    "shared_key",
]

SHARED: Final = "~sha256"
"""Stands where owned keys have a model, in keys that are made of the content."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}\Z")
_EXTENSION: Final = re.compile(r"\.[A-Za-z0-9]{1,16}\Z")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlobRef(Mapping[str, Any]):
    """A reference to a blob, as it stands in a document.

    It is a mapping, equal to the plain object that the document holds: put it into documents
    as it is, and declare fields of your own classes as ``BlobRef`` or ``BlobRef | None``.

    Attributes:
        store: the name of the blob store.
        key: the blob's key in it.
        size: bytes of its content.
        sha256: of its content, in lower-case hexadecimal.
        content_type: its media type.
    """

    store: str
    key: str
    size: int
    sha256: str
    content_type: str

    @classmethod
    def of(cls, value: Any) -> BlobRef:
        """The reference that stands in a document.

        Raises:
            InvalidDocumentError: `value` is none.
        """
        if isinstance(value, BlobRef):
            return value
        if not is_reference(value):
            raise InvalidDocumentError(
                f"{value!r:.80} is not a reference to a blob: one has {', '.join(_NAMES)}"
            )
        return cls(**value)

    def __getitem__(self, name: str) -> Any:
        if name in _NAMES:
            return getattr(self, name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMES)

    def __len__(self) -> int:
        return len(_NAMES)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and dict(self) == dict(other)

    def __hash__(self) -> int:
        return hash((self.store, self.key, self.sha256))


_NAMES: Final = tuple(field.name for field in fields(BlobRef))


def is_reference(value: Any) -> bool:
    """Whether this is a reference: an object of exactly its five fields, of their types."""
    return (
        isinstance(value, Mapping)
        and len(value) == len(_NAMES)
        and all(isinstance(value.get(name), int if name == "size" else str) for name in _NAMES)
        and value["size"] is not True
        and value["size"] is not False
        and value["size"] >= 0
        and _DIGEST.match(value["sha256"]) is not None
    )


def references(value: Any, path: Path = ()) -> Iterator[tuple[Path, BlobRef]]:
    """Every reference in a document or a part of one, and where it stands."""
    if isinstance(value, Mapping):
        if is_reference(value):
            yield path, BlobRef.of(value)
            return
        for name, item in value.items():
            if isinstance(item, (Mapping, list)):
                yield from references(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, (Mapping, list)):
                yield from references(item, (*path, index))


def owner_prefix(prefix: str, model: str, id: str) -> str:
    """What the keys of all blobs that a document owns begin with."""
    if not _PLAIN.match(id):
        id = "~" + blake2b(id.encode(), digest_size=16).hexdigest()
    return f"{prefix}{model}/{id}/"


def new_key(prefix: str, model: str, id: str, filename: str = "") -> str:
    """A key that no other blob has or had, with the extension of `filename`."""
    return owner_prefix(prefix, model, id) + new_id() + _extension(filename)


def shared_key(prefix: str, sha256: str) -> str:
    """The key of whatever has this content."""
    return f"{prefix}{SHARED}/{sha256[:2]}/{sha256}"


def is_shared(prefix: str, key: str) -> bool:
    """Whether the key is made of a content, so that several documents may refer to it."""
    return key.startswith(f"{prefix}{SHARED}/")


def _extension(filename: str) -> str:
    match = _EXTENSION.search(filename)
    return match[0].lower() if match else ""
