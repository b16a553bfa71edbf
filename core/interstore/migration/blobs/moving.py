"""Moves the blobs of documents before the documents, or compares them after."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from interstore.blobs.keys import check_key
from interstore.blobs.reference import BlobRef, references
from interstore.document import Document
from interstore.errors import CorruptionError, InvalidQueryError, NotFoundError
from interstore.migration.blobs.counts import BlobCounts, BlobProblem, Problem
from interstore.migration.blobs.sides import Side
from interstore.paths import Path, show_path

__all__ = ["Comparer", "Mover"]


class _Walk:
    """Looks at every reference of documents; at each blob once.

    Attributes:
        counts: what it found, and what it did.
    """

    def __init__(self, source: Side, target: Side) -> None:
        self.counts = BlobCounts()
        self._source = source
        self._target = target
        self._good = set[tuple[str, str, str]]()

    def take(self, model: str, documents: Iterable[Document]) -> None:
        """Look at the blobs to which these documents refer."""
        for document in documents:
            for path, ref in references(document):
                self.counts.references += 1
                blob = ref.store, ref.key, ref.sha256
                if blob in self._good:
                    continue
                problem = self._judge(ref, document, path)
                if problem is None:
                    self._good.add(blob)
                else:
                    self.counts.problems.append(_problem(problem, ref, model, document, path))

    def _judge(self, ref: BlobRef, document: Document, path: Path) -> Problem | None:
        raise NotImplementedError


class Mover(_Walk):
    """Writes blobs that the target has not.

    Args:
        source: where they are.
        target: where they go.
        replace: whether another content under a blob's key is written over.
        stop: whether a reference to nothing is an error.
        reading: whether the target's blobs are read, whatever it keeps of their digests.

    Attributes:
        beside: see `Side`.
    """

    def __init__(
        self, source: Side, target: Side, *, replace: bool, stop: bool, reading: bool = False
    ) -> None:
        super().__init__(source, target)
        self._reading = reading
        self._replace = replace
        self._stop = stop
        self.beside = target.beside

    def _judge(self, ref: BlobRef, document: Document, path: Path) -> Problem | None:
        if not _is_key(ref.key):
            return self._dangling(ref, document, path)
        held = self._target.holds(ref, reading=self._reading)
        if held == "unknown":
            self.counts.elsewhere += 1
            return None
        if held == "same":
            self.counts.present += 1
            if self.beside is not None:
                self._describe(ref)
            return None
        if held == "other" and not self._replace:
            return "occupied"
        return self._move(ref, document, path)

    def _move(self, ref: BlobRef, document: Document, path: Path) -> Problem | None:
        try:
            content = self._source.read(ref)
            if content is None:
                return self._dangling(ref, document, path)
            with content.file:
                kept = self._target.write(ref, content)
        except CorruptionError:
            return "damaged"
        self.counts.copied += 1
        self.counts.bytes += ref.size
        self.counts.bare += not kept
        return None

    def _describe(self, ref: BlobRef) -> None:
        with suppress(CorruptionError):  # the target has the right content, whatever the source has
            if (content := self._source.read(ref)) is not None:
                with content.file:
                    self._target.describe(ref, content)

    def _dangling(self, ref: BlobRef, document: Document, path: Path) -> Problem:
        if self._stop:
            raise NotFoundError(
                f"{show_path(path)} of document {document.id!r} refers to the blob {ref.key!r} of "
                f"the store {ref.store!r}, which is not there: put it back, or remove it",
                id=document.id,
            )
        return "dangling"


class Comparer(_Walk):
    """Reads each blob of the target, and looks at the source's where it is not the right one."""

    def _judge(self, ref: BlobRef, document: Document, path: Path) -> Problem | None:
        if not _is_key(ref.key):
            return "dangling"
        held = self._target.holds(ref, reading=True)
        if held == "unknown":
            self.counts.elsewhere += 1
            return None
        if held == "same":
            self.counts.present += 1
            self.counts.bytes += ref.size
            return None
        there = self._source.holds(ref, reading=True)
        if there == "nothing":
            return "dangling"
        if there == "other":
            return "damaged"
        return "missing" if held == "nothing" else "different"


def _is_key(key: str) -> bool:
    """Whether a blob can have this key; what stands in documents may be anything."""
    try:
        check_key(key)
    except InvalidQueryError:
        return False
    return True


def _problem(
    kind: Problem, ref: BlobRef, model: str, document: Document, path: Path
) -> BlobProblem:
    return BlobProblem(
        kind=kind,
        store=ref.store,
        key=ref.key,
        model=model,
        id=document.id,
        path=show_path(path),
        sha256=ref.sha256,
    )
