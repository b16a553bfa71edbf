"""What other programs keep in a store, as models of a source: tables, collections, containers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias
from urllib.parse import parse_qsl, urlencode

import msgspec
from msgspec.structs import replace

from interstore.capabilities import Capabilities
from interstore.document import Document
from interstore.errors import ConfigurationError
from interstore.filters.tree import Node, Scalar
from interstore.foreign import ForeignSource, IdType
from interstore.migration.raw import RawDocument
from interstore.names import check_model
from interstore.prepared import Partition, Query, ScanPage
from interstore.read_only import ReadOnly

if TYPE_CHECKING:
    from interstore._sync.database import Database
    from interstore._sync.operations import Operations
    from interstore._sync.store import Store

__all__ = [
    "Foreign",
    "Hidden",
    "View",
    "Views",
    "hidden_ids",
    "is_viewed",
    "reference_of",
    "url_and_views",
    "viewed",
    "views_of",
]

_PREFIX: Final = "views:"
_BESIDE: Final = "id beside the id"
"""What a field 'id' is called while it is looked for."""


class View(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A table, collection or container, by the arguments of `Store.foreign`."""

    name: str
    id: str | None = None
    id_type: IdType | None = None
    rename: dict[str, str] = {}
    partition: str | dict[str, Scalar] | None = None

    def spelled(self) -> str:
        """The view as `--foreign` takes it, without the model."""
        options: list[tuple[str, str]] = [
            ("rename", f"{old}:{new}") for old, new in self.rename.items()
        ]
        if self.id_type:
            options.append(("id_type", self.id_type))
        if isinstance(self.partition, str):
            options.append(("partition", self.partition))
        query = urlencode(options, safe=":/")
        return self.name + (f":{self.id}" if self.id else "") + (f"?{query}" if query else "")

    def source(self) -> ForeignSource:
        """The same for engines.

        Raises:
            InvalidQueryError: it is not valid.
        """
        return ForeignSource(**msgspec.structs.asdict(self))


Views: TypeAlias = dict[str, View]
"""By the names of the models that they are to be."""

Foreign: TypeAlias = "Mapping[str, str | Mapping[str, Any]] | Views"
"""By model: ``"table"`` or ``"table:id_column"``, or the arguments of `Store.foreign`."""


def views_of(foreign: Foreign) -> Views:
    """The views, checked, in one order.

    Raises:
        ConfigurationError, InvalidQueryError: one of them is not valid.
    """
    views: Views = {}
    for model in sorted(foreign):
        given = foreign[model]
        try:
            view = msgspec.convert(_parsed(given) if isinstance(given, str) else given, View)
        except msgspec.ValidationError as error:
            raise ConfigurationError(f"foreign {model!r}: {error}") from None
        view.source()
        views[check_model(model)] = view
    return views


def _parsed(text: str) -> dict[str, Any]:
    """``NAME[:ID][?id_type=...&rename=OLD:NEW&partition=PATH]``."""
    text, _, query = text.partition("?")
    name, _, id = text.partition(":")
    arguments: dict[str, Any] = {"name": name, "id": id or None, "rename": {}}
    for key, value in parse_qsl(query, keep_blank_values=True):
        old, colon, new = value.partition(":")
        if key == "rename" and colon:
            arguments["rename"][old] = new
        elif key == "partition":
            arguments["partition"] = {old: new} if colon else value
        elif key == "id_type":
            arguments["id_type"] = value
        else:
            raise ConfigurationError(
                f"foreign {name!r}: {key}={value} is not one of id_type=..., rename=OLD:NEW, "
                "partition=PATH"
            )
    return arguments


def viewed(store: Store, views: Views) -> Store:
    """The store as a source whose models are these views. Its connections are the store's."""
    viewing = copy(store)
    viewing.database = _operations(_ViewDatabase(store.database, views))
    return viewing


class _ViewDatabase(ReadOnly):
    """Reads each model from a view, as raw documents."""

    capabilities = Capabilities(models=True, multi_key_sort_undeclared=True)
    raw = True
    refusal = "a source of a migration is only read"

    def __init__(self, operations: Operations, views: Views) -> None:
        self.name = operations.name
        self.limits = operations.limits
        self._store = operations
        self._given = views
        self._views = {model: self._open(view) for model, view in views.items()}

    def _open(self, view: View) -> Operations:
        return _operations(self._store.foreign(view.source()))

    def hidden(self, model: str) -> Hidden | None:
        """See `hidden_ids`."""
        view = self._given[model]
        if "id" in view.rename:
            return None
        renamed = replace(view, rename={**view.rename, "id": _BESIDE})
        documents = self._open(renamed)
        try:
            documents.scan(model, Partition(), None, 1)
        except ConfigurationError:
            return None
        cure = replace(view, rename={**view.rename, "id": "NAME"}).spelled()
        ids = (each["id"] for each in _all(documents, model) if _BESIDE in each)
        return Hidden(ids, f"--foreign '{model}={cure}' gives it another name")

    def connect(self) -> None:
        """The connections are the store's."""

    def disconnect(self) -> None:
        """The connections are the store's."""

    def models(self) -> list[str]:
        return list(self._views)

    def find_by_id(self, model: str, id: str) -> Document | None:
        found = self.find_by_ids(model, [id])
        return found[0] if found else None

    def find_by_ids(self, model: str, ids: Sequence[str]) -> list[Document]:
        """The documents that exist among `ids`."""
        return _raw(self._views[model].find_by_ids(model, ids))

    def find(self, model: str, query: Query) -> Iterable[Document]:
        return _raw(self._views[model].find(model, query))

    def count(self, model: str, tree: Node) -> int:
        """How many documents match."""
        return self._views[model].count(model, tree)

    def partitions(self, model: str, n: int) -> list[Partition]:
        """At most `n` shares of about the same number of documents."""
        return self._views[model].partitions(model, n)

    def scan(self, model: str, partition: Partition, after: Any, limit: int) -> ScanPage:
        """A page in the order of ids, after the last id of the page before."""
        page = self._views[model].scan(model, partition, after, limit)
        return ScanPage(_raw(page.documents), page.next)


def _all(documents: Operations, model: str) -> Iterator[Document]:
    after: Any = None
    while True:
        page = documents.scan(model, Partition(), after, 500)
        yield from page.documents
        if (after := page.next) is None:
            return


def _operations(database: Database) -> Operations:
    from interstore._sync.operations import Operations

    return Operations(database)


def _raw(documents: Iterable[Document]) -> list[Document]:
    return [RawDocument(document.fields(), id=document["id"]) for document in documents]


class Hidden(NamedTuple):
    """Documents of which a field 'id' would hide the id, and what to do."""

    ids: Iterator[str]
    cure: str


def hidden_ids(source: Operations, model: str) -> Hidden | None:
    """The documents of a view that have a field 'id' beside what identifies them.

    ``None`` if that is not why it cannot be read.
    """
    database = source.database
    return database.hidden(model) if isinstance(database, _ViewDatabase) else None


def reference_of(url: str, views: Views) -> str:
    """The reference of a store's views, for orders."""
    return _PREFIX + msgspec.json.encode([url, views]).decode()


def is_viewed(reference: str) -> bool:
    """Whether a reference names views of a store."""
    return reference.startswith(_PREFIX)


def url_and_views(reference: str) -> tuple[str, Views]:
    """What `reference_of` was given."""
    return msgspec.json.decode(reference.removeprefix(_PREFIX), type=tuple[str, Views])
