"""What several clients did to documents, and when: the material of the checker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["FOREVER", "Call", "Kind", "State", "by_key", "outcomes"]

Kind = Literal["create", "put", "increment", "delete", "read"]

State = tuple[int, int] | None
"""A document as a register: version and number; ``None`` where there is none."""

FOREVER = 2**63 - 1
"""When a call ends whose outcome nobody knows: it may take effect at any time later."""


@dataclass(frozen=True)
class Call:
    """One call of one client on one document.

    Attributes:
        client: which one; its calls do not overlap.
        key: the document's id.
        kind: what was asked for.
        begun: when, on a clock that all clients share.
        ended: when it came back; `FOREVER` if its outcome is not known.
        number: what create and put store, what increment adds.
        if_version: the version that was demanded.
        result: what came back: the document as a `State`, for delete whether there was one, or
            the name of the error. Nothing if the outcome is not known.
    """

    client: int
    key: str
    kind: Kind
    begun: int
    ended: int = FOREVER
    number: int = 0
    if_version: int | None = None
    result: Any = None

    @property
    def is_known(self) -> bool:
        """Whether the client heard what became of it."""
        return self.ended < FOREVER


def outcomes(call: Call, state: State) -> tuple[Any, State]:
    """What one call, all by itself, gives and leaves behind."""
    return _OPERATIONS[call.kind](call, state)


def _create(call: Call, state: State) -> tuple[Any, State]:
    if state is not None:
        return "DuplicateError", state
    made = (1, call.number)
    return made, made


def _put(call: Call, state: State) -> tuple[Any, State]:
    if call.if_version is not None and (error := _unmet(call, state)):
        return error, state
    made = (1 if state is None else state[0] + 1, call.number)
    return made, made


def _increment(call: Call, state: State) -> tuple[Any, State]:
    if state is None:
        return "NotFoundError", state
    if error := _unmet(call, state):
        return error, state
    made = (state[0] + 1, state[1] + call.number)
    return made, made


def _delete(call: Call, state: State) -> tuple[Any, State]:
    if call.if_version is not None and (error := _unmet(call, state)):
        return error, state
    return state is not None, None


def _unmet(call: Call, state: State) -> str | None:
    """The error of a call whose demand is not met."""
    if state is None:
        return "NotFoundError"
    return "ConflictError" if call.if_version not in (None, state[0]) else None


def _read(call: Call, state: State) -> tuple[Any, State]:
    return state, state


_OPERATIONS: dict[Kind, Callable[[Call, State], tuple[Any, State]]] = {
    "create": _create,
    "put": _put,
    "increment": _increment,
    "delete": _delete,
    "read": _read,
}


def by_key(history: Sequence[Call]) -> dict[str, list[Call]]:
    """The calls on each document. Each is a register of its own, and is judged by itself."""
    found: dict[str, list[Call]] = {}
    for call in history:
        found.setdefault(call.key, []).append(call)
    return found
