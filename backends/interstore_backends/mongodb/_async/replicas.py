"""Reads by whichever members of a replica set the read preference names."""

from __future__ import annotations

from typing import Any

from pymongo.read_concern import ReadConcern

from interstore_backends.mongodb._async.database import AsyncMongoDBDatabase
from interstore_backends.mongodb.driver_async import DriverDatabase

__all__ = ["AsyncMembers"]


class AsyncMembers(AsyncMongoDBDatabase):
    """The reads of a database, by the same client as its other operations.

    What is read is on a majority of the members, so it will not be undone by an election.
    """

    def __init__(self, primary: AsyncMongoDBDatabase) -> None:
        super().__init__(primary._settings)
        self._primary = primary

    async def connect(self) -> None:
        self._client = self._primary._client

    async def disconnect(self) -> None:
        self._client = None  # it is the primary's to close
        await super().disconnect()

    def _database(self) -> DriverDatabase[dict[str, Any]]:
        database = super()._database()
        assert self._client is not None
        return database.with_options(
            read_preference=self._client.read_preference, read_concern=ReadConcern("majority")
        )
