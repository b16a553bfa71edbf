"""What indexes ask of documents: of those that are stored, and of those to be written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from interstore.document import Document
from interstore.errors import InvalidDocumentError
from interstore.filters.evaluate import compile_filter, document_getter
from interstore.indexes import Check, Index, check_new_index, clashing, compile_check, taken, unfit
from interstore.prepared import Write
from interstore_backends._table.entries import Entries, Key, is_claim, key_of, mark
from interstore_backends._table.records import decode_document
from interstore_backends._table.table import Table

__all__ = ["Admission", "ChangeIndexes", "admission_of", "admit", "with_index", "without_index"]

ChangeIndexes: TypeAlias = Callable[[Table, Sequence[Index]], "tuple[Index, ...] | None"]
"""What a table's declarations become; ``None`` if they stay."""


class Admission:
    """Judges the documents of one commit, one after the other.

    Args:
        table: the table as it is, under the lock of writers.
    """

    def __init__(self, table: Table, check: Check | None) -> None:
        self._check = check
        self._claims = [_Claims(entries.index, owners) for entries, owners in table.unique_owners()]

    def admit(self, model: str, write: Write) -> None:
        """Take the document for written.

        Raises:
            InvalidDocumentError, DuplicateError: an index refuses it.
        """
        if self._check is not None:
            try:
                self._check(write.fields)
            except InvalidDocumentError as error:
                error.model, error.id = model, write.id
                raise
        if not self._claims:
            return
        document = write.document()
        for claims in self._claims:
            claims.check(model, document)
        for claims in self._claims:
            claims.stage(document)


class _Claims:
    """Who has which values under one unique index, with what a commit has changed so far."""

    def __init__(self, index: Index, owners: Mapping[Key, str]) -> None:
        self._index = index
        self._owners = owners
        self._getters = [document_getter(reference) for reference in index.references]
        self._is_meant = compile_filter(index.condition) if index.where else None
        self._staged: dict[Key, str] = {}
        self._moved: set[str] = set()

    def _key(self, document: Document) -> Key:
        key = tuple([part for get in self._getters for part in key_of(get(document))])
        return key if self._is_meant is None else (*key, *mark(self._is_meant(document)))

    def check(self, model: str, document: Document) -> None:
        key = self._key(document)
        if not is_claim(key):
            return
        owner = self._staged.get(key)
        if owner is None:
            owner = self._owners.get(key)
            if owner in self._moved:
                return
        if owner is not None and owner != document.id:
            raise taken(model, document.id, self._index)

    def stage(self, document: Document) -> None:
        key = self._key(document)
        self._moved.add(document.id)
        if is_claim(key):
            self._staged[key] = document.id


def admission_of(table: Table) -> Admission | None:
    """What judges the documents of a commit; ``None`` if no index asks for anything."""
    return Admission(table, table.check) if table.declared else None


def admit(table: Table, model: str, write: Write) -> None:
    """Judge the one document of a commit.

    Raises:
        InvalidDocumentError, DuplicateError: an index refuses it.
    """
    admission = admission_of(table)
    if admission is not None:
        admission.admit(model, write)


def with_index(model: str, index: Index) -> ChangeIndexes:
    """What declares an index."""

    def change(table: Table, declared: Sequence[Index]) -> tuple[Index, ...] | None:
        if index in declared:
            return None
        check_new_index(index, declared)
        _check_stored(table, model, index)
        return tuple(sorted((*declared, index), key=lambda each: each.name))

    return change


def without_index(name: str) -> ChangeIndexes:
    """What takes a declaration back."""

    def change(_: Table, declared: Sequence[Index]) -> tuple[Index, ...] | None:
        rest = tuple(index for index in declared if index.name != name)
        return None if len(rest) == len(declared) else rest

    return change


def _check_stored(table: Table, model: str, index: Index) -> None:
    check = compile_check([index])
    records = dict(table.records)
    if check is not None:
        refused = [id for id, record in records.items() if _is_refused(check, record)]
        if refused:
            raise unfit(model, index, len(refused), sorted(refused))
    if index.unique:
        sharing: dict[Key, list[str]] = {}
        for id, key in Entries(index).keys(records).items():
            if is_claim(key):
                sharing.setdefault(key, []).append(id)
        ids = sorted(id for several in sharing.values() if len(several) > 1 for id in several)
        if ids:
            raise clashing(model, index, len(ids), ids)


def _is_refused(check: Callable[[dict[str, Any]], None], record: bytes) -> bool:
    try:
        check(decode_document(record))
    except InvalidDocumentError:
        return True
    return False
