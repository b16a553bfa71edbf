"""Whether a history is linearizable: each call took effect at one instant while it ran.

The algorithm of Wing and Gong with Lowe's memoisation: of the calls that had begun before any
other ended, one is tried as the first; then of the rest likewise. A set of calls done, in a
state, is tried once. A call whose outcome is not known may have taken effect at any time
since, or never.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tests.concurrency.history import FOREVER, Call, State, by_key, outcomes

__all__ = ["violations"]


def violations(history: Sequence[Call], start: State = None) -> list[str]:
    """The documents whose history cannot be explained, each with its calls.

    Args:
        history: calls of all clients, in any order.
        start: the state of every document before.
    """
    return [
        _shown(key, calls, start)
        for key, calls in by_key(history).items()
        if not is_linearizable(calls, start)
    ]


def is_linearizable(calls: Sequence[Call], start: State = None) -> bool:
    """Whether the calls on one document could have taken effect one after the other."""
    ordered = sorted(calls, key=lambda call: call.begun)
    known = sum(1 << place for place, call in enumerate(ordered) if call.is_known)
    tried: set[tuple[int, State]] = set()
    pending: list[tuple[int, State]] = [(0, start)]
    while pending:
        done, state = pending.pop()
        if done & known == known:
            return True
        if (done, state) in tried:
            continue
        tried.add((done, state))
        pending.extend(reversed([*_next(ordered, done, state)]))  # the earliest is tried first
    return False


def _next(ordered: Sequence[Call], done: int, state: State) -> Iterator[tuple[int, State]]:
    """What may follow: each call that began before the first of those not done ended."""
    ends = (call.ended for place, call in enumerate(ordered) if not done >> place & 1)
    first_end = min(ends)
    for place, call in enumerate(ordered):
        if call.begun > first_end:
            return
        if done >> place & 1:
            continue
        result, after = outcomes(call, state)
        if not call.is_known or result == call.result:
            yield done | 1 << place, after


def _shown(key: str, calls: Sequence[Call], start: State) -> str:
    """The first answer that cannot be explained, and the calls around it."""
    first_wrong = calls[0]
    for first_wrong in sorted(calls, key=lambda call: call.ended):
        until = [
            replace(call, ended=FOREVER) if call.ended > first_wrong.ended else call
            for call in calls
            if call.begun < first_wrong.ended
        ]
        if not is_linearizable(until, start):
            break
    first = min(call.begun for call in calls)
    lines = [f"{key}: client {first_wrong.client}'s {_told(first_wrong, first)}, after or beside"]
    lines += [
        f"client {call.client}: {_told(call, first)}"
        for call in sorted(calls, key=lambda call: call.begun)
        if call.begun < first_wrong.ended
    ]
    return "\n  ".join([lines[0], *lines[1:][-30:]])


def _told(call: Call, first: int) -> str:
    """With times in microseconds since the first call."""
    begun, ended = (call.begun - first) // 1000, (call.ended - first) // 1000
    times = f"[{begun}..{ended if call.is_known else ''}]"
    demand = "" if call.if_version is None else f", if_version={call.if_version}"
    return f"{call.kind}({call.number}{demand}) {times} -> {call.result}"
