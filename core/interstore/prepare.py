"""From what a caller hands over to what an engine receives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from interstore.bulk import Outcome, WriteOutcome
from interstore.document import Document
from interstore.errors import InvalidDocumentError, InvalidQueryError
from interstore.names import id_problem, new_id, plain_id
from interstore.prepared import Write
from interstore.values import canonical_fields

if TYPE_CHECKING:
    from interstore.filters.builder import Expression

__all__ = [
    "Filter",
    "OnError",
    "Sort",
    "batches",
    "check_if_version",
    "prepare_put",
    "prepare_write",
    "with_outcomes",
]

Filter: TypeAlias = "Mapping[Any, Any] | Expression | None"
"""A filter as callers give it."""

Sort: TypeAlias = "str | Iterable[Any] | None"
"""A sort order as callers give it."""

OnError: TypeAlias = Literal["raise", "report"]
"""What a bulk call does when documents fail: raise `BulkError`, or return the result."""


def prepare_write(model: str, data: Any, time: str, expires: str | None = None) -> Write:
    """A new document, encoded, with its id.

    Raises:
        InvalidDocumentError: `data` cannot be stored portably.
    """
    try:
        fields = canonical_fields(data)
        if "id" in fields:
            del fields["id"]
            id = plain_id(data["id"])
            problem = id_problem(id)
            if problem is not None:
                raise InvalidDocumentError(f"id {id!r:.80} {problem}", path="id")
        else:
            id = new_id()
    except InvalidDocumentError as error:
        error.model = model
        raise
    return Write(id, fields, version=1, created=time, updated=time, expires=expires)


def prepare_put(model: str, data: Any, time: str, expires: str | None = None) -> Write:
    """Like `prepare_write`, but refuses a document of which only a part was read."""
    if isinstance(data, Document) and data.partial:
        raise InvalidDocumentError(
            f"{model} {data.id!r} was read with fields=, so putting it would lose the other "
            "fields; use update, or read it whole",
            model=model,
            id=data.id,
        )
    return prepare_write(model, data, time, expires)


def check_if_version(if_version: Any) -> None:
    """Refuse what cannot be the version of a document."""
    if if_version is not None and (type(if_version) is not int or if_version < 1):
        raise InvalidQueryError(f"if_version is an integer from 1, not {if_version!r:.80}")


def batches(
    documents: Any, prepare: Callable[[Any], Write], size: int
) -> Iterator[list[Write | Outcome]]:
    """Prepared documents in lists of at most `size`, in order, no id twice in one list.

    A document that cannot be stored stands as the outcome that says so.
    """
    if isinstance(documents, (str, bytes, Mapping)) or not isinstance(documents, Iterable):
        raise InvalidDocumentError(
            f"a bulk call takes an iterable of documents, not {documents!r:.80}"
        )
    batch: list[Write | Outcome] = []
    ids: set[str] = set()
    for data in documents:
        each = _prepared(prepare, data)
        if len(batch) == size or each.id in ids:
            yield batch
            batch, ids = [], set()
        batch.append(each)
        if isinstance(each, Write):
            ids.add(each.id)
    if batch:
        yield batch


def with_outcomes(
    batch: list[Write | Outcome], reported: Sequence[WriteOutcome]
) -> Iterator[Outcome]:
    """What became of each of `batch`; `reported` is about the writes in it, in order."""
    reports = iter(reported)
    for each in batch:
        yield Outcome.of(each.id, next(reports)) if isinstance(each, Write) else each


def _prepared(prepare: Callable[[Any], Write], data: Any) -> Write | Outcome:
    try:
        write = prepare(data)
        write.json  # noqa: B018 (encoded here, so that too large a document fails alone)
    except InvalidDocumentError as error:
        id = data.get("id") if isinstance(data, Mapping) else getattr(data, "id", None)
        return Outcome(id if isinstance(id, str) else "", "failed", error=error)
    return write
