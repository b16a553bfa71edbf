"""From settings to what the driver's client takes."""

from __future__ import annotations

import ssl
from typing import Any

from azure.cosmos import ThroughputProperties

from interstore.errors import ConfigurationError, MissingDriverError
from interstore_backends.cosmosdb.settings import CosmosDBSettings

__all__ = ["known_authorities", "no_identity", "no_proof", "throughput_of", "verification"]


def verification(settings: CosmosDBSettings) -> bool | None:
    """Whether who answers must prove who they are.

    ``None`` if the driver decides: everybody must, but for an emulator on this machine.
    """
    if settings.ssl in ("disable", "require"):
        return False
    return True if settings.ssl == "verify" or settings.ssl_root_cert is not None else None


def known_authorities(settings: CosmosDBSettings) -> ssl.SSLContext | None:
    """Whom `ssl_root_cert` says to believe; ``None`` if it says nothing.

    Raises:
        ConfigurationError: it names no file of certificates.
    """
    if settings.ssl_root_cert is None:
        return None
    try:
        return ssl.create_default_context(cafile=settings.ssl_root_cert)
    except OSError as error:  # ssl.SSLError, too
        raise ConfigurationError(
            f"ssl_root_cert {settings.ssl_root_cert!r} is no file of certificates: "
            f"{error.strerror or error}",
            backend="cosmosdb",
        ) from None


def throughput_of(settings: CosmosDBSettings) -> Any:
    """Request units a second of a new container; ``None`` for the service's default."""
    if settings.autoscale is not None:
        return ThroughputProperties(auto_scale_max_throughput=settings.autoscale)
    return settings.throughput


def no_identity() -> MissingDriverError:
    """The error where azure-identity is needed and missing."""
    return MissingDriverError(
        'identity needs azure-identity: pip install "interstore[cosmosdb]"', backend="cosmosdb"
    )


def no_proof() -> ConfigurationError:
    """The error where nothing says who may use the account."""
    return ConfigurationError(
        "Cosmos DB needs the account's key (DATABASE_PASSWORD), identity=True, or credential=...",
        backend="cosmosdb",
    )
