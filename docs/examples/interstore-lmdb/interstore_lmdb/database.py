"""The operations: seven that every engine has, and those that this one declares."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import lmdb
import msgspec

from interstore.bulk import WriteOutcome
from interstore.capabilities import Limits
from interstore.changes import Changes, check_version, not_found
from interstore.document import Document
from interstore.errors import DuplicateError, UnavailableError
from interstore.names import check_new_model
from interstore.prepared import Query, Write, WriteMode
from interstore_lmdb import CAPABILITIES, environment
from interstore_lmdb.errors import translated
from interstore_lmdb.settings import LMDBSettings

__all__ = ["LMDBDatabase"]

_decode = msgspec.json.Decoder(tuple[int, str, str, dict[str, Any]]).decode


class LMDBDatabase:
    """Documents under the key model, NUL, id; the models themselves under NUL, model."""

    name = "lmdb"
    capabilities = CAPABILITIES
    limits = Limits()

    def __init__(self, settings: LMDBSettings) -> None:
        self.settings = settings
        self._environment: lmdb.Environment | None = None

    def connect(self) -> None:
        if self._environment is None:
            with translated():
                self._environment = environment.acquire(self.settings)

    def disconnect(self) -> None:
        if self._environment is not None:
            self._environment = None
            environment.release(self.settings)

    def create(self, model: str, write: Write) -> Document:
        with self._transaction(write=True) as transaction:
            if not self._store(transaction, model, write, overwrite=False):
                raise DuplicateError(f"{model} has a document {write.id!r} already")
        return write.document()

    def find_by_id(self, model: str, id: str) -> Document | None:
        with self._transaction() as transaction:
            return _read(transaction, model, id)

    def update(
        self, model: str, id: str, changes: Changes, *, if_version: int | None = None
    ) -> Document:
        with self._transaction(write=True) as transaction:
            write = changes.apply(model, id, _read(transaction, model, id), if_version)
            if not changes.is_empty:
                self._store(transaction, model, write)
        return write.document()

    def delete(
        self,
        model: str,
        id: str,
        *,
        if_version: int | None = None,
        if_created: str | None = None,
    ) -> bool:
        with self._transaction(write=True) as transaction:
            current = _read(transaction, model, id)
            if current is None and if_version is not None:
                raise not_found(model, id)
            if current is not None:
                check_version(model, current, if_version, if_created)
            return transaction.delete(_key(model, id))

    def find(self, model: str, query: Query) -> Iterable[Document]:
        with self._transaction() as transaction:
            for key, value in _under(transaction, _key(model)):
                yield _document(key.partition(b"\0")[2].decode(), value)

    # What the capabilities declare.

    def models(self) -> list[str]:
        with self._transaction() as transaction:
            return _models(transaction)

    def drop(self, model: str) -> bool:
        with self._transaction(write=True) as transaction:
            for key, _ in list(_under(transaction, _key(model))):
                transaction.delete(key)
            return transaction.delete(_key("", model))

    def write_page(
        self, model: str, writes: Sequence[Write], mode: WriteMode
    ) -> list[WriteOutcome]:
        with self._transaction(write=True) as transaction:
            outcomes: list[WriteOutcome] = []
            for write in writes:
                current = _read(transaction, model, write.id)
                if current is not None and (
                    mode == "insert_if_absent"
                    or (mode == "replace_if_newer" and write.version <= current.version)
                ):
                    outcomes.append(0)
                else:
                    self._store(transaction, model, write)
                    outcomes.append(write.version)
            return outcomes

    @contextmanager
    def _transaction(self, *, write: bool = False) -> Generator[lmdb.Transaction, None, None]:
        """Commits at the end of the block, and undoes all of it if the block fails."""
        if self._environment is None:
            raise UnavailableError("lmdb is not connected", backend=self.name)
        with translated(), self._environment.begin(write=write) as transaction:
            yield transaction

    def _store(
        self, transaction: lmdb.Transaction, model: str, write: Write, *, overwrite: bool = True
    ) -> bool:
        """Put a document, and its model if it is the first; return whether it was put."""
        if transaction.get(_key("", model)) is None:
            check_new_model(model, _models(transaction))
            transaction.put(_key("", model), b"")
        value = (write.version, write.created, write.updated, msgspec.Raw(write.json))
        return transaction.put(
            _key(model, write.id), msgspec.json.encode(value), overwrite=overwrite
        )


def _key(model: str, id: str = "") -> bytes:
    # Names and ids hold no NUL; UTF-8 sorts as its code points do.
    return f"{model}\0{id}".encode()


def _read(transaction: lmdb.Transaction, model: str, id: str) -> Document | None:
    value = transaction.get(_key(model, id))
    return None if value is None else _document(id, bytes(value))


def _document(id: str, value: bytes) -> Document:
    version, created, updated, fields = _decode(value)
    return Document(fields, id=id, version=version, created=created, updated=updated)


def _models(transaction: lmdb.Transaction) -> list[str]:
    return [key[1:].decode() for key, _ in _under(transaction, _key(""))]


def _under(transaction: lmdb.Transaction, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The keys that begin with `prefix`, and their values."""
    cursor = transaction.cursor()
    if cursor.set_range(prefix):
        for key, value in cursor:
            if bytes(key[: len(prefix)]) != prefix:
                return
            yield bytes(key), bytes(value)
