"""What is named otherwise, or is another thing, for asyncio; `driver` has the same names."""

from __future__ import annotations

import asyncio
import time
from asyncio import Condition
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any, Final

import aiohttp
from azure.core.exceptions import ServiceRequestError, ServiceRequestTimeoutError
from azure.core.pipeline.transport import AioHttpTransport
from azure.cosmos.aio import ContainerProxy, CosmosClient, DatabaseProxy
from azure.cosmos.documents import ConnectionPolicy

from interstore_backends.cosmosdb.options import (
    known_authorities,
    no_identity,
    no_proof,
    verification,
)
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
    "is_unsent",
    "limits",
    "proof",
    "turn",
    "transport",
    "within",
]

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


def transport(settings: CosmosDBSettings) -> Any:
    """How requests are sent: the driver's own way, with a connection for each of them."""
    # A file that is named with each request would be read for each, on a new connection.
    known = known_authorities(settings) or True
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=settings.pool_size, ssl=known),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=True,
    )
    # It would send a PUT or a DELETE again whose answer was lost: nobody could tell then whether
    # what the second finds is the work of the first.
    session._retry_connection = False
    return AioHttpTransport(session=session)


def proof(settings: CosmosDBSettings) -> Any:
    """Whether who answers must prove who they are; ``None`` if the driver decides."""
    return verification(settings)


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
        error.inner_exception, aiohttp.ClientConnectorError
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
