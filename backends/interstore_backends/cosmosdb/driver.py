"""What is named otherwise, or is another thing, for threads; `driver_async` has the same names."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from threading import Condition
from typing import Any, Final, TypeVar

import requests
from azure.core.exceptions import ServiceRequestError
from azure.core.pipeline.transport import RequestsTransport
from azure.cosmos import ContainerProxy, CosmosClient, DatabaseProxy
from azure.cosmos.documents import ConnectionPolicy
from requests.adapters import HTTPAdapter

from interstore_backends.cosmosdb.options import no_identity, no_proof
from interstore_backends.cosmosdb.retry import LateError, deadline
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
    "transport",
    "turn",
    "within",
]

T = TypeVar("T")


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
        from azure.identity import DefaultAzureCredential
    except ImportError:
        raise no_identity() from None
    return DefaultAzureCredential()


def transport(connections: int, verify: Any) -> Any:
    """How requests are sent: the driver's own way, with so many connections."""
    session = requests.Session()
    adapter = HTTPAdapter(pool_maxsize=connections, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return RequestsTransport(session=session, connection_verify=verify)


_RETRIES: Final = "ConnectionRetryConfiguration"


class _ConnectionPolicy(ConnectionPolicy):
    """What the driver's client for threads would put in its place is not taken."""

    def __init__(self, policy: Any) -> None:
        super().__init__()
        object.__setattr__(self, _RETRIES, policy)

    def __setattr__(self, name: str, value: Any) -> None:
        if name != _RETRIES:
            super().__setattr__(name, value)


def connection_policy(policy: Any) -> Any:
    """Has every request go through a policy of ours, in the place of the driver's retries."""
    return _ConnectionPolicy(policy)


def body(data: Any) -> Any:
    """What is sent."""
    return data


def limits(seconds: float) -> dict[str, float]:
    """Options of a request that may take so long: nothing else can end it."""
    return {"connection_timeout": seconds, "read_timeout": seconds}


def is_unsent(error: Exception) -> bool:
    """Whether a request failed before any of it reached the service."""
    return isinstance(error, ServiceRequestError)


def turn(condition: Condition, seconds: float) -> None:
    """Wait to be notified.

    Raises:
        LateError: it takes too long.
    """
    if not condition.wait(None if seconds == float("inf") else seconds):
        raise LateError("others had all requests in flight")


@contextmanager
def within(seconds: float) -> Generator[None]:
    """What is sent in it is answered in time; an outer one holds for inner ones."""
    if deadline.get() is not None:
        yield
        return
    token = deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        deadline.reset(token)


def fan_out(calls: Sequence[Callable[[], T]], most: int) -> list[T]:
    """Make the calls side by side; their results in order. After an error, no more begin."""
    if len(calls) <= 1 or most <= 1:
        return [call() for call in calls]
    with ThreadPoolExecutor(min(len(calls), most), "interstore-cosmosdb") as threads:
        futures = [threads.submit(copy_context().run, call) for call in calls]
        try:
            return [future.result() for future in futures]
        except BaseException:
            for future in futures:
                future.cancel()
            raise
