"""From settings to what the driver's client takes."""

from __future__ import annotations

from typing import Any

from azure.cosmos import ThroughputProperties

from interstore.errors import ConfigurationError, MissingDriverError
from interstore_backends.cosmosdb.settings import CosmosDBSettings

__all__ = ["no_identity", "no_proof", "throughput_of", "verification"]


def verification(settings: CosmosDBSettings) -> bool:
    """Whether who answers must prove who they are: unless the settings say otherwise."""
    return settings.ssl in (None, "verify")


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
