"""Interstore with documents that expire, and as if it never had to ask whether any do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from math import inf
from typing import Any, Final

from tests.benchmarks.contenders import Durability
from tests.benchmarks.contenders.ours import MODEL, Interstore

__all__ = ["Open", "expiring", "never_asking"]

Open = Callable[[Any, Durability], Interstore]

_WEEK: Final = timedelta(days=7)


def expiring(make: Open, place: Any, durability: Durability) -> Interstore:
    """Every document that is there expires, but not before the end."""
    contender = make(place, durability)
    contender.create_many = partial(contender.store.create_many, MODEL, expires_at=_WEEK)
    return contender


def never_asking(make: Open, place: Any, durability: Durability) -> Interstore:
    """What it believes of its model, it believes for ever."""
    contender: Any = make(place, durability)
    settle = getattr(contender, "settle", bool)

    def settle_for_ever() -> None:
        settle()
        contender.count("Iceland")  # now it has asked
        _believe(contender.store.database.database)

    contender.settle = settle_for_ever
    made: Interstore = contender
    return made


def _believe(database: Any) -> None:
    match database.name:
        case "sqlite":
            database._tables[MODEL].plain_until = inf
        case "postgresql":
            database._models.known[MODEL].fresh_until = inf
        case "mongodb":
            database._plain[MODEL] = inf
        case name:
            raise AssertionError(name)
