"""What is named otherwise, or is another thing, for asyncio; `driver` has the same names."""

from __future__ import annotations

import asyncio
import time
from asyncio import Condition
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any, Final, TypeVar

from aiohttp import ClientConnectorError
from azure.core.exceptions import ServiceRequestError, ServiceRequestTimeoutError
from azure.core.pipeline.transport import AioHttpTransport
from azure.cosmos.aio import ContainerProxy, CosmosClient, DatabaseProxy
from azure.cosmos.documents import ConnectionPolicy

from interstore._compat_async import gather
from interstore_backends.cosmosdb.options import no_identity, no_proof
from interstore_backends.cosmosdb.retry import deadline
from interstore_backends.cosmosdb.settings import CosmosDBSettings

__all__ = [
    "Condition",
    "ContainerProxy",
    "CosmosClient",
    "DatabaseProxy",
    "body",
    "connection_policy",
    "credential_of",
    "fan_out",
    "is_unsent",
    "limits",
    "turn",
    "transport",
    "within",
]

T = TypeVar("T")

_LARGE: Final = 2**20


def credential_of(settings: CosmosDBSettings) -> Any:
    """What proves who we are, as the client takes it.

    Raises:
        ConfigurationError: nothing does.
        MissingDriverError: it is to be found by azure-identity, which is not installed.
    """
    if settings.password is not None:
        return settings.password.reveal()
    if settings.credential is not None:
        return settings.credential
    if not settings.identity:
        raise no_proof()
    try:
        from azure.identity.aio import DefaultAzureCredential
    except ImportError:
        raise no_identity() from None
    return DefaultAzureCredential()


def transport(connections: int, verify: Any) -> Any:
    """How requests are sent: the driver's own way, with so many connections."""
    del connections  # aiohttp has a hundred
    return AioHttpTransport(connection_verify=verify)


def connection_policy(policy: Any) -> Any:
    """Has every request go through a policy of ours, in the place of the driver's retries."""
    made: Any = ConnectionPolicy()
    made.ConnectionRetryConfiguration = policy
    return made


def body(data: Any) -> Any:
    """What is sent, as aiohttp wants it: it warns of a mebibyte and more of bare bytes."""
    return BytesIO(data) if isinstance(data, bytes) and len(data) >= _LARGE else data


def limits(seconds: float) -> dict[str, float]:
    """Options of a request that may take so long: `within` ends it."""
    del seconds
    return {}


def is_unsent(error: Exception) -> bool:
    """Whether a request failed before any of it reached the service."""
    if isinstance(error, ServiceRequestTimeoutError):
        return True
    # Anything else that aiohttp raises, a reset too, is a "request error" to azure-core.
    return isinstance(error, ServiceRequestError) and isinstance(
        error.inner_exception, ClientConnectorError
    )


async def turn(condition: Condition, seconds: float) -> None:
    """Wait to be notified."""
    del seconds  # `within` ends it
    await condition.wait()


@asynccontextmanager
async def within(seconds: float) -> AsyncGenerator[None]:
    """What is done in it ends in time, by TimeoutError; an outer one holds for inner ones."""
    if deadline.get() is not None:
        yield
        return
    token = deadline.set(time.monotonic() + seconds)
    try:
        async with asyncio.timeout(seconds):
            yield
    finally:
        deadline.reset(token)


async def fan_out(calls: Sequence[Callable[[], Awaitable[T]]], most: int) -> list[T]:
    """Make the calls side by side; their results in order. The first error ends them all."""
    del most  # what is in flight is limited where it is sent
    return await gather(calls)
