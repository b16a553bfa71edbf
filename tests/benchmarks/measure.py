"""Times taken side by side: rounds in which each contender runs once, after the other."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles
from time import perf_counter

from tests.benchmarks.aims import Aim

__all__ = ["Case", "Effort", "Prepare", "Row", "measure"]

Work = Callable[[], object]

Prepare = Callable[[int], Work]
"""Makes ready, untimed, what does so many operations when it is called."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to measure.

    Attributes:
        rounds: in each, every contender runs once.
        seconds: each run takes at least so long, by repeating the operation.
    """

    rounds: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Case:
    """One operation, as several contenders do it.

    Attributes:
        name: of the operation.
        contenders: what each does; the first is Interstore.
        aims: what is aimed at, by contender; the one by Interstore's own name is absolute.
        documents: how many documents one operation handles; times are given for each.
        added: compare by the difference, not by the ratio.
        rounds: at the most, where one takes long.
    """

    name: str
    contenders: Mapping[str, Prepare]
    aims: Mapping[str, Aim] = field(default_factory=dict)
    documents: int = 1
    added: bool = False
    rounds: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured of one operation, against one contender.

    Attributes:
        name: of the operation.
        ours: microseconds, the median of Interstore's runs.
        rival: the contender; empty if there is nothing to compare with.
        theirs: microseconds, the median of its runs.
        ratio: the median of ours / theirs in each round; of the difference where the case
            asks for that, in microseconds.
        low: a quarter of the rounds were below.
        high: a quarter of the rounds were above.
        added: whether `ratio` is a difference.
        aim: in words; empty if there is none.
        met: whether it was met; ``None`` if there is none.
    """

    name: str
    ours: float
    rival: str = ""
    theirs: float = 0.0
    ratio: float = 0.0
    low: float = 0.0
    high: float = 0.0
    added: bool = False
    aim: str = ""
    met: bool | None = None


def measure(case: Case, effort: Effort) -> list[Row]:
    """One row for each contender beside Interstore; one for it alone if that has an aim."""
    repeats = {name: _repeats(run, effort, case) for name, run in case.contenders.items()}
    times: dict[str, list[float]] = {name: [] for name in repeats}
    names = list(repeats)
    for number in range(min(effort.rounds, case.rounds or effort.rounds)):
        # In turn first: whoever follows another meets the caches as that one left them.
        start = number % len(names)
        for name in names[start:] + names[:start]:
            taken = _time(case.contenders[name](repeats[name]))
            times[name].append(taken / (repeats[name] * case.documents) * 1e6)
    ours, *rivals = names
    rows = [_compared(case, ours, rival, times) for rival in rivals]
    if ours in case.aims or not rows:
        rows.insert(0, _absolute(case, ours, times[ours]))
    return rows


def _repeats(prepare: Prepare, effort: Effort, case: Case) -> int:
    """How often to repeat the operation, so that a run takes long enough."""
    repeats = 1
    if case.rounds is not None:  # it takes long: to find that out would take as long again
        return repeats
    while True:
        taken = _time(prepare(repeats))
        if taken >= effort.seconds:
            return repeats
        # Not at once: a first call is slower than those that follow.
        wanted = repeats * effort.seconds / max(taken, 1e-9) * 1.1
        repeats = max(repeats + 1, int(min(wanted, repeats * 10)))


def _time(work: Work) -> float:
    gc.collect()
    start = perf_counter()
    work()
    return perf_counter() - start


def _absolute(case: Case, name: str, times: Sequence[float]) -> Row:
    low, middle, high = _quartiles(times)
    aim = case.aims.get(name)
    return Row(
        name=case.name,
        ours=middle,
        low=low,
        high=high,
        aim=str(aim or ""),
        met=None if aim is None else aim.is_met(ours=middle, ratio=0.0),
    )


def _compared(case: Case, ours: str, rival: str, times: Mapping[str, Sequence[float]]) -> Row:
    pairs = zip(times[ours], times[rival], strict=True)
    low, ratio, high = _quartiles([a - b if case.added else a / b for a, b in pairs])
    aim = case.aims.get(rival)
    mine = median(times[ours])
    return Row(
        name=case.name,
        ours=mine,
        rival=rival,
        theirs=median(times[rival]),
        ratio=ratio,
        low=low,
        high=high,
        added=case.added,
        aim=str(aim or ""),
        met=None if aim is None else aim.is_met(ours=mine, ratio=ratio),
    )


def _quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = quantiles(values, n=4, method="inclusive")
    return low, middle, high
