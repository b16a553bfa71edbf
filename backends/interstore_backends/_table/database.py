"""Every operation of the contract on tables, over an engine's way to commit changes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import islice
from typing import Any, TypeAlias

from interstore._version import __version__
from interstore.aggregation import Aggregation, aggregate, distinct_values
from interstore.bulk import BulkResult, WriteOutcome
from interstore.capabilities import Capabilities, Limits
from interstore.changes import Changes, check_version, conflict, not_found
from interstore.document import Document
from interstore.errors import DuplicateError, InterstoreError
from interstore.filters.tree import Node, Scalar
from interstore.indexes import Index
from interstore.paths import Reference
from interstore.plans import Plan
from interstore.prepared import Partition, Query, ScanPage, Write, WriteMode
from interstore.stats import ModelStats, Stats
from interstore.times import now
from interstore_backends._table import bulk, queries
from interstore_backends._table.admission import ChangeIndexes, admit, with_index, without_index
from interstore_backends._table.records import (
    Change,
    change_of,
    decode_document,
    decode_head,
    removal_of,
)
from interstore_backends._table.table import Table

__all__ = ["Decide", "TableDatabase"]

Decide: TypeAlias = Callable[[Table], Sequence[Change]]
"""Judges a write against the table as it is, under the lock: the changes to commit, at most
one for each id; none where nothing is to be written."""


class TableDatabase(ABC):
    """A database whose models are tables. An engine brings the abstract methods."""

    name: str
    capabilities: Capabilities
    limits: Limits = Limits()

    @abstractmethod
    def _table(self, model: str) -> Table | None:
        """The table as it is now, for reading; ``None`` if the model does not exist."""

    @abstractmethod
    def _commit(self, model: str, decide: Decide) -> tuple[int, InterstoreError | None]:
        """Judge and apply a write while no other is under way.

        `decide` gets an empty table if the model does not exist; the model is created once
        there is something to write. Errors of `decide` pass through.

        Returns:
            How many of the changes were applied, in their order, and what prevented the
            rest; where none was applied, that error is raised instead.
        """

    @abstractmethod
    def models(self) -> list[str]:
        """The names of the models that exist, sorted."""

    @abstractmethod
    def drop(self, model: str) -> bool:
        """Remove a model and all its documents; return whether it existed."""

    @abstractmethod
    def _change_indexes(self, model: str, change: ChangeIndexes, *, create: bool) -> bool:
        """Change the declarations of a model while no write is under way, for every process.

        Args:
            model: the model.
            change: what the declarations become; its errors pass through.
            create: whether a model that does not exist is created.

        Returns:
            Whether anything changed.
        """

    @abstractmethod
    def indexes(self, model: str) -> list[Index]:
        """The indexes of the model, in the order of their names."""

    def _searchable(self, model: str) -> Table | None:
        """`_table` with the indexes that are declared by now."""
        return self._table(model)

    def _commit_one(self, model: str, decide: Decide) -> None:
        try:
            self._commit(model, decide)
        except InterstoreError as error:
            error.backend = self.name
            raise

    # Reads.

    def find_by_id(self, model: str, id: str) -> Document | None:
        table = self._table(model)
        if table is None:
            return None
        record = table.records.get(id)
        return None if record is None else decode_document(record)

    def find_by_ids(self, model: str, ids: Sequence[str]) -> list[Document]:
        """The documents that exist among `ids`."""
        table = self._table(model)
        if table is None:
            return []
        return table.steady(lambda table: queries.named(table, ids))

    def find(self, model: str, query: Query) -> Iterable[Document]:
        table = self._searchable(model)
        return [] if table is None else table.steady(lambda table: queries.find(table, query))

    def count(self, model: str, tree: Node) -> int:
        """How many documents match."""
        table = self._searchable(model)
        return 0 if table is None else table.steady(lambda table: queries.count(table, tree))

    def exists(self, model: str, tree: Node) -> bool:
        """Whether any document matches."""
        table = self._searchable(model)
        return table is not None and table.steady(lambda table: queries.exists(table, tree))

    def aggregate(self, model: str, aggregation: Aggregation) -> list[dict[str, Any]]:
        """One row for each group."""
        table = self._searchable(model)
        if table is None:
            return aggregate((), aggregation)
        tree = aggregation.tree
        return table.steady(lambda table: aggregate(queries.stream(table, tree), aggregation))

    def distinct(self, model: str, path: Reference, tree: Node) -> list[Scalar]:
        """The scalars that stand at `path`, each once, in sort order."""
        table = self._searchable(model)
        if table is None:
            return []
        return table.steady(lambda table: distinct_values(queries.stream(table, tree), path))

    def scan(self, model: str, partition: Partition, after: Any, limit: int) -> ScanPage:
        """One page of a partition, in the order of ids, after the last id of the page before."""
        table = self._table(model)
        if table is None:
            return ScanPage([], None)
        return table.steady(lambda table: queries.scan(table, partition, after, limit))

    def partitions(self, model: str, n: int) -> list[Partition]:
        """At most `n` shares of about the same number of documents."""
        table = self._table(model)
        return [Partition()] if table is None else queries.partitions(table, n)

    # Writes of one document.

    def create(self, model: str, write: Write) -> Document:
        change = change_of(write)

        def decide(table: Table) -> Sequence[Change]:
            if write.id in table.records:
                raise self._duplicate(model, write.id)
            admit(table, model, write)
            return (change,)

        self._commit_one(model, decide)
        return write.document()

    def put(self, model: str, write: Write, *, if_version: int | None = None) -> Document:
        """Replace the document if it exists, else create it.

        Raises:
            NotFoundError: `if_version` is given and the document does not exist.
            ConflictError: its version is not `if_version`.
        """
        stored = write

        def decide(table: Table) -> Sequence[Change]:
            nonlocal stored
            record = table.records.get(write.id)
            if record is None:
                if if_version is not None:
                    raise not_found(model, write.id)
            else:
                head = decode_head(record)
                _check_version(model, write.id, head.v, if_version)
                stored = bulk.over(write, head)
            admit(table, model, stored)
            return (change_of(stored),)

        self._commit_one(model, decide)
        return stored.document()

    def update(
        self, model: str, id: str, changes: Changes, *, if_version: int | None = None
    ) -> Document:
        written: list[Write] = []

        def decide(table: Table) -> Sequence[Change]:
            record = table.records.get(id)
            current = None if record is None else decode_document(record)
            written.append(changes.apply(model, id, current, if_version))
            if changes.is_empty:
                return ()
            admit(table, model, written[0])
            return (change_of(written[0]),)

        self._commit_one(model, decide)
        return written[0].document()

    def delete(
        self,
        model: str,
        id: str,
        *,
        if_version: int | None = None,
        if_created: str | None = None,
    ) -> bool:
        removed = False

        def decide(table: Table) -> Sequence[Change]:
            nonlocal removed
            record = table.records.get(id)
            if record is None:
                if if_version is not None:
                    raise not_found(model, id)
                return ()
            head = decode_head(record)
            _check_version(model, id, head.v, if_version)
            if if_created is not None:
                check_version(model, decode_document(record), if_version, if_created)
            removed = True
            return (removal_of(id, head.v, now()),)

        self._commit_one(model, decide)
        return removed

    def find_one_and_update(self, model: str, query: Query, changes: Changes) -> Document | None:
        """Update the first document of the query's order; ``None`` if none matches."""
        query = query.only(limit=1, fields=None)
        written: list[Write] = []

        def decide(table: Table) -> Sequence[Change]:
            for current in queries.find(table, query):
                written.append(changes.apply(model, current.id, current))
                if changes.is_empty:
                    return ()
                admit(table, model, written[0])
                return (change_of(written[0]),)
            return ()

        self._commit_one(model, decide)
        return written[0].document() if written else None

    def find_one_and_delete(self, model: str, query: Query) -> Document | None:
        """Delete the first document of the query's order and return it."""
        query = query.only(limit=1, fields=None)
        deleted: list[Document] = []

        def decide(table: Table) -> Sequence[Change]:
            deleted.extend(queries.find(table, query))
            return [removal_of(each.id, each.version, now()) for each in deleted]

        self._commit_one(model, decide)
        return deleted[0] if deleted else None

    # Writes of many.

    def create_many(self, model: str, writes: Sequence[Write]) -> list[WriteOutcome]:
        """Create each; the outcome of each, in order."""

        def judge(table: Table, write: Write) -> Change | WriteOutcome:
            if write.id in table.records:
                return self._duplicate(model, write.id)
            return change_of(write)

        return self._write_many(model, writes, judge)

    def put_many(self, model: str, writes: Sequence[Write]) -> list[WriteOutcome]:
        """Put each; the outcome of each, in order."""

        def judge(table: Table, write: Write) -> Change | WriteOutcome:
            record = table.records.get(write.id)
            return change_of(write if record is None else bulk.over(write, decode_head(record)))

        return self._write_many(model, writes, judge)

    def write_page(
        self, model: str, writes: Sequence[Write], mode: WriteMode
    ) -> list[WriteOutcome]:
        """Write documents as they are, version and times included."""
        return self._write_many(model, writes, partial(bulk.judge_copy, mode=mode))

    def _write_many(
        self, model: str, writes: Sequence[Write], judge: bulk.Judge
    ) -> list[WriteOutcome]:
        batch = bulk.Batch(model, writes, judge)
        applied, error = self._commit(model, batch.decide)
        return batch.outcomes(applied, error, self.name)

    def update_many(self, model: str, tree: Node, changes: Changes) -> BulkResult:
        """Update every document that matches, all under one lock."""
        update = bulk.UpdateMany(model, tree, changes)
        applied, error = self._commit(model, update.decide)
        return update.result(applied, error, self.name)

    def delete_many(self, model: str, tree: Node) -> BulkResult:
        """Delete every document that matches, all under one lock."""
        delete = bulk.DeleteMany(tree)
        applied, error = self._commit(model, delete.decide)
        return delete.result(applied, error, self.name)

    def sweep(self, model: str, limit: int, ids: Sequence[str] | None = None) -> int:
        """Remove documents that have expired, at most `limit`; return how many."""

        def decide(table: Table) -> Sequence[Change]:
            at = now()
            expired = table.expired if ids is None else table.expired.keys() & ids
            return [removal_of(id, table.expired[id], at) for id in islice(expired, limit)]

        applied, error = self._commit(model, decide)
        if error is not None:
            raise error
        return applied

    # Indexes.

    def ensure_index(self, model: str, index: Index) -> None:
        """Declare the index unless it exists. What queries use of it is built when one asks."""
        try:
            self._change_indexes(model, with_index(model, index), create=True)
        except InterstoreError as error:
            error.backend = self.name
            raise

    def drop_index(self, model: str, name: str) -> bool:
        """Remove the index of that name, and what it demands; return whether it existed."""
        return self._change_indexes(model, without_index(name), create=False)

    def explain(self, model: str, query: Query) -> Plan:
        """How the query would be answered."""
        table = self._searchable(model)
        if table is None:
            return Plan(engine=self.name, access="nothing")
        return queries.explain(table, query, self.name)

    def stats(self) -> Stats:
        """Documents, bytes and indexes of each model."""
        models: dict[str, ModelStats] = {}
        for model in self.models():
            table = self._searchable(model)
            if table is not None:
                models[model] = self._figures(model, table)
        size = sum(figures.bytes or 0 for figures in models.values())
        return Stats(engine=self.name, version=__version__, models=models, bytes=size)

    def _figures(self, model: str, table: Table) -> ModelStats:
        """Those of one model."""
        return ModelStats(
            documents=len(table.records),
            indexes=len(table.declared),
            bytes=table.bytes,
            index_bytes=0,
        )

    def _duplicate(self, model: str, id: str) -> DuplicateError:
        return DuplicateError(
            f"{model} has a document {id!r} already", backend=self.name, model=model, id=id
        )


def _check_version(model: str, id: str, found: int, if_version: int | None) -> None:
    if if_version is not None and found != if_version:
        raise conflict(model, id, if_version, found)
