"""The client, and which models exist."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from pymongo import ReturnDocument, timeout
from pymongo.errors import CollectionInvalid, OperationFailure
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from interstore.errors import (
    ConfigurationError,
    InvalidQueryError,
    UnavailableError,
    UnsupportedError,
)
from interstore.names import check_model, check_new_model
from interstore_backends.mongodb.driver_async import (
    AsyncClientSession,
    AsyncMongoClient,
    DriverChangeStream,
    DriverCollection,
    DriverDatabase,
)
from interstore_backends.mongodb.errors import CAUGHT, Translator
from interstore_backends.mongodb.indexes import MODELS, Declaration
from interstore_backends.mongodb.meter import Meter
from interstore_backends.mongodb.options import client_options, connection_string
from interstore_backends.mongodb.settings import MongoDBSettings

if TYPE_CHECKING:
    from interstore_backends.mongodb._async.transactions import AsyncTransaction

__all__ = ["AsyncConnection", "patient", "translated", "translated_write"]

F = TypeVar("F", bound=Callable[..., Any])

_EXISTS: Final = 48
_INSTEAD: Final = {
    "has no transactions": "keep what must change together in one document",
    "does not tell changes": 'ask for {"@updated_at": {"$gt": ...}} from time to time',
}
_REMEMBERED: Final = 1_000
_AGE: Final = 5.0
"""Seconds for which a model that must not be created by writing is believed to exist."""
_CLAIMED_SECONDS: Final = 60
"""Within these, who claimed a model's name makes it."""


def translated(method: F) -> F:
    """`method`, whose first argument is the model, in time, raising Interstore's errors only.

    The timeout is for all that it asks together: the driver's own is for each question.
    """
    return _translated(method, limited=True)


def translated_write(method: F) -> F:
    """`translated`, for what writes: once it was sent, nobody may know what became of it."""
    return _translated(method, limited=True, writes=True)


def patient(method: F) -> F:
    """`translated`, for what takes as long as it takes."""
    return _translated(method, limited=False)


def _translated(method: F, *, limited: bool, writes: bool = False) -> F:
    @functools.wraps(method)
    async def call(self: AsyncConnection, model: str, *args: Any, **kwargs: Any) -> Any:
        try:
            with timeout(self._settings.timeout if limited else None):
                return await method(self, model, *args, **kwargs)
        except CAUGHT as error:
            raise self.errors(error, model, writes=writes) from error

    return cast("F", call)


