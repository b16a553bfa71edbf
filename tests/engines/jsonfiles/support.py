"""What these tests share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from interstore.changes import Changes
from interstore.changes_parse import parse_changes
from interstore.filters.parse import parse_filter
from interstore.filters.tree import Node
from interstore.prepared import Query, Write
from interstore.times import now
from interstore_backends.jsonfiles.database import JsonFilesDatabase
from interstore_backends.jsonfiles.settings import JsonFilesSettings

CHILD = Path(__file__).with_name("child.py")
ROOT = Path(__file__).parents[3]


def database(folder: Path | str, **settings: Any) -> JsonFilesDatabase:
    """An open database. Killing a process needs no fsync to be survived, so it is off.

    On a busy machine who holds the lock may wait for a processor, and so may who asks for it.
    """
    chosen: dict[str, Any] = {"durability": "os", "timeout": 60.0, **settings}
    found = JsonFilesDatabase(JsonFilesSettings(data_dir=str(folder), **chosen))
    found.connect()
    return found


def write(id: str, **fields: Any) -> Write:
    at = now()
    return Write(id, fields, version=1, created=at, updated=at)


def changes(operators: dict[str, Any]) -> Changes:
    return parse_changes("", operators, now())


def tree(**conditions: Any) -> Node:
    return parse_filter(conditions)


def content(database: JsonFilesDatabase, model: str = "m") -> dict[str, tuple[int, Any]]:
    """Version and fields of every document."""
    found = database.find(model, Query())
    return {document.id: (document.version, document.fields()) for document in found}


def child(*arguments: Any, **options: Any) -> subprocess.Popen[str]:
    """Another process that runs a task of `child.py`."""
    command = [sys.executable, "-W", "error", str(CHILD), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, **options)


def finished(process: subprocess.Popen[str], timeout: float = 110) -> str:
    """What a task printed; it must have succeeded."""
    output, _ = process.communicate(timeout=timeout)
    assert process.returncode == 0, output
    return output
