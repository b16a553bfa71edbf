# Generated from backends/interstore_backends/mongodb/_async/foreign.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 9d0cee74f375310a0af2329a

"""Collections and views that others made in the same database, which are read and updated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from pymongo import ReturnDocument, timeout
from pymongo.errors import DuplicateKeyError

from interstore._sync.foreign_database import ForeignDatabase
from interstore.changes import Change, Changes
from interstore.document import Document
from interstore.errors import ConfigurationError, InvalidDocumentError
from interstore.filters.tree import Node
from interstore.foreign import (
    ForeignDocument,
    ForeignSource,
    IdType,
    NativeId,
    Renaming,
    Span,
    absent,
)
from interstore.foreign_values import exact_changes
from interstore.paths import MISSING, resolve, show_path
from interstore_backends.mongodb._sync.connection import Connection
from interstore_backends.mongodb._sync.writes import contended
from interstore_backends.mongodb.driver import DriverCollection
from interstore_backends.mongodb.errors import CAUGHT, duplicate
from interstore_backends.mongodb.foreign_conditions import condition, span_condition
from interstore_backends.mongodb.foreign_values import (
    FOREIGN_CODEC,
    bson_id,
    id_kind,
    like,
    present,
    shown_id,
)
from interstore_backends.mongodb.keys import ENVELOPE
from interstore_backends.mongodb.options import SIMPLE
from interstore_backends.mongodb.settings import LIMITS

__all__ = ["MongoDBForeign"]

T = TypeVar("T")

_ATTEMPTS: Final = 100
_SAMPLES: Final = 50


class MongoDBForeign(ForeignDatabase):
    """One collection or view, through the client of the store's database."""

    def __init__(self, source: ForeignSource, owner: Connection) -> None:
        super().__init__(source, "mongodb", LIMITS)
        source.refuse_partition(self.name)
        self._owner = owner
        self._id = source.id or "_id"
        self._renaming = Renaming(source, self._id)
        self._shown: dict[str, str] = {}
        self._type: str | None = None
        self._ids: IdType | None = None

    # Reads.

    def kind(self) -> IdType | None:
        if self._ids is None:
            self._ids = self._guarded(self._kind_of_ends)
        return self._ids

    def _kind_of_ends(self) -> IdType | None:
        """What the ids are, going by the least and the greatest.

        MongoDB orders values by their types first, so if these two are of one type, all are.

        Raises:
            ConfigurationError: there is no such collection, its ids are of more than one type,
                or of another than the source says.
        """
        collection = self._collection()
        found: IdType | None = self._ids or self.source.id_type
        for direction in (1, -1):
            end = collection.find_one(
                {},
                {self._id: 1, ENVELOPE: 1},
                sort=[(self._id, direction)],
                collation=SIMPLE,
                allow_disk_use=True,
            )
            if end is None:
                return None
            if isinstance(end.get(ENVELOPE), dict):
                raise self._wrong("it is Interstore's own; read it as a model of the store")
            value = end.get(self._id)
            if id_kind(value) is None or found not in (None, id_kind(value)):
                raise self._strange(value, found)
            found = id_kind(value)
        return found

    def _read(self, tree: Node, span: Span, limit: int) -> list[Document]:
        def work() -> list[Document]:
            kind = self._kind_of_ends() if span.after is None else self._ids
            if kind is None:
                return []
            terms = [
                term
                for term in (
                    span_condition(self._id, kind, span),
                    condition(self._renaming, kind, tree),
                )
                if term is not None
            ]
            return self._find(
                {"$and": terms} if len(terms) > 1 else terms[0] if terms else {},
                sort=[(self._id, -1 if span.descending else 1)],
                limit=limit,
            )

        return self._guarded(work)

    def _fetch(self, ids: Sequence[NativeId]) -> list[Document]:
        def work() -> list[Document]:
            found = [self._bson(id) for id in ids]
            wanted = [id for id in found if id is not None]
            asked: Any = wanted[0] if len(wanted) == 1 else {"$in": wanted}
            documents = self._find({self._id: asked})
            # An array that holds the id is found, too.
            texts = {str(id) for id in ids}
            return [document for document in documents if document.id in texts]

        return self._guarded(work)

    def _find(self, filter: Any, **options: Any) -> list[Document]:
        collection = self._collection()
        cursor = collection.find(
            filter, collation=SIMPLE, batch_size=1_001, allow_disk_use=True, **options
        )
        return [self._document(found) for found in cursor]

    def _total(self) -> int:
        def work() -> int:
            return self._collection().count_documents({}, collation=SIMPLE)

        return self._guarded(work)

    def _splits(self, n: int) -> list[str]:
        def work() -> list[str]:
            collection = self._collection()
            cursor = collection.aggregate(
                [{"$sample": {"size": n * _SAMPLES}}, {"$project": {self._id: 1}}]
            )
            known = {shown_id(found[self._id]) for found in cursor}
            ids = sorted(known, key=int if self._ids == "int" else str)
            shares = min(n, len(ids)) or 1
            return [ids[len(ids) * share // shares - 1] for share in range(1, shares)]

        return self._guarded(work)

    # Writes.

    def _change(self, id: NativeId, changes: Changes) -> Document | None:
        def work() -> Document | None:
            collection = self._writable("update")
            key = {self._id: self._bson(id)}
            for _ in range(_ATTEMPTS):
                raw = collection.find_one(key, collation=SIMPLE)
                if raw is None or raw.get(self._id) is None:
                    return None
                document = self._document(dict(raw))
                before = document.fields()
                exact = exact_changes(changes, before)
                after = exact.apply_to(before)
                update = self._update(raw, after, exact)
                if not update:
                    return document
                updated = collection.find_one_and_update(
                    {**key, "$expr": self._unchanged(raw, exact)},
                    update,
                    collation=SIMPLE,
                    return_document=ReturnDocument.AFTER,
                )
                if updated is not None:
                    return self._document(updated)
            raise contended(self.source.name, str(id))

        try:
            return self._guarded(work, writes=True)
        except DuplicateKeyError as error:
            details = error.details
            raise duplicate(self.source.name, str(id), details) from error

    def _update(
        self, raw: Mapping[str, Any], after: Mapping[str, Any], changes: Changes
    ) -> dict[str, dict[str, Any]]:
        """The update that makes `after` of a document, each value in the type that is there."""
        update: dict[str, dict[str, Any]] = {}
        for change in changes.changes:
            path, old = self._place(change), resolve(dict(raw), self._steps(change))
            shown = show_path(change.path)
            if change.kind == "unset":
                if old is not MISSING:
                    update.setdefault("$unset", {})[path] = ""
            elif change.kind == "push":
                last = old[-1] if isinstance(old, list) and old else None
                update.setdefault("$push", {})[path] = like(last, change.value, shown)
            else:
                value = resolve(dict(after), change.path)
                update.setdefault("$set", {})[path] = like(old, value, shown)
        return update

    def _unchanged(self, raw: Mapping[str, Any], changes: Changes) -> dict[str, Any]:
        """That the fields are still what the changes were judged by."""
        same: list[dict[str, Any]] = []
        for name in sorted({self._steps(change)[0] for change in changes.changes}):
            now = {"$getField": {"field": {"$literal": name}, "input": "$$ROOT"}}
            if name in raw:
                same.append({"$eq": [now, {"$literal": raw[name]}]})
            else:
                same.append({"$eq": [{"$type": now}, "missing"]})
        return {"$and": same}

    def _steps(self, change: Change) -> tuple[str, ...]:
        """The path of a change in the collection.

        Raises:
            InvalidDocumentError: nothing can be presented there.
        """
        first = self._renaming.native(change.path[0])
        if first is None:
            shown = show_path(change.path)
            raise InvalidDocumentError(
                f"{shown!r} cannot be written: the field of that name is the id, or is renamed",
                path=shown,
            )
        return (first, *change.path[1:])

    def _place(self, change: Change) -> str:
        """The same as MongoDB writes it.

        Raises:
            InvalidDocumentError: it cannot.
        """
        steps = self._steps(change)
        if any(not step or step[0] == "$" or "." in step for step in steps):
            shown = show_path(change.path)
            raise InvalidDocumentError(
                f"MongoDB cannot address {shown!r} in an update; set the field around it",
                path=shown,
            )
        return ".".join(steps)

    def _remove(self, id: NativeId) -> bool:
        def work() -> bool:
            collection = self._writable("delete")
            native = self._bson(id)
            if native is None:
                return False
            result = collection.delete_one({self._id: native}, collation=SIMPLE)
            return result.deleted_count > 0

        return self._guarded(work, writes=True)

    def _writable(self, operation: str) -> DriverCollection[dict[str, Any]]:
        """The collection, to be written.

        Raises:
            UnsupportedError: it is a view, or nothing keeps the ids unique.
        """
        collection = self._collection()
        if self._type != "collection":
            raise self._refused(
                operation, f"it is a {self._type}; open the collection that it shows"
            )
        if self._id != "_id":
            indexes = collection.index_information()
            if not any(
                [name for name, _ in index["key"]] == [self._id] and index.get("unique")
                for index in indexes.values()
            ):
                raise self._refused(
                    operation,
                    f"nothing keeps {self._id!r} unique, so more than one document could be "
                    "meant; give it a unique index",
                )
        return collection

    # Documents.

    def _document(self, raw: dict[str, Any]) -> ForeignDocument:
        """The document as it is presented. The argument is used up.

        Raises:
            ConfigurationError: its id is of another type than the ids are, or a field hides it.
            InvalidDocumentError: a value cannot be presented.
        """
        value = raw.pop(self._id, None)
        kind = id_kind(value)
        if kind is None or kind != (self._ids or kind):
            raise self._strange(value, self._ids)
        name, known = self.source.name, self._shown
        fields: dict[str, Any] = {}
        for field, item in raw.items():
            shown = known.get(field)
            if shown is None:
                shown = self._renaming.presented(field)
                if len(known) < 10_000:
                    known[field] = shown
            fields[shown] = present(name, field, item)
        return ForeignDocument(fields, id=shown_id(value))

    def _bson(self, id: NativeId) -> Any:
        assert self._ids is not None, "nothing is looked up without"
        return bson_id(self._ids, id)

    def _strange(self, value: Any, wanted: IdType | None) -> ConfigurationError:
        kind = "no value" if value is None else f"{value!r:.60} (of type {type(value).__name__})"
        said = "ids are ObjectIds, integers, UUIDs (binary of subtype 4) or strings"
        if wanted is not None and id_kind(value) is not None:
            said = f"the ids are of type {wanted!r}"
        return self._wrong(
            f"a document has {kind} in {self._id!r}, and {said}; open a view that leaves such "
            "documents out, and one that has them alone, or choose another field with id="
        )

    # The collection.

    def _collection(self) -> DriverCollection[dict[str, Any]]:
        """The collection, once it was seen to exist.

        Raises:
            ConfigurationError: it does not.
        """
        database = self._owner._database()
        name = self.source.name
        if self._type is None:
            known = database.list_collections(filter={"name": name})
            found = [each for each in known]
            if not found:
                names = database.list_collection_names()
                others = sorted(n for n in names if not n.startswith(("interstore", "system.")))
                raise self._wrong(absent("collection", name, others))
            if name.startswith(("interstore", "system.")):
                raise self._wrong("it is not for documents; choose a collection of yours")
            self._type = str(found[0].get("type", "collection"))
        return database.get_collection(name, codec_options=FOREIGN_CODEC)

    def _wrong(self, problem: str) -> ConfigurationError:
        return ConfigurationError(
            f"foreign {self.source.name!r}: {problem}", backend=self.name, model=self.source.name
        )

    def _guarded(self, work: Callable[[], T], *, writes: bool = False) -> T:
        """What `work` returns, in time, raising Interstore's errors."""
        try:
            with timeout(self._owner._settings.timeout):
                return work()
        except DuplicateKeyError:
            raise
        except CAUGHT as error:
            raise self._owner.errors(error, self.source.name, writes=writes) from error
