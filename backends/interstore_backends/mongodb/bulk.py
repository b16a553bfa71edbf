"""What becomes of each document of a bulk write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pymongo.errors import BulkWriteError, WriteConcernError, WriteError, WTimeoutError

from interstore.bulk import WriteOutcome
from interstore.errors import DuplicateError, InvalidDocumentError
from interstore.prepared import Write
from interstore_backends.mongodb.errors import (
    Translator,
    duplicate,
    is_duplicate,
    is_duplicate_id,
)
from interstore_backends.mongodb.records import stored

__all__ = ["Batch"]


class Batch:
    """Documents to write, sent once or several times, and the outcome of each, in order.

    Attributes:
        outcomes: as if all goes well, until something is known to have failed.
    """

    def __init__(self, model: str, writes: Sequence[Write]) -> None:
        self.outcomes: list[WriteOutcome] = [write.version for write in writes]
        self._model = model
        self._writes = writes
        self._sent: list[int] = []
        self._existing: list[int] = []

    def documents(self) -> list[dict[str, Any]]:
        """The documents to insert, without those that are too large."""
        documents: list[dict[str, Any]] = []
        for place, write in enumerate(self._writes):
            try:
                documents.append(stored(write))
            except InvalidDocumentError as error:
                self.outcomes[place] = error
            else:
                self._sent.append(place)
        return documents

    @property
    def existing(self) -> list[Write]:
        """The documents whose id was there when they were sent last."""
        return [self._writes[place] for place in self._existing]

    def again(self, outcomes: Iterable[int]) -> None:
        """`existing` is sent once more; with these outcomes, if all goes well."""
        self._sent, self._existing = self._existing, []
        for place, outcome in zip(self._sent, outcomes, strict=True):
            self.outcomes[place] = outcome

    def leave(self) -> list[WriteOutcome]:
        """The outcomes, where what was there stays as it was."""
        for place in self._existing:
            self.outcomes[place] = 0
        return self.outcomes

    def inserted(self, indexes: Iterable[int]) -> None:
        """Of what was sent, these replaced nothing: what they were meant for was gone."""
        for index in indexes:
            place = self._sent[index]
            self.outcomes[place] = self._writes[place].version

    def failed(self, error: BulkWriteError, translate: Translator) -> None:
        """Of what was sent, some failed.

        Raises:
            InterstoreError: for another reason than the document.
        """
        details = error.details
        self.inserted(each["index"] for each in details.get("upserted", ()))
        for problem in details.get("writeErrors", ()):
            self._one_failed(problem, translate)
        for problem in details.get("writeConcernErrors", ()):
            info = problem.get("errInfo") or {}
            kind = WTimeoutError if info.get("wtimeout") else WriteConcernError
            raise translate(kind(problem.get("errmsg", ""), problem.get("code"), problem))

    def _one_failed(self, problem: Mapping[str, Any], translate: Translator) -> None:
        place = self._sent[problem["index"]]
        id = self._writes[place].id
        if is_duplicate(problem["code"]):
            if is_duplicate_id(problem):
                self._existing.append(place)
            self.outcomes[place] = duplicate(self._model, id, problem)
            return
        found = translate(WriteError(problem["errmsg"], problem["code"], problem), self._model)
        if not isinstance(found, (InvalidDocumentError, DuplicateError)):
            raise found
        found.id = id
        self.outcomes[place] = found
