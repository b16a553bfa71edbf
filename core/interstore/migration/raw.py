"""Raw documents: what others wrote, before it is known whether documents can hold it.

Sources that others wrote have no versions and times, and values that did not come through the
door of a store: integers of any size, for example. An engine that reads such a source says so by
``raw = True``, and gives `RawDocument` objects. A migration makes them documents, or refuses them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from interstore.document import Document, make_document
from interstore.errors import InvalidDocumentError
from interstore.names import id_problem
from interstore.plugins.apply import inside
from interstore.values import canonical_fields

if TYPE_CHECKING:
    from interstore._sync.operations import Operations

__all__ = ["RawDocument", "at_door", "is_raw"]

_NEVER: Final = "1970-01-01T00:00:00.000000Z"


class RawDocument(Document):
    """A record, row or document of others.

    Attributes:
        problem: why it cannot be read as one; its fields then show what stands there.
        nameless: whether it has no id of its own; `id` then tells where it stands.
    """

    __slots__ = ("nameless", "problem")

    def __init__(
        self, fields: Mapping[str, Any], *, id: str, nameless: bool = False, problem: str = ""
    ) -> None:
        super().__init__(fields, id=id, version=1, created=_NEVER, updated=_NEVER)
        self.nameless = nameless
        self.problem = problem

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restore, (self.fields(), self.id, self.nameless, self.problem))


def _restore(fields: dict[str, Any], id: str, nameless: bool, problem: str) -> RawDocument:
    return RawDocument(fields, id=id, nameless=nameless, problem=problem)


def is_raw(operations: Operations) -> bool:
    """Whether others wrote what the engine behind these operations reads."""
    database = operations.database
    return any(getattr(each, "raw", False) for each in (database, inside(database)))


def at_door(raw: RawDocument, document: Document) -> Document:
    """A document that a target can be given.

    Args:
        raw: as it was read.
        document: what the transform made of it.

    Raises:
        InvalidDocumentError: it holds what documents cannot hold, or has no id.
    """
    id = document["id"]
    if raw.nameless and id == raw["id"]:
        raise InvalidDocumentError(
            "it has no id: name the field that holds one with --id-from", id=id
        )
    if problem := id_problem(id):
        raise InvalidDocumentError(f"its id {id!r:.80} {problem}", id=id)
    fields = canonical_fields(document.fields())
    return make_document(fields, id, document.version, document.created, document.updated)
