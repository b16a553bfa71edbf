"""JSON files: beside a bare log, and beside TinyDB and diskcache."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import interstore
from tests.benchmarks.aims import AtMost, Faster
from tests.benchmarks.contenders import Contender, Durability, ours
from tests.benchmarks.contenders.disk_cache import DiskCache
from tests.benchmarks.contenders.raw_file import RawFile
from tests.benchmarks.contenders.tiny_db import TinyDB
from tests.benchmarks.data import Dataset
from tests.benchmarks.measure import Case
from tests.benchmarks.suites import Context, Sizes, Suite
from tests.benchmarks.suites.operations import Operations
from tests.benchmarks.workloads import READS, WRITES, Workload

__all__ = ["RIVALS", "SUITES"]

_LOG: Final = Contender("bare log", RawFile)
_CACHE: Final = Contender("diskcache", DiskCache, needs="diskcache")
_TINY: Final = Contender(
    "TinyDB",
    TinyDB,
    needs="tinydb",
    aims={"write": Faster(100), "read": Faster(100), "scan": Faster(10)},
)
RIVALS: Final = (_LOG, _CACHE, _TINY)


def _operations(
    title: str,
    workloads: Sequence[Workload],
    durability: Durability,
    size: Literal["real", "large"],
) -> Suite:
    return Operations(
        title=f"JSON files, {{size}} documents, {title}",
        ours=Contender("Interstore", ours.json_files),
        # TinyDB syncs every write: it is compared with what does so, too.
        rivals=RIVALS if durability == "fsync" else (_LOG, _CACHE),
        workloads=workloads,
        durability=durability,
        size=lambda sizes: int(getattr(sizes, size)),
        absolute={"find_by_id": AtMost(5)},
    ).suite()


def _open_title(sizes: Sizes) -> str:
    return f"JSON files, opening {sizes.huge:,} documents"


def _open_cases(context: Context) -> Iterator[Case]:
    title, name = _open_title(context.sizes), "open and read one, each document"
    if not context.wants(title, name):
        return
    folder = context.new_folder("open")
    dataset = Dataset(context.sizes.huge)
    store = ours.json_files(folder, "os")
    store.create_many(dataset.documents)
    store.close()
    [file] = [path for path in folder.iterdir() if path.stat().st_size > len(dataset) * 100]
    id = dataset.ids(1)[0]
    yield Case(
        name,
        {
            "Interstore": lambda n: lambda: _repeat(n, lambda: _open(folder, id)),
            "json.loads of each line": lambda n: lambda: _repeat(n, lambda: _load(file)),
        },
        aims={"Interstore": AtMost(1.5)},
        documents=len(dataset),
    )


def _repeat(n: int, work: Callable[[], object]) -> None:
    for _ in range(n):
        work()


def _open(folder: Path, id: str) -> None:
    with interstore.connect(type="json", data_dir=str(folder)) as store:
        assert store.find_by_id(ours.MODEL, id) is not None


def _load(file: Path) -> dict[int, Any]:
    import json

    with file.open(encoding="utf-8") as lines:
        return dict(enumerate(map(json.loads, lines)))


SUITES: Final = (
    _operations("reads", READS, "fsync", "real"),
    _operations("writes, each synced", WRITES, "fsync", "real"),
    _operations("writes, left to the system", WRITES, "os", "real"),
    _operations("reads", READS, "fsync", "large"),
    _operations("writes, each synced", WRITES, "fsync", "large"),
    Suite(_open_title, _open_cases),
)
