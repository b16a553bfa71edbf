"""What attaching blobs to documents is told, and what it looks for in a document."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal, TypeAlias

from interstore.blobs.keys import check_prefix
from interstore.blobs.reference import BlobRef, is_reference, is_shared
from interstore.changes import KeyPath
from interstore.changes_parse import parse_changes
from interstore.document import Document
from interstore.errors import (
    ConfigurationError,
    ConflictError,
    DuplicateError,
    InvalidDocumentError,
    InvalidQueryError,
    NotFoundError,
    UnsupportedError,
)
from interstore.names import check_model
from interstore.paths import MISSING, resolve, show_path

__all__ = [
    "FRESH",
    "PREFIX",
    "AttachmentRules",
    "OnDelete",
    "check_version",
    "filename_of",
    "is_unapplied",
    "parse_place",
    "removal",
    "replaced",
]

PREFIX: Final = "attachments/"
"""What the keys of attached blobs begin with, unless it is said otherwise."""

FRESH: Final = timedelta(hours=1)
"""A shared blob that was written longer ago is written anew when it is attached again."""

OnDelete: TypeAlias = Literal["delete", "keep"]
"""What becomes of a blob when the document that owns it is removed, or its reference is."""

_POLICIES: Final = ("delete", "keep")

_UNAPPLIED: Final = (
    ConflictError,
    DuplicateError,
    InvalidDocumentError,
    InvalidQueryError,
    NotFoundError,
    UnsupportedError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentRules:
    """How blobs are attached.

    Attributes:
        on_delete: for all models; or by model, then ``"delete"`` for those that are not named.
        deduplicate: whether keys are made of the contents.
        prefix: what all keys begin with; empty, or ending with ``/``.
    """

    on_delete: OnDelete | Mapping[str, OnDelete] = "delete"
    deduplicate: bool = False
    prefix: str = PREFIX

    def __post_init__(self) -> None:
        by_model = self.on_delete if isinstance(self.on_delete, Mapping) else {}
        for model in by_model:
            check_model(model)
        for policy in by_model.values() if by_model is self.on_delete else [self.on_delete]:
            _check_policy(policy)
        check_prefix(self.prefix)
        if self.prefix and not self.prefix.endswith("/"):
            raise ConfigurationError(
                f"the prefix {self.prefix!r} does not end with '/', so others could begin alike"
            )
        if len(self.prefix.encode()) > 200:
            raise ConfigurationError("the prefix has more than 200 bytes: keys have 1,024 in all")

    def policy(self, model: str, given: OnDelete | None) -> OnDelete:
        """What becomes of the blobs of a model's documents."""
        if given is not None:
            return _check_policy(given)
        if isinstance(self.on_delete, Mapping):
            return self.on_delete.get(model, "delete")
        return self.on_delete

    def is_shared(self, key: str) -> bool:
        """Whether several documents may refer to the blob."""
        return is_shared(self.prefix, key)


def _check_policy(policy: Any) -> OnDelete:
    if policy not in _POLICIES:
        raise InvalidQueryError(f"what becomes of blobs is 'delete' or 'keep', not {policy!r:.80}")
    checked: OnDelete = policy
    return checked


def filename_of(source: Any) -> str:
    """The name of a file that is given by its path or open; empty of anything else."""
    if isinstance(source, os.PathLike):
        return os.path.basename(os.fsdecode(source))
    name = getattr(source, "name", None)
    return os.path.basename(name) if isinstance(name, str) else ""


def parse_place(id: str, path: Any) -> KeyPath:
    """The path of a field, as an update takes it.

    Raises:
        InvalidDocumentError: no update can write there.
    """
    return parse_changes(id, {"$unset": [path]}, "").changes[0].path


def check_version(document: Document, if_version: int | None) -> None:
    """Refuse before any content is sent what would be refused after it.

    Raises:
        ConflictError: the document has another version.
    """
    if if_version is not None and document.version != if_version:
        raise ConflictError(
            f"document {document.id!r} has version {document.version}, not {if_version}",
            expected=if_version,
            found=document.version,
            id=document.id,
        )


def is_unapplied(error: BaseException) -> bool:
    """Whether a write that ended so has certainly not been applied, and never will be."""
    return isinstance(error, _UNAPPLIED)


def replaced(document: Document, path: KeyPath) -> BlobRef | None:
    """The reference that a new one takes the place of.

    Raises:
        InvalidDocumentError: something else stands there.
    """
    found = resolve(document, path)
    if found is MISSING or found is None:
        return None
    if not is_reference(found):
        raise _other(document, path, found)
    return BlobRef.of(found)


def removal(
    document: Document, path: KeyPath, key: str | None
) -> tuple[list[BlobRef], dict[str, Any]]:
    """The references to remove, and the changes that do it; no references if there are none.

    Raises:
        NotFoundError: the list has no reference with that key.
        InvalidDocumentError: something else stands there.
    """
    found = resolve(document, path)
    if found is MISSING or found is None:
        return [], {}
    items = found if isinstance(found, list) else [found]
    if not all(is_reference(item) for item in items):
        raise _other(document, path, found)
    gone = [BlobRef.of(item) for item in items if key is None or item["key"] == key]
    if not gone and key is not None:
        raise NotFoundError(
            f"{show_path(path)} of document {document.id!r} has no reference with the key {key!r}",
            id=document.id,
        )
    if len(gone) == len(items):
        return gone, {"$unset": [path]}
    return gone, {"$set": {path: [item for item in items if item["key"] != key]}}


def _other(document: Document, path: KeyPath, found: Any) -> InvalidDocumentError:
    return InvalidDocumentError(
        f"{show_path(path)} of document {document.id!r} holds {found!r:.80}, which is not a "
        "reference to a blob; nothing was changed",
        path=show_path(path),
        id=document.id,
    )
