# Generated from core/interstore/_async/database.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: b731c892883f74718da1b078

"""The contract of an engine: seven operations, and what it may add to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from interstore.capabilities import Capabilities, Limits
from interstore.changes import Changes
from interstore.document import Document
from interstore.prepared import Query, Write

__all__ = ["Database"]


class Database(Protocol):
    """All that an engine must implement.

    Arguments are prepared and valid; they are the engine's to read, not to change or keep.
    Documents that it returns are the caller's own. Errors are those of
    `interstore.errors`. Every method may be called from several tasks at once.

    An engine may also define any operation of `Operations` under the same name and
    signature, where it has a faster or more atomic way than the default built on these
    seven; and those that its `capabilities` declare.
    """

    name: str
    """The engine's name, as errors and reports show it."""
    capabilities: Capabilities
    """What it can do beyond the seven."""
    limits: Limits
    """What it can hold."""

    def connect(self) -> None:
        """Make the engine ready; safe to call again after `disconnect`.

        Raises:
            UnavailableError, PermissionDeniedError, ConfigurationError, CorruptionError.
        """

    def disconnect(self) -> None:
        """Give everything back. Called again, it does nothing."""

    def create(self, model: str, write: Write) -> Document:
        """Store a document that must not exist yet; return ``write.document()``.

        Raises:
            DuplicateError: the id exists.
        """
        ...

    def find_by_id(self, model: str, id: str) -> Document | None:
        """The document, or ``None`` (also where the model does not exist)."""
        ...

    def update(
        self, model: str, id: str, changes: Changes, *, if_version: int | None = None
    ) -> Document:
        """Apply `changes` to one document atomically; return it as it is now.

        The version grows by one. If `changes` is empty, nothing is written.

        Raises:
            NotFoundError: there is no such document.
            ConflictError: its version is not `if_version`.
            InvalidDocumentError: a path meets a value of the wrong type.
        """
        ...

    def delete(
        self,
        model: str,
        id: str,
        *,
        if_version: int | None = None,
        if_created: str | None = None,
    ) -> bool:
        """Remove one document; return whether there was one.

        Args:
            model: the name of the model.
            id: the document's id.
            if_version: only in this version.
            if_created: with `if_version`: only if it was created then, as canonical text. One
                that was deleted and made anew may have the same version.

        Raises:
            NotFoundError: `if_version` is given and there is no such document.
            ConflictError: its version is not `if_version`, or it was created at another time.
        """
        ...

    def find(self, model: str, query: Query) -> Iterable[Document]:
        """The documents that the query asks for, in its order, no more than its limit.

        An engine that declares ``filter="core"`` may ignore the query and return every
        document, in any order.
        """
        ...
