"""What is named otherwise, or is another thing, for threads; `driver_async` has the same names."""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from threading import Condition
from typing import Any, Final

import requests
from azure.core.exceptions import ServiceRequestError
from azure.core.pipeline.transport import RequestsTransport
from azure.cosmos import ContainerProxy, CosmosClient, DatabaseProxy
from azure.cosmos.documents import ConnectionPolicy
from requests.adapters import HTTPAdapter

from interstore_backends.cosmosdb.options import (
    known_authorities,
    no_identity,
    no_proof,
    verification,
)
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
    "is_unsent",
    "limits",
    "proof",
    "transport",
    "turn",
    "within",
]


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


def transport(settings: CosmosDBSettings) -> Any:
    """How requests are sent: the driver's own way, with a connection for each of them."""
    known_authorities(settings)  # or requests would find out at the first request
    session = requests.Session()
    adapter = HTTPAdapter(pool_maxsize=settings.pool_size, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    # Of the environment, the proxies, now: else all of it is looked at for each request, a
    # `.netrc` too, whose password would take the place of the signature.
    session.trust_env = False
    session.proxies = requests.utils.get_environ_proxies(settings.endpoint)
    return RequestsTransport(session=session)


def proof(settings: CosmosDBSettings) -> Any:
    """Whether, or to whose certificates, who answers must prove who they are.

    ``None`` if the driver decides.
    """
    wanted = verification(settings)
    if wanted is False:
        return False
    known = settings.ssl_root_cert or next(filter(None, map(os.environ.get, _BUNDLES)), None)
    return wanted if known is None or (wanted is None and settings.is_local) else known


_BUNDLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
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
    """Options of a request that may take so long: nothing else can end it.

    None where it is sent by somebody who uses the driver by itself: its own hold then.
    """
    if seconds == float("inf"):
        return {}
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
