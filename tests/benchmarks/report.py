"""What was measured, as tables that read well on a terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.benchmarks.measure import Row
from tests.benchmarks.suites.memory import Memory
from tests.benchmarks.suites.requests import Cost

__all__ = ["memory_line", "requests_table", "table"]

_COMPARED = ("operation", "Interstore", "beside", "takes", "ratio", "middle half", "aim", "")
_ADDED = ("operation", "Interstore", "beside", "takes", "adds", "middle half", "aim", "")
_ABSOLUTE = ("operation", "Interstore", "", "", "", "middle half", "aim", "")


def table(rows: Sequence[Row]) -> str:
    """A table of the rows of one suite."""
    if all(not row.rival for row in rows):
        head = _ABSOLUTE
    else:
        head = _ADDED if any(row.added for row in rows) else _COMPARED
    return _aligned([head, *map(_cells, rows)])


def requests_table(costs: Sequence[Cost]) -> str:
    """A table of what operations ask of Cosmos DB."""
    head = ("operation", "Interstore", "request units", "azure-cosmos", "request units", "")
    rows = [
        (
            cost.name,
            f"{cost.ours.requests}",
            f"{cost.ours.units:.2f}",
            f"{cost.theirs.requests}",
            f"{cost.theirs.units:.2f}",
            cost.why,
        )
        for cost in costs
    ]
    return _aligned([head, *rows])


def memory_line(memory: Memory) -> str:
    return (
        f"{memory.documents:,} documents, open: {memory.resident:.0f} bytes of memory each, "
        f"{memory.stored:.0f} in the file."
    )


def _cells(row: Row) -> tuple[str, ...]:
    met = {True: "met", False: "not met", None: ""}[row.met]
    if not row.rival:
        spread = f"{_time(row.low)} - {_time(row.high)}"
        return row.name, _time(row.ours), "", "", "", spread, row.aim, met
    show = _time if row.added else _ratio
    return (
        row.name,
        _time(row.ours),
        row.rival,
        _time(row.theirs),
        show(row.ratio),
        f"{show(row.low)} - {show(row.high)}",
        row.aim,
        met,
    )


def _time(microseconds: float) -> str:
    size = abs(microseconds)
    if size < 1:
        return f"{microseconds * 1000:.0f} ns"
    if size < 10_000:
        return f"{microseconds:,.{1 if size < 100 else 0}f} µs"
    return f"{microseconds / 1000:,.{1 if size < 100_000 else 0}f} ms"


def _ratio(ratio: float) -> str:
    """`1.27`; `1/38` where that is easier to read."""
    return f"{ratio:.2f}" if ratio > 0.1 else f"1/{1 / max(ratio, 1e-9):,.0f}"


def _aligned(lines: Iterable[Sequence[str]]) -> str:
    cells = list(lines)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    texts = [
        "| "
        + " | ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([texts[0], rule, *texts[1:]])
