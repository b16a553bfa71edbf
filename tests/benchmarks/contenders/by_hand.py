"""A file for each document, replaced by renaming, as one writes it by hand.

Each file is there whole or not at all, also after a power loss. Of several that belong
together, only some may be: there is no transaction. It has no lock against other processes,
so a claim is one among the callers of one process at most. Documents are held in memory, and
their ids by zone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from tests.benchmarks.contenders import Durability
from tests.benchmarks.data import Document

__all__ = ["ByHand"]

_encode: Final = msgspec.json.Encoder().encode


class ByHand:
    def __init__(self, folder: Path, durability: Durability) -> None:
        self.folder = folder
        self.synced = durability == "fsync"
        self.documents: dict[str, Document] = {}
        self.zones: dict[str, set[str]] = {}

    def create_many(self, documents: list[Document]) -> None:
        """What is there before anything is timed: not synced one by one."""
        for document in documents:
            (self.folder / document["id"]).write_bytes(_encode(document))
            self._keep(document)

    def create_together(self, documents: list[Document]) -> None:
        self._write(documents)

    def transact(self, id: str, other: str, changes: Document) -> None:
        self._write([self.documents[each] | changes for each in (id, other)])

    def claim(self, zone: str, changes: Document) -> Any:
        first = min(self.zones[zone])
        self._write([self.documents[first] | changes])
        return self.documents[first]

    def _write(self, documents: Iterable[Document]) -> None:
        for document in documents:
            path = self.folder / document["id"]
            beside = path.with_suffix(".new")
            with beside.open("wb") as file:
                file.write(_encode(document))
                if self.synced:
                    file.flush()
                    os.fsync(file.fileno())
            beside.replace(path)
            self._keep(document)
        if self.synced:
            folder = os.open(self.folder, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)

    def _keep(self, document: Document) -> None:
        """Documents stay in their zones: nothing here moves one."""
        self.documents[document["id"]] = document
        self.zones.setdefault(document["tz"], set()).add(document["id"])

    def close(self) -> None:
        pass
