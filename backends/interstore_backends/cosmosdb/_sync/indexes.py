# Generated from backends/interstore_backends/cosmosdb/_async/indexes.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: ee7cb47407c944c16d1aa58b

"""Indexes: declaring and dropping them, and what they refuse."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from azure.cosmos import PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError

from interstore._compat import sleep
from interstore.errors import InterstoreError, InvalidDocumentError, UnavailableError
from interstore.indexes import SHOWN_IDS, Index, check_new_index, compile_check, unfit
from interstore_backends.cosmosdb._sync.connection import (
    Connection,
    translated,
    translated_write,
)
from interstore_backends.cosmosdb.compile import Statement
from interstore_backends.cosmosdb.errors import is_gone, is_unmet
from interstore_backends.cosmosdb.indexing import Declared, declarations, with_declarations
from interstore_backends.cosmosdb.records import read_item
from interstore_backends.cosmosdb.suspects import compile_suspects

__all__ = ["BELIEVED_SECONDS", "Indexes"]

BELIEVED_SECONDS: Final = 5.0
"""So long, what is known of a model's declarations is believed, and that nothing in it expires."""
_REMEMBERED: Final = 1_000
_ATTEMPTS: Final = 20
_NONE: Final = Declared()


class Indexes(Connection):
    """Indexes: declaring and dropping them, and what they refuse."""

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self._known: dict[str, tuple[float, Declared]] = {}

    def _declared(self, model: str, *, afresh: bool = False) -> Declared:
        """The declarations of a model; those that others make are seen within seconds.

        The driver reads a container's properties before anything else that it does with it, so
        to read them here costs nothing at first, and never any request units.
        """
        until, known = self._known.get(model, (0.0, _NONE))
        if until > time.monotonic() and not afresh:
            return known
        try:
            properties = self._container(model).read()
        except CosmosHttpResponseError as error:
            if not is_gone(error):
                raise
            self._known.pop(model, None)
            return _NONE
        return self._learn(model, properties)

    def _learn(self, model: str, properties: Any) -> Declared:
        expiring = properties.get("defaultTtl") is not None
        declared = Declared(declarations(properties["indexingPolicy"]), expiring=expiring)
        if len(self._known) < _REMEMBERED or model in self._known:
            self._known[model] = (time.monotonic() + BELIEVED_SECONDS, declared)
        return declared

    def _check(self, model: str, id: str, fields: dict[str, Any]) -> None:
        """Refuse what the declarations do not allow.

        Raises:
            InvalidDocumentError: one of them does not.
        """
        check = compile_check(self._declared(model).indexes)
        if check is None:
            return
        try:
            check(fields)
        except InvalidDocumentError as error:
            error.model, error.id = model, id
            raise

    @translated_write
    def ensure_index(self, model: str, index: Index) -> None:
        """Build the index unless it exists; the model too, if it does not.

        Raises:
            ConfigurationError: it contradicts an index that exists, or the model must not be
                made.
            InvalidDocumentError: stored documents do not fit it.
        """
        declared = self._declared(model, afresh=True)
        if model not in self._known:
            self._make(model)
        if index in declared.indexes:
            return
        check_new_index(index, declared.indexes)
        self._refuse_unfit(model, index)
        self._redeclare(model, lambda indexes: _with(indexes, index))
        try:
            # Written by those who did not know of it yet.
            self._refuse_unfit(model, index)
        except InterstoreError:
            self._redeclare(model, lambda indexes: _without(indexes, index.name))
            raise

    def _refuse_unfit(self, model: str, index: Index) -> None:
        check = compile_check([index])
        suspects = compile_suspects(index)
        if check is None or suspects is None:
            return
        unfit_ids = []
        for item in self._rows(model, suspects, None):
            document = read_item(item)
            try:
                check(document.fields())
            except InvalidDocumentError:
                unfit_ids.append(document.id)
        if unfit_ids:
            shown = sorted(unfit_ids)[:SHOWN_IDS]
            raise unfit(model, index, len(unfit_ids), shown)

    def _rows(self, model: str, statement: Statement, limit: int | None) -> list[Any]:
        """What a query gives."""
        raise NotImplementedError

    @translated
    def indexes(self, model: str) -> list[Index]:
        """The indexes of the model, in the order of their names."""
        return list(self._declared(model, afresh=True).indexes)

    @translated_write
    def drop_index(self, model: str, name: str) -> bool:
        """Remove the index of that name, and what it demands; return whether it existed."""
        declared = self._declared(model, afresh=True)
        if all(index.name != name for index in declared.indexes):
            return False
        self._redeclare(model, lambda indexes: _without(indexes, name))
        return True

    def _redeclare(self, model: str, change: Callable[[Sequence[Index]], Sequence[Index]]) -> None:
        """Change the declarations, if nobody else changes the container at the same moment."""
        for attempt in range(_ATTEMPTS):
            properties = self._container(model).read()
            policy = properties["indexingPolicy"]
            before = declarations(policy)
            after = change(before)
            if list(after) == before:
                return
            try:
                self._replace_container(model, properties, with_declarations(policy, after))
            except CosmosHttpResponseError as error:
                if not is_unmet(error):
                    raise
                sleep(0.05 * (attempt + 1))
                continue
            self._learn(model, self._container(model).read())
            return
        raise UnavailableError(
            f"the indexes of {model} were changed by others {_ATTEMPTS} times while this call "
            "tried to; try again later",
            backend="cosmosdb",
            model=model,
        )

    def _replace_container(self, model: str, properties: Any, policy: Any) -> None:
        kept = {
            argument: properties[name]
            for argument, name in _KEPT.items()
            if properties.get(name) is not None
        }
        self.native.replace_container(
            model,
            PartitionKey(path="/id", version=properties["partitionKey"].get("version", 1)),
            indexing_policy=policy,
            initial_headers={"If-Match": properties["_etag"]},
            **kept,
        )


_KEPT: Final = {
    "default_ttl": "defaultTtl",
    "conflict_resolution_policy": "conflictResolutionPolicy",
    "analytical_storage_ttl": "analyticalStorageTtl",
    "computed_properties": "computedProperties",
    "full_text_policy": "fullTextPolicy",
    "vector_embedding_policy": "vectorEmbeddingPolicy",
}


def _with(indexes: Sequence[Index], index: Index) -> list[Index]:
    if index in indexes:
        return list(indexes)
    check_new_index(index, indexes)
    return [*indexes, index]


def _without(indexes: Sequence[Index], name: str) -> list[Index]:
    return [index for index in indexes if index.name != name]
