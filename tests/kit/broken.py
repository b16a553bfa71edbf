"""Databases that are wrong in one way each, under the suites that have to notice.

`test_teeth` runs this file and expects it to fail; pytest does not collect it otherwise.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from functools import cmp_to_key
from typing import Any
from unicodedata import normalize

import msgspec
import pytest
from hypothesis import Phase, settings

# Before the kit is imported. Failures are wanted here, not small examples of them.
settings.register_profile(
    "teeth", max_examples=60, phases=[Phase.generate], database=None, derandomize=True
)
settings.load_profile("teeth")

from interstore._sync.database import Database
from interstore.bulk import WriteOutcome
from interstore.capabilities import Capabilities, Limits
from interstore.changes import Changes
from interstore.document import Document
from interstore.errors import DuplicateError, InterstoreError
from interstore.filters.evaluate import compile_filter, document_getter
from interstore.filters.order import sort_value
from interstore.filters.tree import And, Eq, Node, Not, Or
from interstore.names import check_new_model
from interstore.paths import MISSING, Envelope, Reference
from interstore.prepared import Partition, Query, ScanPage, Write
from interstore.testing._sync.aggregates import AggregateSuite
from interstore.testing._sync.bulk import BulkSuite
from interstore.testing._sync.conformance import Conformance
from interstore.testing._sync.crud import CrudSuite
from interstore.testing._sync.differential import DifferentialSuite
from interstore.testing._sync.envelope import EnvelopeSuite
from interstore.testing._sync.filters import FilterSuite
from interstore.testing._sync.inspection import InspectionSuite
from interstore.testing._sync.isolation import IsolationSuite
from interstore.testing._sync.locking import LockingSuite
from interstore.testing._sync.models import ModelSuite
from interstore.testing._sync.order import OrderSuite
from interstore.testing._sync.paging import PagingSuite
from interstore.testing._sync.programs import ProgramSuite
from interstore.testing._sync.refusals import RefusalSuite
from interstore.testing._sync.scan import ScanSuite
from interstore.testing._sync.suite import Suite
from interstore.testing._sync.updates import UpdateSuite
from interstore.testing._sync.values import ValueSuite
from tests.tiny import TinyDatabase


class Sound(TinyDatabase):
    """Nothing is wrong with it: each database below differs from it in one method."""

    limits = Limits()

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.RLock()

    def create(self, model: str, write: Write) -> Document:
        with self.lock:
            write.json  # noqa: B018 - too large a document must not create the model
            check_new_model(model, self.models)
            return super().create(model, write)

    def update(
        self, model: str, id: str, changes: Changes, *, if_version: int | None = None
    ) -> Document:
        with self.lock:
            return super().update(model, id, changes, if_version=if_version)

    def delete(
        self,
        model: str,
        id: str,
        *,
        if_version: int | None = None,
        if_created: str | None = None,
    ) -> bool:
        with self.lock:
            return super().delete(model, id, if_version=if_version, if_created=if_created)

    def find(self, model: str, query: Query) -> Iterable[Document]:
        with self.lock:
            return list(super().find(model, query))


class Native(Sound):
    """It filters and sorts by itself, through two methods for the others to get wrong."""

    capabilities = Capabilities(persistent=False)

    def matches(self, tree: Node, document: Document) -> bool:
        return compile_filter(tree)(document)

    def rank(self, value: Any) -> Any:
        return sort_value(value)

    def find(self, model: str, query: Query) -> Iterable[Document]:
        found = [d for d in super().find(model, query) if self.matches(query.tree, d)]
        getters = [document_getter(key.path) for key in query.order]
        signs = [-1 if key.descending else 1 for key in query.order]

        def compare(left: Sequence[Any], right: Sequence[Any]) -> int:
            for sign, one, other in zip(signs, left, right, strict=True):
                a, b = self.rank(one), self.rank(other)
                if a != b:
                    return sign if a > b else -sign
            return 0

        def place(document: Document) -> list[Any]:
            return [get(document) for get in getters]

        if query.after is not None:
            start = query.after
            found = [document for document in found if compare(place(document), start) > 0]
        found.sort(key=cmp_to_key(lambda one, other: compare(place(one), place(other))))
        end = None if query.limit is None else query.skip + query.limit
        return found[query.skip : end]


# --- one document --------------------------------------------------------------------------------


class SwallowsDuplicates(Sound):
    def create(self, model: str, write: Write) -> Document:
        try:
            return super().create(model, write)
        except DuplicateError:
            return self.update(
                model, write.id, Changes((), write.updated, replacement=write.fields)
            )


class FoldsIds(Sound):
    def find_by_id(self, model: str, id: str) -> Document | None:
        folded = normalize("NFC", id).lower()
        for known in list(self.models.get(model, {})):
            if normalize("NFC", known).lower() == folded:
                return super().find_by_id(model, known)
        return None


class KeepsVersion(Sound):
    def update(
        self, model: str, id: str, changes: Changes, *, if_version: int | None = None
    ) -> Document:
        with self.lock:
            document = super().update(model, id, changes, if_version=if_version)
            document.version = self.models[model][id].version = 1
            return document


class TruncatesTimes(Sound):
    def find(self, model: str, query: Query) -> Iterable[Document]:
        documents = list(super().find(model, query))
        for document in documents:
            document.updated = f"{document.updated[:-5]}000Z"
        return documents


class IgnoresIfVersion(Sound):
    def update(
        self, model: str, id: str, changes: Changes, *, if_version: int | None = None
    ) -> Document:
        return super().update(model, id, changes)


class LosesIncrements(Sound):
    def update(
        self, model: str, id: str, changes: Changes, *, if_version: int | None = None
    ) -> Document:
        current = self.find_by_id(model, id)
        write = changes.apply(model, id, current, if_version)
        time.sleep(0.001)
        with self.lock:
            document = super().update(model, id, changes, if_version=if_version)
            self.models[model][id] = Write(
                id, {}, version=document.version, created=write.created, updated=write.updated,
                json=write.json,
            )  # fmt: skip
            return document


class RemovesNulls(Sound):
    def update(
        self, model: str, id: str, changes: Changes, *, if_version: int | None = None
    ) -> Document:
        kept = tuple(change for change in changes.changes if change.value is not None)
        changed = Changes(kept, changes.updated, changes.replacement)
        return super().update(model, id, changed, if_version=if_version)


class WritesInPart(Sound):
    def update(
        self, model: str, id: str, changes: Changes, *, if_version: int | None = None
    ) -> Document:
        try:
            return super().update(model, id, changes, if_version=if_version)
        except InterstoreError:
            for change in changes.changes:
                try:
                    super().update(model, id, Changes((change,), changes.updated))
                except InterstoreError:
                    continue
            raise


class ReadsFloats(Sound):
    def find_by_id(self, model: str, id: str) -> Document | None:
        document = super().find_by_id(model, id)
        for key, value in (document or {}).items():
            if type(value) is int and document is not None:
                document[key] = float(value)
        return document


class SharesDocuments(Sound):
    def __init__(self) -> None:
        super().__init__()
        self.read: dict[tuple[str, str, int], Document] = {}

    def find_by_id(self, model: str, id: str) -> Document | None:
        document = super().find_by_id(model, id)
        if document is None:
            return None
        return self.read.setdefault((model, id, document.version), document)


class AcceptsLongDocuments(Sound):
    def create(self, model: str, write: Write) -> Document:
        document = write.document()
        write._json = write._json or msgspec.json.encode(write.fields)  # and not `write.json`
        super().create(model, write)
        return document


# --- queries -------------------------------------------------------------------------------------


class EntersArrays(Native):
    def matches(self, tree: Node, document: Document) -> bool:
        if isinstance(tree, Eq) and not isinstance(tree.path, Envelope):
            value = document_getter(tree.path)(document)
            if isinstance(value, list) and tree.value in value:
                return True
        return super().matches(tree, document)


class ForgetsNulls(Native):
    """As SQL does: what is compared with a missing value is neither true nor false."""

    def matches(self, tree: Node, document: Document) -> bool:
        if isinstance(tree, And):
            return all(self.matches(node, document) for node in tree.nodes)
        if isinstance(tree, Or):
            return any(self.matches(node, document) for node in tree.nodes)
        path: Reference | None = getattr(getattr(tree, "node", None), "path", None)
        if isinstance(tree, Not) and path and document_getter(path)(document) is MISSING:
            return False
        return super().matches(tree, document)


class ConfusesTrueWithOne(Native):
    def matches(self, tree: Node, document: Document) -> bool:
        if isinstance(tree, Eq) and not isinstance(tree.path, Envelope):
            value = document_getter(tree.path)(document)
            if isinstance(value, (bool, int)) and value == tree.value:
                return True
        return super().matches(tree, document)


class SortsBooleansFirst(Native):
    def rank(self, value: Any) -> Any:
        return (0.5, value) if isinstance(value, bool) else super().rank(value)


class SortsWithoutCase(Native):
    def rank(self, value: Any) -> Any:
        return super().rank(value.lower() + value if isinstance(value, str) else value)


class SortsByUTF16(Native):
    def rank(self, value: Any) -> Any:
        return (2, value.encode("utf-16-be")) if isinstance(value, str) else super().rank(value)


class RepeatsAPage(Native):
    def find(self, model: str, query: Query) -> Iterable[Document]:
        if query.after is not None and len(query.order) > 1:  # it forgets the tie-break
            value = self.rank(query.after[0])
            get = document_getter(query.order[0].path)
            found = super().find(model, query.only(after=None, limit=None))
            return [d for d in found if self.rank(get(d)) > value][: query.limit]
        return super().find(model, query)


class CountsPages(Native):
    def count(self, model: str, tree: Node) -> int:
        return len(list(self.find(model, Query(tree, limit=100))))


# --- the rest ------------------------------------------------------------------------------------


class ReportsAllCreated(Sound):
    def create_many(self, model: str, writes: Sequence[Write]) -> list[WriteOutcome]:
        for write in writes:
            if write.id not in self.models.get(model, {}):
                self.create(model, write)
        return [1] * len(writes)


class DeclaresTooMuch(Sound):
    capabilities = Capabilities(filter="core", persistent=False, stats=True)


class ForgetsCase(Sound):
    def create(self, model: str, write: Write) -> Document:
        with self.lock:
            return TinyDatabase.create(self, model, write)


class ScanSkipsLast(Sound):
    def scan(self, model: str, partition: Partition, after: Any, limit: int) -> ScanPage:
        found = sorted(self.find(model, Query()), key=lambda document: document.id)
        rest = [document for document in found if after is None or document.id > after]
        page = rest[:limit]
        return ScanPage(page, page[-1].id if len(rest) > limit + 1 else None)


class SumsTexts(Sound):
    def aggregate(self, model: str, aggregation: Any) -> list[dict[str, Any]]:
        return [{"n": len(list(self.find(model, Query())))}]


BROKEN: dict[type[Sound], type[Suite]] = {
    Sound: Conformance,
    Native: OrderSuite,
    SwallowsDuplicates: CrudSuite,
    FoldsIds: ValueSuite,
    KeepsVersion: EnvelopeSuite,
    TruncatesTimes: EnvelopeSuite,
    IgnoresIfVersion: LockingSuite,
    LosesIncrements: LockingSuite,
    RemovesNulls: UpdateSuite,
    WritesInPart: UpdateSuite,
    ReadsFloats: ValueSuite,
    SharesDocuments: IsolationSuite,
    AcceptsLongDocuments: RefusalSuite,
    EntersArrays: FilterSuite,
    ForgetsNulls: FilterSuite,
    ConfusesTrueWithOne: FilterSuite,
    SortsBooleansFirst: OrderSuite,
    SortsWithoutCase: OrderSuite,
    SortsByUTF16: OrderSuite,
    RepeatsAPage: PagingSuite,
    CountsPages: BulkSuite,
    ReportsAllCreated: BulkSuite,
    DeclaresTooMuch: InspectionSuite,
    ForgetsCase: ModelSuite,
    ScanSkipsLast: ScanSuite,
    SumsTexts: AggregateSuite,
}


def _adopt(kind: type[Sound], suite: type[Suite]) -> type:
    def database(self: Suite) -> Database:
        return kind()

    return type(f"Test{kind.__name__}", (suite,), {"database": pytest.fixture(database)})


for _kind, _suite in BROKEN.items():
    globals()[f"Test{_kind.__name__}"] = _adopt(_kind, _suite)

for _kind in (Native, EntersArrays, ForgetsNulls, SortsWithoutCase, RemovesNulls):
    globals()[f"TestRandom{_kind.__name__}"] = _adopt(_kind, DifferentialSuite)

for _kind in (IgnoresIfVersion, SwallowsDuplicates, KeepsVersion):
    globals()[f"TestRandom{_kind.__name__}"] = _adopt(_kind, ProgramSuite)
