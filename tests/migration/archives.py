"""What tests of archives share: a source, and ways to damage what was made of it."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from interstore import Store
from interstore.migration import Limits
from tests.migration.conftest import ODD_IDS, fill

__all__ = ["SMALL", "alter", "cut", "fill_source", "flip", "put_in_place"]

SMALL = Limits(page=100, bytes=20_000)
"""Limits that make many small files."""


def fill_source(store: Store) -> Store:
    """1,500 users, 10 orders and documents of odd ids; an index."""
    fill(store, "users", 1_500)
    fill(store, "orders", 10)
    store.create_many("odd", [{"id": id, "name": id, id: [id]} for id in ODD_IDS])
    store.ensure_index("users", "n", type="number")
    return store


def cut(file: Path) -> None:
    """Truncate it."""
    content = file.read_bytes()
    file.write_bytes(content[: -min(20, len(content) // 2)])


def flip(file: Path) -> None:
    """Alter one bit."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def alter(place: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Alter the manifest as somebody would who knows how its checksum is made."""
    path = place / "manifest.json"
    whole = msgspec.json.decode(path.read_bytes())
    change(whole["contents"])
    whole["sha256"] = sha256(msgspec.json.encode(whole["contents"], order="sorted")).hexdigest()
    path.write_bytes(msgspec.json.encode(whole))


def put_in_place(place: Path, chunk: Path, content: bytes, **told: Any) -> None:
    """Replace a chunk of users, and have the manifest say so."""

    def change(contents: dict[str, Any]) -> None:
        for held in contents["models"]["users"]["chunks"]:
            if held["file"].endswith(chunk.name):
                held.update(size=len(content), sha256=sha256(content).hexdigest(), **told)

    chunk.write_bytes(content)
    alter(place, change)
