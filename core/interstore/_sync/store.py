# Generated from core/interstore/_async/store.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 5f59e16e4c5d74ee3d94bfcd

"""`Store`: what an application calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from interstore._sync.cursor import Cursor
from interstore._sync.database import Database
from interstore._sync.operations import Operations
from interstore.aggregation_parse import parse_aggregation
from interstore.bulk import BulkResult, Outcome
from interstore.capabilities import Capabilities
from interstore.changes_parse import parse_changes
from interstore.document import Document, Page
from interstore.errors import (
    BulkError,
    InterstoreError,
    InvalidQueryError,
    NotFoundError,
    UnavailableError,
)
from interstore.filters.arguments import check_limit, check_skip, parse_fields, parse_sort
from interstore.filters.cursor import decode_token, encode_token, fingerprint
from interstore.filters.order import position_of
from interstore.filters.parse import parse_filter
from interstore.filters.references import parse_path
from interstore.filters.tree import Node, Scalar
from interstore.indexes import Index, IndexType, parse_index
from interstore.names import check_id, check_model
from interstore.prepare import (
    Filter,
    OnError,
    Sort,
    batches,
    check_if_version,
    prepare_put,
    prepare_write,
    with_outcomes,
)
from interstore.prepared import Query, Write
from interstore.times import now

if TYPE_CHECKING:
    from interstore._sync.repository import Repository

__all__ = ["Store"]

M = TypeVar("M")


class Store:
    """Documents in an engine: validates, assigns ids, prepares, and names errors.

    Made by `interstore.connect`, or around any database. Use it as a context manager,
    or call `connect` and `close`.

    A `filter` is a mapping (``{"age": {"$gte": 18}}``) or an expression
    (``field("age") >= 18``); ``None`` and ``{}`` mean all documents. A `sort` is a path,
    ``"-path"`` for descending, or a list of these or of ``(path, 1 | -1)``; the id decides
    between equals. `fields` is a list of paths to return.

    Attributes:
        database: every operation of the engine, on prepared objects.
    """

    def __init__(self, database: Database) -> None:
        self.database = Operations(database)
        self._connected = False

    def __repr__(self) -> str:
        state = "connected" if self._connected else "not connected"
        return f"<{type(self).__name__} {self.database.name}, {state}>"

    # Life.

    def connect(self) -> None:
        """Make the engine ready. Called again, it does nothing."""
        if not self._connected:
            self.database.connect()
            self._connected = True

    def close(self) -> None:
        """Give everything back. Called again, it does nothing."""
        if self._connected:
            self._connected = False
            self.database.disconnect()

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def capabilities(self) -> Capabilities:
        """What the engine can do."""
        return self.database.capabilities

    # One document.

    def create(self, model: str, data: Mapping[str, Any]) -> Document:
        """Store a new document. Without ``"id"`` in `data` it gets a UUIDv7.

        Raises:
            DuplicateError: the id exists.
            InvalidDocumentError: `data` cannot be stored portably.
        """
        self._check(model)
        write = prepare_write(model, data, now())
        try:
            return self.database.create(model, write)
        except InterstoreError as error:
            self._name_error(error, model, write.id)
            raise

    def find_by_id(self, model: str, id: str) -> Document | None:
        """The document, or ``None``."""
        self._check(model)
        id = check_id(id, model)
        try:
            return self.database.find_by_id(model, id)
        except InterstoreError as error:
            self._name_error(error, model, id)
            raise

    def get(self, model: str, id: str) -> Document:
        """The document.

        Raises:
            NotFoundError: there is none with that id.
        """
        document = self.find_by_id(model, id)
        if document is None:
            raise NotFoundError(
                f"{model} has no document {id!r}",
                backend=self.database.name,
                model=model,
                id=id,
            )
        return document

    def find_by_ids(self, model: str, ids: Iterable[str]) -> list[Document | None]:
        """The documents with these ids, in their order; ``None`` for each that is missing."""
        self._check(model)
        if isinstance(ids, str) or not isinstance(ids, Iterable):
            raise InvalidQueryError(f"find_by_ids takes a list of ids, not {ids!r:.80}")
        asked = [check_id(id, model) for id in ids]
        unique, size = list(dict.fromkeys(asked)), self.database.limits.bulk_documents
        found: dict[str, Document] = {}
        for start in range(0, len(unique), size):
            try:
                part = self.database.find_by_ids(model, unique[start : start + size])
            except InterstoreError as error:
                self._name_error(error, model)
                raise
            found.update((document.id, document) for document in part)
        if len(unique) == len(asked):
            return [found.get(id) for id in asked]
        # An id that was asked for twice must not give the same object twice.
        return [found[id].copy() if id in found else None for id in asked]

    def update(
        self,
        model: str,
        id: str,
        changes: Mapping[str, Any],
        *,
        if_version: int | None = None,
    ) -> Document:
        """Change one document atomically, and return it as it is now.

        Args:
            model: the model.
            id: the document's id.
            changes: fields to replace whole, or operators with paths: ``{"$set": {"a.b": 1},
                "$unset": ["c"], "$inc": {"n": 1}, "$push": {"tags": "x"}}``. ``{}`` only
                checks that the document exists, in that version.
            if_version: the version that the document must have.

        Raises:
            NotFoundError: there is no such document.
            ConflictError: it has another version than `if_version`.
            InvalidDocumentError: a path meets a value of the wrong type, or a value cannot
                be stored portably.
        """
        self._check(model)
        id = check_id(id, model)
        check_if_version(if_version)
        parsed = parse_changes(id, changes, now())
        try:
            return self.database.update(model, id, parsed, if_version=if_version)
        except InterstoreError as error:
            self._name_error(error, model, id)
            raise

    def put(
        self, model: str, data: Mapping[str, Any], *, if_version: int | None = None
    ) -> Document:
        """Create the document, or replace all fields of the one that exists.

        The version that a `Document` carries is not used: pass `if_version` for that.

        Raises:
            NotFoundError: `if_version` is given and there is no such document.
            ConflictError: it has another version than `if_version`.
            InvalidDocumentError: `data` cannot be stored portably, or is partial.
        """
        self._check(model)
        check_if_version(if_version)
        write = prepare_put(model, data, now())
        try:
            return self.database.put(model, write, if_version=if_version)
        except InterstoreError as error:
            self._name_error(error, model, write.id)
            raise

    def delete(self, model: str, id: str, *, if_version: int | None = None) -> bool:
        """Remove one document; return whether there was one.

        Raises:
            NotFoundError: `if_version` is given and there is no such document.
            ConflictError: it has another version than `if_version`.
        """
        self._check(model)
        id = check_id(id, model)
        check_if_version(if_version)
        try:
            return self.database.delete(model, id, if_version=if_version)
        except InterstoreError as error:
            self._name_error(error, model, id)
            raise

    # Queries.

    def find(
        self,
        model: str,
        filter: Filter = None,
        *,
        sort: Sort = None,
        limit: int | None = None,
        skip: int = 0,
        fields: Sequence[Any] | None = None,
    ) -> Cursor:
        """A cursor over the documents that match; nothing is read before it is used."""
        self._check(model)
        query = Query(
            tree=parse_filter(filter),
            sort=parse_sort(sort),
            limit=check_limit(limit),
            skip=check_skip(skip),
            fields=parse_fields(fields),
        )
        return Cursor(self.database, model, query, self._name_error)

    def find_one(
        self,
        model: str,
        filter: Filter = None,
        *,
        sort: Sort = None,
        skip: int = 0,
        fields: Sequence[Any] | None = None,
    ) -> Document | None:
        """The first document that matches, or ``None``."""
        return self.find(model, filter, sort=sort, skip=skip, fields=fields).first()

    def page(
        self,
        model: str,
        filter: Filter = None,
        *,
        sort: Sort = None,
        limit: int = 100,
        after: str | None = None,
        fields: Sequence[Any] | None = None,
    ) -> Page:
        """One page of the documents that match, and the token of the following page.

        Args:
            model: the model.
            filter: which documents.
            sort: their order.
            limit: at most so many documents, from 1 to 10,000.
            after: `Page.next` of the page before, of the same filter and sort.
            fields: the paths to return.
        """
        limit = _page_limit(limit)
        cursor = self.find(model, filter, sort=sort, fields=fields)
        query = cursor.query
        mark = fingerprint(model, query.tree, query.order)
        if after is not None:
            cursor.query = query.only(after=decode_token(after, mark))
        return cursor.page(
            limit, lambda document: encode_token(mark, position_of(document, query.order))
        )

    def count(self, model: str, filter: Filter = None) -> int:
        """How many documents match."""
        self._check(model)
        tree = parse_filter(filter)
        try:
            return self.database.count(model, tree)
        except InterstoreError as error:
            self._name_error(error, model)
            raise

    def exists(self, model: str, filter: Filter = None) -> bool:
        """Whether any document matches."""
        self._check(model)
        tree = parse_filter(filter)
        try:
            return self.database.exists(model, tree)
        except InterstoreError as error:
            self._name_error(error, model)
            raise

    def aggregate(
        self,
        model: str,
        filter: Filter = None,
        *,
        group_by: Any = None,
        having: Filter = None,
        sort: Sort = None,
        limit: int | None = None,
        **figures: Any,
    ) -> list[dict[str, Any]]:
        """One row for each group of the documents that match.

        Args:
            model: the model.
            filter: which documents.
            group_by: a path, a list of paths, or a mapping of names in the rows to paths;
                ``None`` for one row about all.
            having: which rows, as a filter on the names in them.
            sort: the order of the rows, by the names in them; else by the groups' values.
            limit: at most so many rows.
            **figures: name in the rows, and ``"count"`` or ``(kind, path)`` with a kind of
                count, sum, avg, min, max: ``total=("sum", "price")``.
        """
        self._check(model)
        aggregation = parse_aggregation(filter, group_by, having, sort, limit, figures)
        try:
            return self.database.aggregate(model, aggregation)
        except InterstoreError as error:
            self._name_error(error, model)
            raise

    def distinct(self, model: str, path: Any, filter: Filter = None) -> list[Scalar]:
        """The scalars at `path` in the documents that match, each once, in sort order."""
        self._check(model)
        reference, tree = parse_path(path), parse_filter(filter)
        try:
            return self.database.distinct(model, reference, tree)
        except InterstoreError as error:
            self._name_error(error, model)
            raise

    # Many documents.

    def create_many(
        self,
        model: str,
        documents: Iterable[Mapping[str, Any]],
        *,
        on_error: OnError = "raise",
    ) -> BulkResult:
        """Store new documents. Each is created, or reported, on its own.

        Args:
            model: the model.
            documents: as for `create`; of two with one id the first wins.
            on_error: ``"report"`` to return the result even if documents failed.

        Raises:
            BulkError: documents failed; `BulkError.result` has the outcome of each.
        """
        time = now()
        return self._write_many(
            model, "created", documents, lambda data: prepare_write(model, data, time), on_error
        )

    def put_many(
        self,
        model: str,
        documents: Iterable[Mapping[str, Any]],
        *,
        on_error: OnError = "raise",
    ) -> BulkResult:
        """Put documents. Each is created, replaced, or reported, on its own.

        Args:
            model: the model.
            documents: as for `put`; of two with one id the last wins.
            on_error: ``"report"`` to return the result even if documents failed.

        Raises:
            BulkError: documents failed; `BulkError.result` has the outcome of each.
        """
        time = now()
        return self._write_many(
            model, "put", documents, lambda data: prepare_put(model, data, time), on_error
        )

    def _write_many(
        self,
        model: str,
        verb: Literal["created", "put"],
        documents: Any,
        prepare: Callable[[Any], Write],
        on_error: OnError,
    ) -> BulkResult:
        """`create_many` or `put_many` of what `prepare` makes documents of; for repositories."""
        self._check(model, on_error)
        write_batch = self.database.create_many if verb == "created" else self.database.put_many
        outcomes: list[Outcome] = []
        for batch in batches(documents, prepare, self.database.limits.bulk_documents):
            writes = [each for each in batch if isinstance(each, Write)]
            try:
                reported = write_batch(model, writes) if writes else []
            except InterstoreError as error:
                self._name_error(error, model)
                if not any(outcome.version for outcome in outcomes):
                    raise
                outcomes += with_outcomes(batch, [error] * len(writes))
                raise self._bulk_error(model, verb, BulkResult.of(outcomes)) from error
            outcomes += with_outcomes(batch, reported)
        result = BulkResult.of(outcomes)
        for outcome in outcomes if not result.ok else ():
            if outcome.error is not None:
                self._name_error(outcome.error, model, outcome.id or None)
        return self._checked(model, verb, result, on_error)

    def update_many(
        self,
        model: str,
        filter: Filter,
        changes: Mapping[str, Any],
        *,
        on_error: OnError = "raise",
    ) -> BulkResult:
        """Change every document that matches, each atomically.

        Args:
            model: the model.
            filter: which documents; ``{}`` means all, ``None`` is refused.
            changes: as for `update`.
            on_error: ``"report"`` to return the result even if documents failed.

        Raises:
            BulkError: documents failed; the others were changed.
        """
        self._check(model, on_error)
        tree = _explicit(filter, "update_many")
        parsed = parse_changes(None, changes, now())
        try:
            result = self.database.update_many(model, tree, parsed)
        except InterstoreError as error:
            self._name_error(error, model)
            raise
        return self._checked(model, "updated", result, on_error)

    def delete_many(self, model: str, filter: Filter, *, on_error: OnError = "raise") -> BulkResult:
        """Remove every document that matches.

        Args:
            model: the model.
            filter: which documents; ``{}`` means all, ``None`` is refused.
            on_error: ``"report"`` to return the result even if documents failed.
        """
        self._check(model, on_error)
        tree = _explicit(filter, "delete_many")
        try:
            result = self.database.delete_many(model, tree)
        except InterstoreError as error:
            self._name_error(error, model)
            raise
        return self._checked(model, "deleted", result, on_error)

    def find_one_and_update(
        self, model: str, filter: Filter, changes: Mapping[str, Any], *, sort: Sort = None
    ) -> Document | None:
        """Change the first document that matches, and return it as it is now.

        Callers at the same time never get the same version of a document. ``None`` means
        that nothing matched when it was looked for.
        """
        self._check(model)
        query = Query(parse_filter(filter), parse_sort(sort), limit=1)
        parsed = parse_changes(None, changes, now())
        try:
            return self.database.find_one_and_update(model, query, parsed)
        except InterstoreError as error:
            self._name_error(error, model)
            raise

    # The whole database.

    def models(self) -> list[str]:
        """The names of the models that exist, sorted."""
        self._check_open()
        return self.database.models()

    def drop(self, model: str) -> bool:
        """Remove a model and all its documents; return whether it existed."""
        self._check(model)
        try:
            return self.database.drop(model)
        except InterstoreError as error:
            self._name_error(error, model)
            raise

    def ping(self) -> None:
        """Return if the engine answers; raise the reason if it does not."""
        self._check_open()
        self.database.ping()

    def stats(self) -> dict[str, Any]:
        """Figures about the database: documents, bytes, versions."""
        self._check_open()
        return self.database.stats()

    @property
    def native(self) -> Any:
        """The driver's own object, for what Interstore does not cover."""
        return self.database.native

    # Indexes.

    def ensure_index(
        self,
        model: str,
        *paths: Any,
        type: IndexType | Sequence[IndexType | None] | None = None,
        unique: bool = False,
        list: bool = False,
        where: Filter = None,
        expire_after: str | None = None,
    ) -> Index:
        """Have an index on `paths`, built unless it exists, and return it.

        It serves equality, ``$in``, ranges, prefixes, null, sorting and paging on its first
        path, and on the others after it. What it declares holds from then on for every
        write of whatever process: at its paths, strings of 1,024 UTF-8 bytes at most, divided
        by the number of paths.

        Args:
            model: the model; it is created if it does not exist.
            *paths: paths of keys, or ``"@version"``, ``"@created_at"``, ``"@updated_at"``.
            type: ``"number"``, ``"string"`` or ``"bool"``, for all paths or one for each:
                only that, null or nothing may stand there.
            unique: no two documents may have the same values; one where any of them is null
                or missing is not looked at. Only scalars may stand there.
            list: the one path leads to an array of scalars (of the type), or null or
                nothing; the index serves ``$has``.
            where: not supported yet.
            expire_after: not supported yet.

        Raises:
            UnsupportedError: the engine does not declare this kind of index.
            ConfigurationError: it contradicts an index that exists.
            InvalidDocumentError: stored documents do not fit it; the message names them.
            DuplicateError: stored documents clash under it; the message names them.
        """
        self._check(model)
        if where is not None:
            raise self.database.unsupported(
                "ensure_index with where (kind partial)", "leave where= out"
            )
        if expire_after is not None:
            raise self.database.unsupported(
                "ensure_index with expire_after (capability ttl)",
                "delete what is old with delete_many from time to time",
            )
        index = parse_index(paths, type, unique, list)
        try:
            self.database.ensure_index(model, index)
        except InterstoreError as error:
            self._name_error(error, model)
            raise
        return index

    def indexes(self, model: str) -> list[Index]:
        """The indexes of the model, in the order of their names."""
        self._check(model)
        try:
            return self.database.indexes(model)
        except InterstoreError as error:
            self._name_error(error, model)
            raise

    def drop_index(self, model: str, index: Index | str) -> bool:
        """Remove an index, given itself or its name; return whether it existed.

        What it declared is no longer demanded of documents.
        """
        self._check(model)
        name = index if isinstance(index, str) else getattr(index, "name", None)
        if not isinstance(name, str):
            raise InvalidQueryError(f"drop_index takes an Index or its name, not {index!r:.80}")
        try:
            return self.database.drop_index(model, name)
        except InterstoreError as error:
            self._name_error(error, model)
            raise

    # What engines may declare besides.

    def transaction(self) -> Any:
        """Several operations that take effect together or not at all."""
        raise self.database.unsupported(
            "transaction", "keep what must change together in one document"
        )

    def watch(self, model: str, since: str | None = None) -> Any:
        """The changes of a model as they happen."""
        raise self.database.unsupported(
            "watch", 'ask for {"@updated_at": {"$gt": ...}} from time to time'
        )

    def repository(self, kind: type[M], model: str | None = None) -> Repository[M]:
        """A typed view of a model: documents in and out as instances of `kind`.

        Args:
            kind: a pydantic model, a dataclass, a msgspec Struct or a TypedDict.
            model: the model's name; that of the class by default.
        """
        from interstore._sync.repository import Repository

        return Repository(self, kind, model)

    # What every operation does.

    def _check(self, model: Any, on_error: Any = "raise") -> None:
        check_model(model)
        if not self._connected:
            self._check_open()
        if on_error not in ("raise", "report"):
            raise InvalidQueryError(f"on_error is 'raise' or 'report', not {on_error!r}")

    def _check_open(self) -> None:
        if not self._connected:
            raise UnavailableError(
                f"the {self.database.name} store is not connected; use it as a context "
                "manager or call connect()",
                backend=self.database.name,
            )

    def _name_error(self, error: InterstoreError, model: str, id: str | None = None) -> None:
        error.backend = error.backend or self.database.name
        error.model = error.model or model
        error.id = error.id or id

    def _checked(self, model: str, verb: str, result: BulkResult, on_error: OnError) -> BulkResult:
        if result.ok or on_error == "report":
            return result
        raise self._bulk_error(model, verb, result)

    def _bulk_error(self, model: str, verb: str, result: BulkResult) -> BulkError:
        bad = [outcome for outcome in result.outcomes if outcome.error is not None]
        return BulkError(
            f"{len(bad)} documents of {model} were not {verb}; the first, {bad[0].id!r}: "
            f"{bad[0].error}",
            result=result,
            backend=self.database.name,
            model=model,
        )


def _explicit(filter: Filter, operation: str) -> Node:
    if filter is None:
        raise InvalidQueryError(f"{operation} needs a filter; {{}} means all documents")
    return parse_filter(filter)


def _page_limit(limit: Any) -> int:
    checked = check_limit(limit)
    if checked is None or not 1 <= checked <= 10_000:
        raise InvalidQueryError(f"the limit of a page is from 1 to 10,000, not {limit!r}")
    return checked