class AsyncConnection:
    """The client of one database, and the collections in it."""

    def __init__(self, settings: MongoDBSettings) -> None:
        self._settings = settings
        self._client: AsyncMongoClient[dict[str, Any]] | None = None
        self._collections: dict[str, DriverCollection[dict[str, Any]]] = {}
        self._existing: dict[str, float] = {}
        self._known: dict[str, tuple[float, Sequence[Declaration]]] = {}
        self._expiring: set[str] = set()
        self._removing: set[str] = set()
        self._plain: dict[str, float] = {}
        self._transactions: set[AsyncTransaction] = set()
        self._replicated = False
        self._meter = Meter()
        self._began: dict[str, int] = {}
        self._streams: dict[tuple[str, str], DriverChangeStream[Any]] = {}
        self.errors = Translator(settings.place, settings.timeout)

    async def connect(self) -> None:
        if self._client is not None:
            return
        settings = self._settings
        client = None
        try:
            client = AsyncMongoClient[dict[str, Any]](
                connection_string(settings),
                event_listeners=[self._meter],
                **client_options(settings),
            )
            await client.admin.command("ping")
        except CAUGHT as error:
            if client is not None:
                await client.close()
            problem = self.errors(error)
        else:
            self._client = client
            return
        # Outside the handler: the driver's errors quote connection strings.
        raise problem from None

    async def disconnect(self) -> None:
        for transaction in list(self._transactions):
            await transaction.end()
        client, self._client = self._client, None
        self._collections.clear()
        self._existing.clear()
        self._known.clear()
        self._expiring.clear()
        self._removing.clear()
        self._plain.clear()
        if client is not None:
            await client.close()

    async def _new_session(self, *, snapshot: bool) -> AsyncClientSession:
        """A session of the driver, for a transaction; or for a snapshot.

        Raises:
            UnsupportedError: the server has no transactions.
        """
        try:
            await self._check_replicated("has no transactions")
        except CAUGHT as error:
            raise self.errors(error) from error
        assert self._client is not None
        return self._client.start_session(snapshot=snapshot)

    async def _check_replicated(self, lacks: str) -> None:
        """Return if it is no single server.

        Raises:
            UnsupportedError: it is one, which `lacks` something.
        """
        self._database()  # raises if it is not connected
        assert self._client is not None
        if not self._replicated:
            hello = await self._client.admin.command("hello")
            self._replicated = "setName" in hello or hello.get("msg") == "isdbgrid"
        if not self._replicated:
            raise UnsupportedError(
                f"{self._settings.place}: a single server {lacks}: make it a replica set, which "
                "may have one member (mongod --replSet, then rs.initiate()), or "
                f"{_INSTEAD[lacks]}",
                backend="mongodb",
            )

    @property
    def native(self) -> DriverDatabase[dict[str, Any]]:
        """The driver's own database object."""
        return self._database()

    def _database(self) -> DriverDatabase[dict[str, Any]]:
        if self._client is None:
            raise UnavailableError(
                f"{self._settings.place}: the database is not connected", backend="mongodb"
            )
        concern = (
            WriteConcern(w="majority", j=True)
            if self._settings.durability == "majority"
            else WriteConcern(w=1)
        )
        return self._client.get_database(
            self._settings.name,
            # The primary's own state: what was written is read, by every client.
            read_preference=ReadPreference.PRIMARY,
            read_concern=ReadConcern("local"),
            write_concern=concern,
        )

    def _collection(self, model: str) -> DriverCollection[dict[str, Any]]:
        """The collection, to read from; it need not exist."""
        collection = self._collections.get(model)
        if collection is None:
            collection = self._database()[model]
            if len(self._collections) < _REMEMBERED:
                self._collections[model] = collection
        return collection

    async def _writable(self, model: str) -> DriverCollection[dict[str, Any]]:
        """The collection, made if it does not exist.

        Raises:
            ConfigurationError: it does not, and must not be made.
            InvalidQueryError: the name differs from another model's in case only.
        """
        if self._existing.get(model, 0.0) < time.monotonic():
            await self._make(model)
        return self._collection(model)

    async def _make(self, model: str) -> None:
        existing = await self._model_names()
        if model not in existing:
            if not self._settings.auto_create:
                self._existing.pop(model, None)
                raise _creation_is_off(model, existing)
            check_new_model(model, existing)
            await self._claim(model)
            check_new_model(model, await self._model_names())
            try:
                await self._database().create_collection(model, check_exists=False)
            except (CollectionInvalid, OperationFailure) as error:
                # Another made it at the same time.
                if isinstance(error, OperationFailure) and error.code != _EXISTS:
                    raise
        if len(self._existing) < _REMEMBERED:
            sure = self._settings.auto_create
            self._existing[model] = math.inf if sure else time.monotonic() + _AGE

    async def _claim(self, model: str) -> None:
        """Of all names that differ in case only, have the one that is made.

        Raises:
            InvalidQueryError: another process is making such a one at this moment.
        """
        mine = {"_id": model.lower(), "name": model, "at": "$$NOW"}
        void = {"$lt": ["$at", {"$subtract": ["$$NOW", _CLAIMED_SECONDS * 1000]}]}
        free = {"$or": [{"$eq": [{"$ifNull": ["$name", model]}, model]}, void]}
        claimed = await self._database()[MODELS].find_one_and_update(
            {"_id": model.lower()},
            [{"$replaceWith": {"$cond": [free, mine, "$$ROOT"]}}],
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        if claimed is not None:
            check_new_model(model, [claimed["name"]])

    def _forget(self, model: str) -> None:
        """What is known of a model that is gone."""
        self._existing.pop(model, None)
        self._known.pop(model, None)
        self._expiring.discard(model)
        self._removing.discard(model)
        self._plain.pop(model, None)

    async def _model_names(self) -> list[str]:
        """The collections that can be models: neither MongoDB's own, nor views."""
        names = await self._database().list_collection_names(filter={"type": "collection"})
        return sorted(filter(_is_model, names))


def _is_model(name: str) -> bool:
    try:
        check_model(name)
    except InvalidQueryError:
        return False
    return True


def _creation_is_off(model: str, existing: Iterable[str]) -> ConfigurationError:
    return ConfigurationError(
        f"there is no model {model!r}, and auto_create (DATABASE_AUTO_CREATE) is off; the "
        f"models that exist: {', '.join(existing) or 'none'}",
        backend="mongodb",
        model=model,
    )
