"""What a transform makes of a page of documents: one function for copying and for verifying."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from interstore.document import Document
from interstore.errors import InvalidDocumentError
from interstore.migration.raw import RawDocument, at_door
from interstore.migration.refusals import Refused, refused_by
from interstore.migration.risks import Risk, risks_of
from interstore.migration.transform import Transform, check_repeatable, compile_transform

__all__ = ["PageTransform", "Transformed"]


@dataclass(slots=True)
class Transformed:
    """What became of a page.

    Attributes:
        originals: the documents that go on, as they were read.
        documents: what each of them became.
        filtered: how many were left out on purpose.
        refused: those that could not become what was asked for.
        risks: of those that others wrote and documents cannot hold: all that stands against each.
    """

    originals: list[Document]
    documents: list[Document]
    filtered: int = 0
    refused: list[Refused] = field(default_factory=list)
    risks: list[tuple[str, list[Risk]]] = field(default_factory=list)


class PageTransform:
    """The transform of one model's documents, a page at a time. Raw ones go through the door last.

    Args:
        transform: what is done to each; ``None`` for nothing.
        model: the model's name in the source.
        repeat: whether the first page is transformed twice and compared.

    Raises:
        ConfigurationError: the transform's function is not there, or not the one that was
            planned.
    """

    def __init__(self, transform: Transform | None, model: str, *, repeat: bool = False) -> None:
        self._apply = compile_transform(transform, model)
        self._unproved = repeat and transform is not None and transform.function is not None

    def __call__(self, documents: Sequence[Document]) -> Transformed:
        """What becomes of these documents.

        Raises:
            ConfigurationError: the transform gives something else the second time.
        """
        if self._apply is not None and self._unproved:
            check_repeatable(self._apply, [each for each in documents if not _problem(each)])
            self._unproved = False
        raw = bool(documents) and isinstance(documents[0], RawDocument)
        if self._apply is None and not raw:
            unchanged = list(documents)
            return Transformed(unchanged, unchanged)
        page = Transformed([], [])
        for document in documents:
            if problem := _problem(document):
                error = InvalidDocumentError(problem)
                page.refused.append(refused_by(document, error, "unreadable"))
            else:
                self._add(page, document)
        return page

    def _add(self, page: Transformed, document: Document) -> None:
        try:
            changed = document if self._apply is None else self._apply(document)
        except InvalidDocumentError as error:
            page.refused.append(refused_by(document, error, "transform"))
            return
        if changed is None:
            page.filtered += 1
            return
        if isinstance(document, RawDocument):
            try:
                changed = at_door(document, changed)
            except InvalidDocumentError as error:
                risks = risks_of(document, changed) or [Risk("type")]
                page.risks.append((document["id"], risks))
                page.refused.append(refused_by(document, error, risks[0].code))
                return
        page.originals.append(document)
        page.documents.append(changed)


def _problem(document: Document) -> str:
    """Why it could not even be read."""
    return document.problem if isinstance(document, RawDocument) else ""
