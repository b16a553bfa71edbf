"""Figures about a store: the same names for the same figures on every engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["ModelStats", "PoolStats", "ReplicaStats", "Stats"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStats:
    """Figures about one model.

    Attributes:
        documents: how many there are, counted.
        indexes: how many indexes are declared.
        bytes: what it takes where it is kept, its indexes included; ``None`` if the engine
            does not tell.
        index_bytes: the part of it that indexes take; ``None`` if the engine does not tell,
            0 if they are made in memory.
        details: what only this engine has.
    """

    documents: int
    indexes: int = 0
    bytes: int | None = None
    index_bytes: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolStats:
    """Figures about the connections of this store object, since it was connected.

    Attributes:
        size: at most so many connections.
        in_use: those that an operation has now.
        idle: those that are open, and that none has.
        waiting: operations that wait for one now.
        checkouts: how often a connection was asked for.
        wait_seconds: how long was waited for all of them together.
    """

    size: int
    in_use: int
    idle: int
    waiting: int
    checkouts: int
    wait_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaStats:
    """Figures about a replica that reads go to.

    Attributes:
        place: where it is.
        is_away: whether it was unavailable when it was last asked, so that others answer.
        lag_seconds: how long ago what it shows was the primary's state; ``None`` if that is
            not known.
    """

    place: str
    is_away: bool
    lag_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """Figures about a store.

    To count the documents of large models takes the engine some time.

    Attributes:
        engine: the engine's name.
        version: of the server, or of the library that reads the file; ``None`` if the
            engine has none.
        models: the figures of each model, by its name.
        bytes: what everything takes; ``None`` if the engine does not tell.
        pool: the connections; ``None`` if there is no pool that operations wait for.
        request_units: what this store object has spent of them; ``None`` if the engine does
            not bill by them.
        replicas: those that reads go to, if there are any.
        details: what only this engine has.
        notes: what whoever runs this should know.
    """

    engine: str
    models: Mapping[str, ModelStats]
    version: str | None = None
    bytes: int | None = None
    pool: PoolStats | None = None
    request_units: float | None = None
    replicas: tuple[ReplicaStats, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def documents(self) -> int:
        """How many documents there are in all models."""
        return sum(model.documents for model in self.models.values())

    @property
    def indexes(self) -> int:
        """How many indexes are declared in all models."""
        return sum(model.indexes for model in self.models.values())
