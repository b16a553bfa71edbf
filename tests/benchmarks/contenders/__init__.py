"""What is compared: each a class with the same methods, as far as it can do the same.

Methods, of which a contender that lacks one sits out:

    create(document), put(document), update(id, changes), delete(id)
    create_many(documents), put_many(documents)
    find_by_id(id), find_by_ids(ids)
    find_range(first, before), find(country), find_indexed(zone), count(country)
    scan(), read_all(), pages(size, number)
    settle(): when all documents are stored, before anything is timed
    close()

Those of an asynchronous contender are coroutines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Literal

from tests.benchmarks.aims import Aim
from tests.benchmarks.workloads import Kind

__all__ = ["Contender", "Durability"]

Durability = Literal["fsync", "os"]
"""What an acknowledged write survives: a power loss, or the death of the process only."""


@dataclass(frozen=True, slots=True, eq=False)
class Contender:
    """One way to store documents.

    Attributes:
        name: as the report has it.
        open: makes it, given its place (an empty folder; the URL of an empty database) and the
            durability.
        needs: the module that must be installed.
        aims: by kind of workload, how Interstore is to compare with it.
    """

    name: str
    open: Callable[[Any, Durability], Any]
    needs: str = "sqlite3"
    aims: Mapping[Kind, Aim] = field(default_factory=dict)

    @property
    def is_installed(self) -> bool:
        return find_spec(self.needs) is not None
