"""The checker itself: histories that are known to be good, and to be bad."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from tests.concurrency.checker import is_linearizable, violations
from tests.concurrency.history import FOREVER, Call, State, outcomes


def call(times: tuple[int, int], kind: Any, result: Any, number: int = 0, **more: Any) -> Call:
    return Call(more.pop("client", 0), "a", kind, *times, number=number, result=result, **more)


GOOD: dict[str, list[Call]] = {
    "nothing": [],
    "one after the other": [
        call((0, 1), "create", (1, 5), 5),
        call((2, 3), "increment", (2, 6), 1),
        call((4, 5), "read", (2, 6)),
        call((6, 7), "delete", True),
        call((8, 9), "delete", False),
        call((10, 11), "read", None),
    ],
    "a read beside a write sees it or not": [
        call((0, 10), "create", (1, 5), 5),
        call((1, 2), "read", None),
        call((3, 4), "read", (1, 5)),
    ],
    "one of two creates wins": [
        call((0, 5), "create", "DuplicateError", 1),
        call((1, 6), "create", (1, 2), 2),
    ],
    "one of two with the same version wins": [
        call((0, 1), "create", (1, 0)),
        call((2, 6), "put", (2, 7), 7, if_version=1),
        call((3, 5), "put", "ConflictError", 8, if_version=1),
    ],
    "the later one by the clock is the first": [
        call((0, 1), "create", (1, 0)),
        call((2, 9), "increment", (3, 2), 1),
        call((3, 8), "increment", (2, 1), 1),
    ],
    "what nobody heard of took effect": [
        call((0, 1), "create", (1, 0)),
        call((2, FOREVER), "increment", None, 1),
        call((3, 4), "read", (1, 0)),
        call((5, 6), "read", (2, 1)),
    ],
    "what nobody heard of did not": [
        call((0, 1), "create", (1, 0)),
        call((2, FOREVER), "delete", None),
        call((3, 4), "read", (1, 0)),
    ],
    "a document that is made anew begins anew": [
        call((0, 1), "create", (1, 0)),
        call((2, 3), "put", (2, 1), 1),
        call((4, 5), "delete", True),
        call((6, 7), "put", (1, 2), 2),
        call((8, 9), "increment", "ConflictError", 1, if_version=2),
        call((10, 11), "delete", True, if_version=1),
        call((12, 13), "increment", "NotFoundError", 1),
        call((14, 15), "delete", "NotFoundError", if_version=1),
    ],
}

BAD: dict[str, list[Call]] = {
    "a write that is not read": [call((0, 1), "create", (1, 5), 5), call((2, 3), "read", None)],
    "a read of what nobody wrote": [call((0, 1), "read", (1, 5))],
    "a read that goes back": [
        call((0, 9), "create", (1, 5), 5),
        call((1, 2), "read", (1, 5)),
        call((3, 4), "read", None),
    ],
    "both creates win": [
        call((0, 5), "create", (1, 1), 1),
        call((1, 6), "create", (1, 2), 2),
    ],
    "neither does": [
        call((0, 5), "create", "DuplicateError", 1),
        call((1, 6), "create", "DuplicateError", 2),
    ],
    "both with the same version win": [
        call((0, 1), "create", (1, 0)),
        call((2, 6), "put", (2, 7), 7, if_version=1),
        call((3, 5), "put", (2, 8), 8, if_version=1),
    ],
    "a lost update": [
        call((0, 1), "create", (1, 0)),
        call((2, 6), "increment", (2, 1), 1),
        call((3, 5), "increment", (2, 1), 1),
    ],
    "a lost update that the version hides": [
        call((0, 1), "create", (1, 0)),
        call((2, 6), "increment", (2, 1), 1),
        call((3, 5), "increment", (3, 1), 1),
    ],
    "an update applied twice": [
        call((0, 1), "create", (1, 0)),
        call((2, FOREVER), "increment", None, 1),
        call((3, 4), "read", (3, 2)),
    ],
    "what nobody heard of took effect, and then did not": [
        call((0, 1), "create", (1, 0)),
        call((2, FOREVER), "increment", None, 1),
        call((3, 4), "read", (2, 1)),
        call((5, 6), "read", (1, 0)),
    ],
    "an effect before the call": [
        call((0, 1), "create", (1, 0)),
        call((2, 3), "read", (2, 1)),
        call((4, 5), "increment", (2, 1), 1),
    ],
    "a conflict that was none": [
        call((0, 1), "create", (1, 0)),
        call((2, 3), "put", "ConflictError", 1, if_version=1),
    ],
    "deleted twice": [
        call((0, 1), "create", (1, 0)),
        call((2, 6), "delete", True),
        call((3, 5), "delete", True),
    ],
}


@pytest.mark.parametrize("name", GOOD)
def test_good(name: str) -> None:
    assert violations(GOOD[name]) == []


@pytest.mark.parametrize("name", BAD)
def test_bad(name: str) -> None:
    [problem] = violations(BAD[name])
    assert problem.startswith("a: client 0's ")


def test_documents_are_judged_by_themselves() -> None:
    calls = [
        Call(0, "a", "create", 0, 9, result=(1, 0)),
        Call(1, "b", "read", 1, 2, result=(1, 0)),
    ]
    assert [problem[0] for problem in violations(calls)] == ["b"]


@pytest.mark.parametrize("number", range(30))
def test_whatever_happened_at_instants_is_good(number: int) -> None:
    """Calls that took effect at one instant each, told by clients with times around it."""
    calls, _ = _happened(Random(number), 60)
    assert is_linearizable(calls)


@pytest.mark.parametrize("number", range(30))
def test_and_bad_with_one_result_changed(number: int) -> None:
    """A result that does not follow from any order: nobody wrote that number."""
    random = Random(number)
    calls, states = _happened(random, 60)
    read = [place for place, each in enumerate(calls) if each.kind == "read" and each.is_known]
    place = random.choice(read)
    states.add((1, 10**6))
    changed = Call(**{**calls[place].__dict__, "result": (1, 10**6)})
    assert not is_linearizable([*calls[:place], changed, *calls[place + 1 :]])


def _happened(random: Random, count: int) -> tuple[list[Call], set[State]]:
    state: State = None
    calls: list[Call] = []
    states: set[State] = set()
    for instant in range(count):
        kind = random.choice(["create", "put", "increment", "delete", "read", "read"])
        version = random.choice([None, None, state[0] if state else 1, 9])
        asked = Call(
            instant % 5,
            "a",
            kind,  # type: ignore[arg-type]
            begun=10 * instant - random.randrange(40),
            ended=10 * instant + random.randrange(40),
            number=instant,
            if_version=version if kind in ("put", "increment", "delete") else None,
        )
        result, state = outcomes(asked, state)
        states.add(state)
        unheard = random.random() < 0.1
        ended = FOREVER if unheard else asked.ended
        told = {"ended": ended, "result": None if unheard else result}
        calls.append(Call(**{**asked.__dict__, **told}))
    return calls, states
