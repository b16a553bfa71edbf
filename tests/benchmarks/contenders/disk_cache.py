"""diskcache: pickles in SQLite, as a mapping. It has no queries: they read everything."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from tests.benchmarks.contenders import Durability
from tests.benchmarks.data import Document

__all__ = ["DiskCache"]


class DiskCache:
    def __init__(self, folder: Path, durability: Durability) -> None:
        diskcache: Any = import_module("diskcache")
        level = 2 if durability == "fsync" else 1
        self.cache = diskcache.Cache(str(folder), sqlite_synchronous=level, eviction_policy="none")

    def create(self, document: Document) -> None:
        if not self.cache.add(document["id"], document):
            raise KeyError(document["id"])

    def create_many(self, documents: list[Document]) -> None:
        with self.cache.transact():
            for document in documents:
                self.cache.add(document["id"], document)

    def put(self, document: Document) -> None:
        self.cache.set(document["id"], document)

    def put_many(self, documents: list[Document]) -> None:
        with self.cache.transact():
            for document in documents:
                self.cache.set(document["id"], document)

    def update(self, id: str, changes: Document) -> Document:
        with self.cache.transact():
            document: Document = self.cache[id] | changes
            self.cache[id] = document
        return document

    def delete(self, id: str) -> bool:
        return bool(self.cache.delete(id))

    def find_by_id(self, id: str) -> Any:
        return self.cache.get(id)

    def scan(self) -> None:
        for id in self.cache:
            self.cache[id]

    def find(self, country: str) -> list[Document]:
        documents = (self.cache[id] for id in self.cache)
        return [document for document in documents if document["country"] == country]

    def close(self) -> None:
        self.cache.close()
