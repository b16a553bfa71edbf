"""Resource ids: `_rid`, which is what the service itself calls a thing."""

from __future__ import annotations

import base64
import itertools
import struct

__all__ = ["Rids"]


class Rids:
    """Gives them out: a database has 4 bytes, a container 8, an item 16."""

    def __init__(self) -> None:
        self._numbers = itertools.count(0x4D000000)

    def database(self) -> bytes:
        return struct.pack(">I", next(self._numbers))

    def container(self, database: bytes) -> bytes:
        # The highest bit tells a container from a user.
        return database + struct.pack(">I", next(self._numbers) | 0x80000000)

    @staticmethod
    def item(container: bytes, number: int) -> bytes:
        return container + struct.pack("<Q", number)

    @staticmethod
    def text(rid: bytes) -> str:
        """Base 64 in which `-` stands for what would end a path's segment."""
        return base64.b64encode(rid).decode().replace("/", "-")
