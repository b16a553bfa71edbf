"""What becomes of each document of a bulk write."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any, TypeAlias

from pymongo.errors import BulkWriteError, WriteConcernError, WriteError, WTimeoutError

from interstore.bulk import WriteOutcome
from interstore.errors import DuplicateError, InvalidDocumentError
from interstore.prepared import Write
from interstore_backends.mongodb.errors import (
    REFUSED,
    Translator,
    duplicate,
    duplicate_id,
    is_duplicate,
    is_duplicate_id,
)
from interstore_backends.mongodb.keys import ENVELOPE
from interstore_backends.mongodb.records import stored

__all__ = ["Batch", "Stored"]

Stored: TypeAlias = tuple[int, str]
"""Version and creation time of a document that exists."""


class Batch:
    """Documents to write, sent once or several times, and the outcome of each, in order.

    Attributes:
        outcomes: as if all goes well, until something is known to have failed.
        refused: the server's errors for documents, by their places, that an index or a
            validator may have refused.
    """

    def __init__(self, model: str, writes: Sequence[Write]) -> None:
        self.outcomes: list[WriteOutcome] = [write.version for write in writes]
        self._model = model
        self.writes = writes
        self.refused: dict[int, Mapping[str, Any]] = {}
        self._sent: list[int] = []
        self._existing: list[int] = []

    def documents(self, known: Container[str] = ()) -> list[dict[str, Any]]:
        """The documents to insert, without those that are too large.

        Args:
            known: ids that exist already, which is where `existing` begins.
        """
        documents: list[dict[str, Any]] = []
        for place, write in enumerate(self.writes):
            if write.id in known:
                self._existing.append(place)
                continue
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
        return [self.writes[place] for place in self._existing]

    def replacements(self, versions: Mapping[str, Stored] | None = None) -> list[dict[str, Any]]:
        """`existing`, to be sent over what is there; without those that are too large.

        Args:
            versions: what is there, to be followed by the next version; by default, the
                documents are to be stored as they are.
        """
        places, self._existing, self._sent = self._existing, [], []
        documents: list[dict[str, Any]] = []
        for place in places:
            write = self.writes[place]
            try:
                document = stored(write)
            except InvalidDocumentError as error:
                self.outcomes[place] = error
                continue
            if versions is not None and write.id in versions:
                version, created = versions[write.id]
                new = {"version": version + 1, "created_at": created}
                document = document | {ENVELOPE: document[ENVELOPE] | new}
            self.outcomes[place] = document[ENVELOPE]["version"]
            self._sent.append(place)
            documents.append(document)
        return documents

    def leave(self) -> list[WriteOutcome]:
        """The outcomes, where what was there stays as it was."""
        for place in self._existing:
            self.outcomes[place] = 0
        return self.outcomes

    def leave_newer(self, versions: Mapping[str, Stored]) -> None:
        """Leave what is there as it is where its version is not below that of the write."""
        places, self._existing = self._existing, []
        for place in places:
            write = self.writes[place]
            if versions.get(write.id, (0, ""))[0] >= write.version:
                self.outcomes[place] = 0
            else:
                self._existing.append(place)

    def failed(self, error: BulkWriteError, translate: Translator) -> None:
        """Of what was sent, some failed.

        Raises:
            InterstoreError: for another reason than the document.
        """
        details = error.details
        for problem in details.get("writeErrors", ()):
            self._one_failed(problem, translate)
        for problem in details.get("writeConcernErrors", ()):
            info = problem.get("errInfo") or {}
            kind = WTimeoutError if info.get("wtimeout") else WriteConcernError
            raise translate(kind(problem.get("errmsg", ""), problem.get("code"), problem))

    @property
    def unfit(self) -> list[int]:
        """The places of documents that a validator refused."""
        return [place for place, each in self.refused.items() if each["code"] == REFUSED]

    def found(self, ids: Container[str]) -> None:
        """Of the documents that a validator refused, these have an id that exists."""
        for place in self.unfit:
            id = self.writes[place].id
            if id in ids:
                del self.refused[place]
                self._existing.append(place)
                self.outcomes[place] = duplicate_id(self._model, id)

    def _one_failed(self, problem: Mapping[str, Any], translate: Translator) -> None:
        place = self._sent[problem["index"]]
        id = self.writes[place].id
        if is_duplicate(problem["code"]):
            if is_duplicate_id(problem):
                self._existing.append(place)
            else:
                self.refused[place] = problem
            self.outcomes[place] = duplicate(self._model, id, problem)
            return
        found = translate(WriteError(problem["errmsg"], problem["code"], problem), self._model)
        if not isinstance(found, (InvalidDocumentError, DuplicateError)):
            raise found
        found.id = id
        self.refused[place] = problem
        self.outcomes[place] = found
