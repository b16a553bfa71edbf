"""From settings to what the driver's client takes."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from pymongo.errors import PyMongoError
from pymongo.uri_parser import split_options

from interstore.errors import ConfigurationError
from interstore_backends.mongodb.settings import MongoDBSettings

__all__ = ["SIMPLE", "client_options", "connection_string"]

SIMPLE: Final = {"locale": "simple"}
"""Said with every filter: a collection that others made may have another collation."""


def connection_string(settings: MongoDBSettings) -> str:
    """Servers and options; no user and no password, which are handed over by themselves.

    Raises:
        ConfigurationError: the driver does not take an option's value. It would only warn of it.
    """
    scheme = "mongodb+srv" if settings.srv else "mongodb"
    query = urlencode(settings.driver_options)
    if query:
        try:
            split_options(query, validate=True, warn=False)
        except (PyMongoError, ValueError, OSError) as error:
            raise ConfigurationError(
                f"{settings.place}: an option of the driver: {error}", backend="mongodb"
            ) from None
    return f"{scheme}://{','.join(settings.hosts)}/" + (f"?{query}" if query else "")


def client_options(settings: MongoDBSettings) -> dict[str, Any]:
    """The driver's keyword arguments; what the settings' own `options` say is left out."""
    milliseconds = max(1, round(settings.timeout * 1000))
    options: dict[str, Any] = {
        "appName": "interstore",
        # For each operation as a whole, whatever it waits for.
        "timeoutMS": milliseconds,
        "serverSelectionTimeoutMS": milliseconds,
        "connectTimeoutMS": min(milliseconds, 10_000),
        "maxPoolSize": settings.pool_size,
        "retryWrites": True,
        "retryReads": True,
        "readPreference": settings.read_preference,
    }
    given = {name.lower() for name in settings.driver_options}
    if not given & {"tls", "ssl"}:
        options |= _tls(settings)
    options = {name: value for name, value in options.items() if name.lower() not in given}
    if settings.ssl_root_cert is not None and settings.ssl != "disable":
        options["tlsCAFile"] = settings.ssl_root_cert
    if settings.replica_set is not None:
        options["replicaSet"] = settings.replica_set
    if settings.username is not None:
        options["username"] = settings.username
        options["authSource"] = settings.auth_source
    if settings.password is not None:
        options["password"] = settings.password.reveal()
    return options


def _tls(settings: MongoDBSettings) -> dict[str, Any]:
    mode = settings.ssl
    if mode is None:
        # Whoever names an authority wants to know who answers, also on this machine.
        local = settings.is_local and settings.ssl_root_cert is None
        mode = "disable" if local else "verify"
    if mode == "disable":
        return {"tls": False}
    return {"tls": True} if mode == "verify" else {"tls": True, "tlsAllowInvalidCertificates": True}
