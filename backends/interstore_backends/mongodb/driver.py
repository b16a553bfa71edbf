"""What the driver calls its classes, for threads; `driver_async` has the same names."""

from __future__ import annotations

from pymongo import MongoClient
from pymongo.synchronous.change_stream import ChangeStream as DriverChangeStream
from pymongo.synchronous.client_session import ClientSession
from pymongo.synchronous.collection import Collection as DriverCollection
from pymongo.synchronous.database import Database as DriverDatabase

__all__ = [
    "ClientSession",
    "DriverChangeStream",
    "DriverCollection",
    "DriverDatabase",
    "MongoClient",
]
