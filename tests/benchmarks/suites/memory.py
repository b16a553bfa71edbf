"""The memory that an open store of JSON files takes, in an interpreter of its own."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.contenders import ours
from tests.benchmarks.data import Dataset

__all__ = ["Memory", "memory_of_json_files"]

_PROGRAM = """
import os, resource, sys
import interstore

def resident():
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
    except FileNotFoundError:  # macOS: the most so far, in bytes
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

with interstore.connect(type="json", data_dir=sys.argv[1]) as store:
    before = resident()
    store.find_by_id("airport", "none")
    print(resident() - before)
"""


@dataclass(frozen=True, slots=True)
class Memory:
    """What an open store takes.

    Attributes:
        documents: how many it holds.
        stored: bytes of its file, for each document.
        resident: bytes of memory, for each document.
    """

    documents: int
    stored: float
    resident: float


def memory_of_json_files(folder: Path, documents: int) -> Memory:
    """Measured once: it does not vary."""
    store = ours.json_files(folder, "os")
    store.create_many(Dataset(documents).documents)
    store.close()
    size = max(path.stat().st_size for path in folder.iterdir())
    command = [sys.executable, "-c", _PROGRAM, str(folder)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Memory(documents, size / documents, int(printed) / documents)
