"""What observers are told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias, get_args

import msgspec

from interstore.aggregation import Aggregation
from interstore.filters.tree import Node
from interstore.prepared import Query

__all__ = ["Observer", "Operation", "query_of"]

_NODES: Final = get_args(Node)


class Operation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One operation of a database, when it has ended.

    It is of the kind that the store asked for: a bulk call, or a `find_one_and_update` that is
    made of several steps, is one operation.

    Attributes:
        name: ``"find_by_id"``, ``"create_many"``, as in `AsyncOperations`; ``"transaction"``
            when one has ended, with everything in it.
        backend: the engine's name.
        model: the model; ``None`` where there is none.
        seconds: how long it took.
        error: what it raised; ``None`` if it succeeded. Of a transaction: ``None`` if it was
            committed.
        count: documents that were found or written; ``None`` where it is about none.
        request_units: what the engine asks for it; ``None`` where it says nothing of the kind.
        transaction: the number of the transaction that it belongs to; ``None`` outside. The
            operation ``"transaction"`` has the number of those in it, so who cares for what
            was committed waits for that one.
        arguments: prepared, after the model. They hold values of documents: nothing to log.
    """

    name: str
    backend: str
    model: str | None
    seconds: float
    error: BaseException | None = None
    count: int | None = None
    request_units: float | None = None
    transaction: int | None = None
    arguments: Sequence[Any] = ()

    @property
    def query(self) -> Query | None:
        """What was asked for, if it was asked by a filter."""
        return query_of(self.arguments)


def query_of(arguments: Sequence[Any]) -> Query | None:
    """The query among the arguments of an operation, or one of its filter."""
    for argument in arguments:
        if isinstance(argument, Query):
            return argument
        if isinstance(argument, Aggregation):
            return Query(argument.tree)
        if isinstance(argument, _NODES):
            return Query(argument)
    return None


Observer: TypeAlias = Callable[[Operation], object]
"""Called after each operation, in the thread or task that made it: it must be quick, and it
must not wait. What it raises is logged, and disturbs nothing."""
