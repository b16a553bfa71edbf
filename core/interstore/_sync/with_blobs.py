# Generated from core/interstore/_async/with_blobs.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: ab22fb05678f93da9fa62848

"""`StoreWithBlobs`: a store whose documents own blobs."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final, Self

from interstore._sync.attachments import Attachments
from interstore._sync.many import explicit
from interstore._sync.store import Store
from interstore.attaching import (
    AttachmentRules,
    OnDelete,
    check_version,
    is_unapplied,
    parse_place,
    removal,
    replaced,
)
from interstore.blobs._sync.check import BlobCheck
from interstore.blobs._sync.files import BlobReadFile
from interstore.blobs._sync.sources import Source
from interstore.blobs._sync.store import BlobStore
from interstore.blobs.reference import BlobRef, references
from interstore.bulk import BulkResult
from interstore.changes import KeyPath
from interstore.document import Document
from interstore.errors import ConflictError, InterstoreError, UnavailableError
from interstore.filters.tree import And, Eq, Node
from interstore.names import check_id
from interstore.paths import Envelope
from interstore.prepare import Filter, OnError, Sort, check_if_version
from interstore.prepared import Query
from interstore.transactions import Isolation

__all__ = ["StoreWithBlobs"]

_ATTEMPTS: Final = 100


class StoreWithBlobs(Store):
    """A store with its blobs: what `Store.with_blobs` returns.

    A document refers to a blob by a `BlobRef`, and never to one that is not there: a blob is
    written before the document that refers to it, and removed after the document does not
    any more. What ends between the two, by an error or a crash, leaves a blob to which
    nothing refers; `check_blobs` finds it.

    A document owns the blobs that were attached to it, and no others: a reference that was
    copied from another document does not keep the blob alive, nor is it removed with it.
    """

    def __init__(self, store: Store, blobs: Sequence[BlobStore], rules: AttachmentRules) -> None:
        vars(self).update(vars(store))
        self._attachments = Attachments(blobs, rules)

    @property
    def blobs(self) -> Mapping[str, BlobStore]:
        """The blob stores, by their names."""
        return self._attachments.stores

    def attach(
        self,
        model: str,
        id: str,
        path: Any,
        source: Source,
        *,
        store: str | None = None,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        append: bool = False,
        deduplicate: bool | None = None,
        if_version: int | None = None,
        blobs: OnDelete | None = None,
    ) -> Document:
        """Write a blob, and a reference to it into a document; the document as it is now.

        A reference that stands there is replaced, and its blob removed as for `detach`.

        Args:
            model: the model.
            id: the document's id.
            path: where the reference is to stand: ``"photo"``, ``"files.report"``.
            source: the content: bytes, a `pathlib.Path`, a binary file, or an iterator of
                bytes. All but bytes is streamed.
            store: the name of the blob store; the first one by default.
            content_type: its media type; by default guessed from the name of the file, else
                from the first bytes.
            metadata: texts to be kept with the blob.
            append: whether to add the reference to a list that stands at `path`.
            deduplicate: whether equal contents are kept once, by a key that is made of the
                content; by default as `with_blobs` said. Such a blob is only removed by
                `check_blobs`, which knows whether any document refers to it.
            if_version: the version that the document must have.
            blobs: what becomes of the blob that is replaced; by default as for the model.

        Raises:
            NotFoundError: there is no such document. Nothing is left of the blob.
            ConflictError: it has another version than `if_version`. Nothing is left.
            InvalidDocumentError: something else than a reference stands there, or the blob
                store's rules do not allow the content.
        """
        self._check(model)
        id = check_id(id, model)
        check_if_version(if_version)
        place = parse_place(id, path)
        policy = self._attachments.rules.policy(model, blobs)
        target = self._attachments.store(store)
        document = self.get(model, id)
        check_version(document, if_version)
        if not append:
            replaced(document, place)
        ref = self._attachments.put(
            target,
            model,
            id,
            source,
            content_type=content_type,
            metadata=metadata,
            deduplicate=deduplicate,
        )
        try:
            if append:
                change = {"$push": {place: ref}}
                return self.update(model, id, change, if_version=if_version)
            document, before = self._refer(model, document, place, ref, if_version)
        except InterstoreError as error:
            if is_unapplied(error):
                self._attachments.discard(ref)
            raise
        self._release(model, document, before, policy)
        return document

    def _refer(
        self, model: str, document: Document, path: KeyPath, ref: BlobRef, if_version: int | None
    ) -> tuple[Document, list[BlobRef]]:
        """Write the reference; the document now, and what stood there before."""
        before: list[BlobRef] = []
        for _ in range(_ATTEMPTS):
            old = replaced(document, path)
            if old == ref:  # an equal content, or an attempt whose answer was lost
                return document, before
            before = [] if old is None else [old]
            try:
                document = self.update(
                    model, document.id, {"$set": {path: ref}}, if_version=document.version
                )
            except ConflictError:
                if if_version is not None:
                    raise
                document = self.get(model, document.id)
            else:
                return document, before
        raise _contended(model, document.id)

    def open(self, ref: BlobRef | Mapping[str, Any]) -> BlobReadFile:
        """The blob of a reference as a file to read from: ``with store.open(...) as file``.

        What is read from the beginning to the end is checked against the digest that the
        document has.

        Args:
            ref: as it stands in a document: ``document["photo"]``.

        Raises:
            InvalidDocumentError: it is no reference.
            ConfigurationError: its blob store was not passed to `with_blobs`.
            NotFoundError: the blob is not there; raised when it is read.
            CorruptionError: it has another content; raised when all of it was read.
        """
        self._check_open()
        ref = BlobRef.of(ref)
        file = self._attachments.store(ref.store).open(ref.key)
        file.sha256 = ref.sha256
        return file

    def detach(
        self,
        model: str,
        id: str,
        path: Any,
        *,
        key: str | None = None,
        if_version: int | None = None,
        blobs: OnDelete | None = None,
    ) -> Document:
        """Remove a reference from a document, then its blob; the document as it is now.

        Where nothing is attached, nothing is written.

        Args:
            model: the model.
            id: the document's id.
            path: where the reference stands, or a list of references.
            key: of a list, the key of the one to remove; by default all are.
            if_version: the version that the document must have.
            blobs: whether to ``"delete"`` or to ``"keep"`` the blob; by default as
                `with_blobs` said of the model.

        Raises:
            NotFoundError: there is no such document, or no reference with that key.
            ConflictError: it has another version than `if_version`.
            InvalidDocumentError: something else stands there.
        """
        self._check(model)
        id = check_id(id, model)
        check_if_version(if_version)
        place = parse_place(id, path)
        policy = self._attachments.rules.policy(model, blobs)
        for _ in range(_ATTEMPTS):
            document = self.get(model, id)
            check_version(document, if_version)
            gone, changes = removal(document, place, key)
            if not gone:
                return document
            try:
                document = self.update(model, id, changes, if_version=document.version)
            except ConflictError:
                if if_version is not None:
                    raise
            else:
                self._release(model, document, gone, policy)
                return document
        raise _contended(model, id)

    def _release(
        self, model: str, document: Document, gone: Sequence[BlobRef], policy: OnDelete
    ) -> None:
        if gone:
            remaining = [ref for _, ref in references(document)]
            self._attachments.release(model, document.id, gone, remaining, policy)

    def _release_all(self, model: str, document: Document, policy: OnDelete) -> None:
        """Remove the blobs of a document that is gone."""
        gone = [ref for _, ref in references(document)]
        self._attachments.release(model, document.id, gone, (), policy)

    def delete(
        self,
        model: str,
        id: str,
        *,
        if_version: int | None = None,
        blobs: OnDelete | None = None,
    ) -> bool:
        """Remove one document, then the blobs it owns; return whether there was a document.

        Args:
            model: the model.
            id: the document's id.
            if_version: the version that the document must have.
            blobs: whether to ``"delete"`` or to ``"keep"`` its blobs; by default as
                `with_blobs` said of the model.

        Raises:
            NotFoundError, ConflictError: as for `Store.delete`.
        """
        policy = self._attachments.rules.policy(model, blobs)
        if policy == "keep":
            return super().delete(model, id, if_version=if_version)
        self._check(model)
        id = check_id(id, model)
        check_if_version(if_version)
        tree: Node = Eq(Envelope.ID, id)
        if if_version is not None:
            tree = And((tree, Eq(Envelope.VERSION, if_version)))
        try:
            document = self.database.find_one_and_delete(model, Query(tree, limit=1))
        except InterstoreError as error:
            self._name_error(error, model, id)
            raise
        if document is None:
            if if_version is None:
                return False
            return super().delete(model, id, if_version=if_version)  # says what is wrong
        self._release_all(model, document, policy)
        return True

    def find_one_and_delete(
        self,
        model: str,
        filter: Filter = None,
        *,
        sort: Sort = None,
        blobs: OnDelete | None = None,
    ) -> Document | None:
        """Remove the first document that matches, then the blobs it owns; it as it was.

        Args:
            model: the model.
            filter: which documents.
            sort: their order.
            blobs: as for `delete`.

        Raises:
            UnavailableError: as for `Store.find_one_and_delete`.
        """
        policy = self._attachments.rules.policy(model, blobs)
        document = super().find_one_and_delete(model, filter, sort=sort)
        if document is not None:
            self._release_all(model, document, policy)
        return document

    def delete_many(
        self,
        model: str,
        filter: Filter,
        *,
        on_error: OnError = "raise",
        blobs: OnDelete | None = None,
    ) -> BulkResult:
        """Remove every document that matches, each together with the blobs it owns.

        Each document is then removed by itself, in a call of its own to the engine, because
        only that tells what it referred to; with ``"keep"`` the engine does all at once.

        Args:
            model: the model.
            filter: which documents; ``{}`` means all, ``None`` is refused.
            on_error: as for `Store.delete_many`.
            blobs: as for `delete`.
        """
        policy = self._attachments.rules.policy(model, blobs)
        if policy == "keep":
            return super().delete_many(model, filter, on_error=on_error)
        self._check(model, on_error)
        tree = explicit(filter, "delete_many")
        result = BulkResult()
        for found in self.find(model, filter, fields=["id"]):
            one = Query(And((Eq(Envelope.ID, found.id), tree)), limit=1)
            try:
                document = self.database.find_one_and_delete(model, one)
            except InterstoreError as error:
                self._name_error(error, model, found.id)
                raise
            if document is not None:
                result.deleted += 1
                self._release_all(model, document, policy)
        return result

    def check_blobs(
        self,
        models: Sequence[str] | None = None,
        *,
        verify: bool = False,
        delete_orphans: bool = False,
        older_than: timedelta = timedelta(days=1),
    ) -> BlobCheck:
        """Look for references to nothing and blobs to which nothing refers, one by one.

        ``for finding in store.check_blobs()`` gives each as a `BlobFinding`.

        Args:
            models: the models whose documents are looked at; all by default. If some are
                named, only blobs that their documents own can be orphans.
            verify: whether to read every blob that is referred to, and compare its content.
            delete_orphans: whether to remove blobs to which nothing refers.
            older_than: orphans are only what was written longer ago than that: what is younger
                may be about to be attached.

        Raises:
            UnsupportedError: the engine cannot list its models, and none are named.
        """
        self._check_open()
        return BlobCheck(
            self,
            self._attachments.stores,
            self._attachments.rules.prefix,
            models,
            verify=verify,
            delete_orphans=delete_orphans,
            older_than=older_than,
        )

    @contextmanager
    def _transaction(self, isolation: Isolation) -> Generator[Self]:
        with super()._transaction(isolation) as store:
            store._attachments = attachments = self._attachments.in_transaction()
            yield store
        attachments.end_transaction()


def _contended(model: str, id: str) -> UnavailableError:
    return UnavailableError(
        f"{model} {id!r} was written by others {_ATTEMPTS} times while this call tried to; "
        "try again later",
        model=model,
        id=id,
    )
