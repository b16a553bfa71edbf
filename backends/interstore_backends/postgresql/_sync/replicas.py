# Generated from backends/interstore_backends/postgresql/_async/replicas.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 89b0f87ca6d9d3dcfcb2f9ae

"""A standby server that reads are answered by."""

from __future__ import annotations

from time import monotonic
from typing import Final

from interstore.errors import InterstoreError, OperationTimeoutError, UnavailableError
from interstore_backends.postgresql._sync.connections import Connections
from interstore_backends.postgresql._sync.database import PostgreSQLDatabase
from interstore_backends.postgresql._sync.models import Models
from interstore_backends.postgresql._sync.statements import Connection
from interstore_backends.postgresql.settings import PostgreSQLSettings

__all__ = ["Replica"]

_PATIENCE: Final = 1.0
"""Seconds to wait for a connection to a server that has none to give: others have the answer."""

_CONNECT_SECONDS: Final = 2

_LAG: Final = (
    "SELECT CASE WHEN NOT pg_is_in_recovery() OR pg_last_wal_receive_lsn() = "
    "pg_last_wal_replay_lsn() THEN 0 ELSE extract(epoch FROM now() - "
    "pg_last_xact_replay_timestamp())::float8 END"
)
"""Zero where everything that was received is applied: the time since the last transaction is
none of a lag, if there was no other since."""


class Replica(PostgreSQLDatabase):
    """What a standby server answers: reads."""

    def __init__(self, settings: PostgreSQLSettings) -> None:
        super().__init__(settings)
        self._connections = _Connections(settings)
        self._models = Models(self._connections, settings)

    def lag(self) -> float | None:
        """How many seconds it is behind; ``None`` if it has applied nothing yet."""
        with self._translated():
            [[seconds]] = self._connections.read(_LAG)
        return None if seconds is None else float(seconds)


class _Connections(Connections):
    """Connections to a server that may be away for long."""

    def open(self) -> None:
        """Open the pool, whether or not a connection can be had.

        Raises:
            ConfigurationError, PermissionDeniedError: the server answers, and refuses.
        """
        if self._pool is not None:
            return
        arguments = self._arguments() | {"connect_timeout": _CONNECT_SECONDS}
        try:
            self._try(arguments)
        finally:
            pool = self._new_pool(arguments)
            pool.open(wait=False)
            self._opened(pool)

    def take(self, deadline: float) -> Connection:
        soon = min(deadline, monotonic() + _PATIENCE)
        try:
            connection = super().take(soon)
        except OperationTimeoutError:
            if soon == deadline:
                raise
            if self._is_away():
                raise self._absent() from None
            return super().take(deadline)
        connection.deadline = deadline
        return connection

    def _is_away(self) -> bool:
        """Whether no connection comes, though there may be more."""
        return self._attempts.running > 0 or not self.pool.get_stats()["pool_size"]

    def _absent(self) -> InterstoreError:
        return UnavailableError(
            f"{self._settings.place}: no connection within {_PATIENCE:g} s", backend="postgresql"
        )
