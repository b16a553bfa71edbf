"""What a transform makes of a page of documents: one function for copying and for verifying."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from interstore.document import Document
from interstore.errors import InvalidDocumentError
from interstore.migration.refusals import Refused, refused_by
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
    """

    originals: list[Document]
    documents: list[Document]
    filtered: int = 0
    refused: list[Refused] = field(default_factory=list)


class PageTransform:
    """The transform of one model's documents, a page at a time.

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
        apply = self._apply
        if apply is None:
            unchanged = list(documents)
            return Transformed(unchanged, unchanged)
        if self._unproved:
            check_repeatable(apply, documents)
            self._unproved = False
        page = Transformed([], [])
        for document in documents:
            try:
                changed = apply(document)
            except InvalidDocumentError as error:
                page.refused.append(refused_by(document, error, "transform"))
                continue
            if changed is None:
                page.filtered += 1
            else:
                page.originals.append(document)
                page.documents.append(changed)
        return page
