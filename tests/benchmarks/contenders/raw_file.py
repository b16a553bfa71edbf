"""The least that could be called a store in a file: an append-only log and a dict of lines.

It has no lock against other processes, no manifest, no validation and no compaction; nor
does it read its file again. What it does, it does as Interstore's JSON files do.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from tests.benchmarks.contenders import Durability
from tests.benchmarks.data import Document

__all__ = ["RawFile"]

_encode: Final = msgspec.json.Encoder().encode
_decode: Final[Callable[[bytes], Document]] = msgspec.json.Decoder(dict[str, Any]).decode


class RawFile:
    def __init__(self, folder: Path, durability: Durability) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self.file = os.open(folder / "raw.jsonl", flags, 0o600)
        self.synced = durability == "fsync"
        self.lines: dict[str, bytes] = {}

    def _append(self, texts: Iterable[bytes]) -> None:
        lines = [b'{"crc":%d,"doc":%b}\n' % (zlib.crc32(text), text) for text in texts]
        os.write(self.file, b"".join(lines))
        if self.synced:
            os.fsync(self.file)

    def create(self, document: Document) -> None:
        if document["id"] in self.lines:
            raise KeyError(document["id"])
        self.put(document)

    def put(self, document: Document) -> None:
        text = _encode(document)
        self._append((text,))
        self.lines[document["id"]] = text

    def create_many(self, documents: list[Document]) -> None:
        if any(document["id"] in self.lines for document in documents):
            raise KeyError("some exist")
        self.put_many(documents)

    def put_many(self, documents: list[Document]) -> None:
        texts = {document["id"]: _encode(document) for document in documents}
        self._append(texts.values())
        self.lines.update(texts)

    def update(self, id: str, changes: Document) -> Document:
        document = _decode(self.lines[id]) | changes
        self.put(document)
        return document

    def delete(self, id: str) -> bool:
        if id not in self.lines:
            return False
        self._append((_encode({"id": id}),))
        del self.lines[id]
        return True

    def find_by_id(self, id: str) -> Document | None:
        line = self.lines.get(id)
        return None if line is None else _decode(line)

    def find_by_ids(self, ids: list[str]) -> list[Document | None]:
        return list(map(self.find_by_id, ids))

    def find(self, country: str) -> list[Document]:
        found = [each for each in map(_decode, self.lines.values()) if each["country"] == country]
        return sorted(found, key=lambda document: str(document["id"]))

    def count(self, country: str) -> int:
        return len(self.find(country))

    def scan(self) -> None:
        for line in self.lines.values():
            _decode(line)

    def read_all(self) -> list[Document]:
        return list(map(_decode, self.lines.values()))

    def close(self) -> None:
        os.close(self.file)
