"""How a connection is asked for: what goes to libpq, and what every session begins with."""

from __future__ import annotations

import math
import ssl
from pathlib import Path
from typing import Any, Final

from psycopg import adapters
from psycopg.adapt import AdaptersMap
from psycopg.types.string import TextLoader

from interstore_backends.postgresql.settings import PostgreSQLSettings

__all__ = [
    "SESSION", "Attempts", "connect_arguments", "patient_arguments", "session_statements",
]  # fmt: skip

_SSLMODES: Final = {"disable": "disable", "require": "require", "verify": "verify-full"}

SESSION: Final = {
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
    "client_encoding": "UTF8",
    "default_transaction_isolation": "read\\ committed",
}
"""What a database or a role may have set otherwise, and texts depend on."""

_TIMEOUTS: Final = (
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
)


def connect_arguments(settings: PostgreSQLSettings) -> dict[str, Any]:
    """The arguments of psycopg's ``connect``."""
    host, port = _addresses(settings)
    arguments: dict[str, Any] = {
        "host": host,
        "port": port,
        "dbname": settings.name,
        "user": settings.username,
        "application_name": settings.application_name,
        "connect_timeout": max(2, math.ceil(min(settings.timeout, 10))),
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": int(settings.timeout * 1000),
        "autocommit": True,
        # None: never; statements that are repeated ask for it themselves.
        "prepare_threshold": 5 if settings.prepare else None,
        **_tls(settings),
    }
    if settings.password is not None:
        arguments["password"] = settings.password.reveal()
    if settings.prepare:
        # A pooler would refuse these; it gets `session_statements`.
        options = {**SESSION, "statement_timeout": _statement_timeout(settings)}
        arguments["options"] = " ".join(f"-c {name}={value}" for name, value in options.items())
    return arguments


def patient_arguments(settings: PostgreSQLSettings) -> dict[str, Any]:
    """The same for a connection whose statements may take as long as they take."""
    arguments = connect_arguments(settings)
    if "options" in arguments:
        arguments["options"] += "".join([f" -c {name}=0" for name in _TIMEOUTS])
    return arguments


def session_statements(settings: PostgreSQLSettings) -> str | None:
    """What to say first on a new connection through a pooler."""
    if settings.prepare:
        return None
    values = {name: value.replace("\\", "") for name, value in SESSION.items()}
    return "; ".join(f"SET {name} = '{value}'" for name, value in values.items())


def _statement_timeout(settings: PostgreSQLSettings) -> int:
    """In milliseconds; a little less than ours, so that the server's word comes first."""
    return max(1, int(settings.timeout * 950))


def _addresses(settings: PostgreSQLSettings) -> tuple[str, str]:
    """Host and port, or lists of them in libpq's form (``a,b`` and ``1,2``)."""
    hosts, ports = [], []
    for address in settings.host.split(","):
        host, colon, port = address.rpartition(":")
        alone = not colon or "," not in settings.host
        hosts.append(address if alone else host)
        ports.append(str(settings.port) if alone else port)
    return ",".join(hosts), ",".join(ports)


def _tls(settings: PostgreSQLSettings) -> dict[str, str]:
    mode = settings.ssl
    if mode is None:
        # Whoever names an authority wants to know who answers, also on this machine.
        if settings.is_local and settings.ssl_root_cert is None:
            return {"sslmode": "prefer"}
        mode = "verify"
    arguments = {"sslmode": _SSLMODES[mode]}
    if mode == "verify":
        arguments["sslrootcert"] = settings.ssl_root_cert or _trusted()
    return arguments


def _trusted() -> str:
    """The system's certificates: the driver's own library may look for them elsewhere."""
    file: str | None = ssl.get_default_verify_paths().cafile
    return file if file and Path(file).is_file() else "system"


class Attempts:
    """What came of making connections; given to each as its context of adapters.

    So jsonb and times are read as the texts that they arrive as.

    Attributes:
        problem: why the last attempt failed; ``None`` if it did not.
        running: attempts that have not ended.
    """

    connection = None

    def __init__(self) -> None:
        self.problem: Exception | None = None
        self.running = 0
        self.adapters = AdaptersMap(adapters)
        for name in ("jsonb", "timestamptz"):
            self.adapters.register_loader(name, TextLoader)
