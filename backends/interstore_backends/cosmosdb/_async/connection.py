"""The client, and which models exist."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any, Final, TypeVar, cast

from azure.cosmos import PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError

from interstore.errors import ConfigurationError, InterstoreError, InvalidQueryError
from interstore.names import check_model, check_new_model
from interstore_backends.cosmosdb._async.policy import AsyncPolicy
from interstore_backends.cosmosdb.driver_async import (
    ContainerProxy,
    CosmosClient,
    DatabaseProxy,
    connection_policy,
    credential_of,
    proof,
    transport,
    within,
)
from interstore_backends.cosmosdb.errors import CAUGHT, Translator, is_gone, is_taken
from interstore_backends.cosmosdb.indexing import new_policy
from interstore_backends.cosmosdb.options import throughput_of
from interstore_backends.cosmosdb.settings import CosmosDBSettings
from interstore_backends.cosmosdb.usage import Usage
from interstore_backends.cosmosdb.workers_async import Workers

__all__ = ["AsyncConnection", "listed", "translated", "translated_write", "undisturbed"]

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

_DISTURBED: Final = 7


def translated(method: F) -> F:
    """`method`, whose first argument is the model, in time, raising Interstore's errors only."""
    return _translated(method)


def translated_write(method: F) -> F:
    """`translated`, for what writes: once it was sent, nobody may know what became of it."""
    return _translated(method, writes=True)


def _translated(method: F, *, writes: bool = False) -> F:
    @functools.wraps(method)
    async def call(self: AsyncConnection, model: str, *args: Any, **kwargs: Any) -> Any:
        try:
            async with within(self._settings.timeout):
                return await method(self, model, *args, **kwargs)
        except CAUGHT as error:
            raise self.errors(error, model, writes=writes) from error
        except Exception as error:
            # What the driver does when its session is closed under it: it asserts, for instance.
            if self.is_connected or isinstance(error, InterstoreError):
                raise
            raise self.errors.closed(model) from error

    return cast("F", call)


async def undisturbed(read: Callable[[], Awaitable[T]]) -> T:
    """What `read` gives, asked again if another thread disturbs it.

    The driver's threads share what it notes of the last answer. One may change it while another
    reads it: RuntimeError, "mutated during iteration".
    """
    for _ in range(_DISTURBED):
        with suppress(RuntimeError):
            return await read()
    return await read()


async def listed(ask: Callable[[], AsyncIterable[Any]]) -> list[Any]:
    """All that the driver gives when asked, `undisturbed`."""

    async def read() -> list[Any]:
        return [each async for each in ask()]

    return await undisturbed(read)


class AsyncConnection:
    """The client of one database, and the containers in it.

    Attributes:
        usage: request units and requests since it was made.
    """

    def __init__(self, settings: CosmosDBSettings) -> None:
        self._settings = settings
        self._client: Any = None
        self._database: DatabaseProxy | None = None
        self._credential: Any = None
        self._policy = AsyncPolicy(settings.pool_size, proof(settings))
        self._workers = Workers(settings.pool_size)
        self.errors = Translator(settings.place, settings.timeout)

    @property
    def usage(self) -> Usage:
        """What was asked of the service."""
        return self._policy.usage

    @property
    def is_connected(self) -> bool:
        """Whether there is a client."""
        return self._client is not None

    async def connect(self) -> None:
        if self.is_connected:
            return
        try:
            async with within(self._settings.timeout):
                await self._open()
            return
        except CAUGHT as error:
            problem = self.errors(error)
            if is_gone(error):
                problem = ConfigurationError(
                    f"{self._settings.place}: the account has no database "
                    f"{self._settings.name!r}; create it, or correct DATABASE_NAME",
                    backend="cosmosdb",
                )
        await self.disconnect()
        # Outside the handler: what the driver raises shows its requests.
        raise problem from None

    async def _open(self) -> None:
        settings = self._settings
        credential = credential_of(settings)
        if settings.identity:
            self._credential = credential
        client: Any = CosmosClient(
            settings.endpoint,
            credential,
            connection_policy=connection_policy(self._policy),
            transport=transport(settings),
            enable_compact_utf8_item_writes=True,
            user_agent_suffix="interstore",
        )
        self._client = client
        await client.__aenter__()
        database = client.get_database_client(settings.name)
        await database.read()
        self._database = database

    async def disconnect(self) -> None:
        client, self._client = self._client, None
        credential, self._credential = self._credential, None
        self._database = None
        await self._workers.close()
        if client is not None:
            await client.__aexit__(None, None, None)
        if credential is not None:
            await credential.close()

    @property
    def native(self) -> DatabaseProxy:
        """The driver's own database object."""
        if self._database is None:
            raise self.errors.closed()
        return self._database

    def _container(self, model: str) -> ContainerProxy:
        """The container, to use; it need not exist."""
        return self.native.get_container_client(model)

    async def _make(self, model: str, *, expiring: bool = False) -> None:
        """Make the container, unless it exists.

        Args:
            model: the model.
            expiring: whether its items may have a time to live.

        Raises:
            ConfigurationError: it must not be made.
            InvalidQueryError: the name differs from another model's in case only.
        """
        existing = await self._model_names()
        if model in existing:
            return
        if not self._settings.auto_create:
            raise _creation_is_off(model, existing)
        check_new_model(model, existing)
        try:
            await self.native.create_container(
                model,
                PartitionKey(path="/id"),
                indexing_policy=new_policy(),
                offer_throughput=throughput_of(self._settings),
                default_ttl=-1 if expiring else None,
            )
        except CosmosHttpResponseError as error:
            if not is_taken(error):
                raise

    async def _model_names(self) -> list[str]:
        """The containers that can be models."""
        found = await listed(self.native.list_containers)
        return sorted(
            each["id"]
            for each in found
            if each["partitionKey"]["paths"] == ["/id"] and _is_model(each["id"])
        )


def _is_model(name: str) -> bool:
    try:
        check_model(name)
    except InvalidQueryError:
        return False
    return True


def _creation_is_off(model: str, existing: Iterable[str]) -> ConfigurationError:
    return ConfigurationError(
        f"there is no model {model!r}, and auto_create (DATABASE_AUTO_CREATE) is off, since a "
        f"container costs money; the models that exist: {', '.join(existing) or 'none'}",
        backend="cosmosdb",
        model=model,
    )
