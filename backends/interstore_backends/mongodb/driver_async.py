"""What the driver calls its classes, for asyncio; `driver` has the same names."""

from __future__ import annotations

from pymongo import AsyncMongoClient
from pymongo.asynchronous.change_stream import AsyncChangeStream as DriverChangeStream
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection as DriverCollection
from pymongo.asynchronous.database import AsyncDatabase as DriverDatabase

__all__ = [
    "AsyncClientSession",
    "AsyncMongoClient",
    "DriverChangeStream",
    "DriverCollection",
    "DriverDatabase",
]
