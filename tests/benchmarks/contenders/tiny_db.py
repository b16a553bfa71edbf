"""TinyDB, as its documentation shows it. It writes the whole file for each change."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from tests.benchmarks.contenders import Durability
from tests.benchmarks.data import Document

__all__ = ["TinyDB"]


class TinyDB:
    def __init__(self, folder: Path, durability: Durability) -> None:
        tinydb: Any = import_module("tinydb")
        self.db = tinydb.TinyDB(folder / "tiny.json")
        self.where = tinydb.where

    def create(self, document: Document) -> None:
        self.db.insert(document)

    def create_many(self, documents: list[Document]) -> None:
        self.db.insert_multiple(documents)

    def put(self, document: Document) -> None:
        self.db.upsert(document, self.where("id") == document["id"])

    def update(self, id: str, changes: Document) -> None:
        self.db.update(changes, self.where("id") == id)

    def delete(self, id: str) -> bool:
        return bool(self.db.remove(self.where("id") == id))

    def find_by_id(self, id: str) -> Any:
        return self.db.get(self.where("id") == id)

    def find(self, country: str) -> Any:
        # Without this it answers a repeated query from memory.
        self.db.clear_cache()
        return self.db.search(self.where("country") == country)

    def count(self, country: str) -> int:
        self.db.clear_cache()
        return int(self.db.count(self.where("country") == country))

    def scan(self) -> None:
        for _ in self.db:
            pass

    def read_all(self) -> Any:
        return self.db.all()

    def close(self) -> None:
        self.db.close()
