"""From an aggregation to SQL, and from its rows to groups. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from interstore.aggregation import Aggregation, Figure, Group
from interstore.filters.tree import Scalar
from interstore.paths import Envelope, Reference
from interstore.pushdown import LIMIT, PARTS, UNIT, canonical, sum_of
from interstore_backends.sqlite.compile import Compiled, where
from interstore_backends.sqlite.values import LOWEST, Value, order_expression

__all__ = ["TOO_LARGE", "compile_aggregation", "groups_of"]

TOO_LARGE: Final = "integer overflow"
"""What SQLite says of a sum of integers that leaves 64 bits."""

_LEAST: Final = 1e-50
_MOST: Final = 1e50
"""Newer libraries read a number beyond as one of the doubles beside it: core must read it."""

_FENCE: Final = "LIMIT -1"
"""Keeps SQLite from computing the columns of a query within wherever they are named."""

_MINUS_INFINITY: Final = float("-inf")
_EXACT: Final = LIMIT - 1


def compile_aggregation(aggregation: Aggregation, table: str, condition: Compiled) -> Compiled:
    """The query for one row of each group: the values of its keys, then its figures.

    Args:
        aggregation: what is asked for.
        table: as statements have it.
        condition: the compiled tree.
    """
    numbers = {path: place for place, path in enumerate(aggregation.references)}
    columns = [
        f"{column} {name}{place}"
        for path, place in numbers.items()
        for column, name in ((_key(path), "k"), (_type(path), "t"))
    ]
    keys = [f"k{numbers[path]}" for _, path in aggregation.group_by]
    figures = [
        sql
        for _, figure in aggregation.figures
        for sql in _columns(figure, numbers.get(figure.path) if figure.path else None)
    ]
    source = f"SELECT {','.join(columns) or '1'} FROM {table}{where(condition)}"
    summed = [
        numbers[figure.path]
        for _, figure in aggregation.figures
        if figure.kind in ("sum", "avg") and figure.path
    ]
    for step in _split(dict.fromkeys(summed)) if summed else ():
        source = f"SELECT *,{step} FROM ({source} {_FENCE})"
    sql = f"SELECT {','.join([*keys, *figures])} FROM ({source} {_FENCE})"
    if keys:
        sql += f" GROUP BY {','.join(keys)}"
    return Compiled(sql, condition.parameters)


def _key(path: Reference) -> str:
    """The sort key; the plus takes the affinity from a column, which would convert operands."""
    return f"+{order_expression(path)}" if isinstance(path, Envelope) else order_expression(path)


def _type(path: Reference) -> str:
    """SQLite's name of the class; NULL where the value is missing."""
    if path is Envelope.EXPIRES_AT:
        return "CASE WHEN expires_at IS NOT NULL THEN 'text' END"
    return "'text'" if isinstance(path, Envelope) else Value.at("doc", path).type


def _columns(figure: Figure, number: int | None) -> list[str]:
    if number is None:
        return ["count(*)"]
    key = f"k{number}"
    if figure.kind == "count":
        return [f"count(CASE WHEN t{number} <> 'null' THEN 1 END)"]
    if figure.kind in ("sum", "avg"):
        return _sums(number)
    return [f"{figure.kind}(CASE WHEN {key} > {LOWEST} THEN {key} END)"]


def _split(numbers: Iterable[int]) -> Iterator[str]:
    """The columns that part numbers, a step at a time: each from what the one before leaves."""
    yield ",".join(
        [
            f"CASE WHEN {_real(f'k{n}')} AND abs(k{n}) < {LIMIT}.0 THEN k{n} END r{n}_0"
            for n in numbers
        ]
    )
    for part in range(PARTS):
        yield ",".join(
            [
                f"CAST(r{n}_{part} AS INTEGER) p{n}_{part},"
                f"(r{n}_{part} - CAST(r{n}_{part} AS INTEGER)) * {UNIT}.0 r{n}_{part + 1}"
                for n in numbers
            ]
        )


def _real(key: str) -> str:
    return f"typeof({key}) = 'real' AND {key} > {LOWEST}"


def _sums(number: int) -> list[str]:
    """How many numbers, the sums of their parts, and how many have more than these."""
    key = f"k{number}"
    unsure = (
        f"typeof({key}) = 'integer' AND {key} NOT BETWEEN -{_EXACT} AND {_EXACT} "
        f"OR {_real(key)} AND (abs({key}) >= {LIMIT}.0 OR r{number}_{PARTS} <> 0 "
        f"OR abs({key}) NOT BETWEEN {_LEAST} AND {_MOST})"
    )
    return [
        f"count(CASE WHEN typeof({key}) = 'integer' OR {_real(key)} THEN 1 END)",
        f"sum(CASE WHEN typeof({key}) = 'integer' THEN {key} ELSE p{number}_0 END)",
        *[f"sum(p{number}_{part})" for part in range(1, PARTS)],
        f"count(CASE WHEN {unsure} THEN 1 END)",
    ]


class _Unsure(Exception):
    """SQLite may have read a number as another."""


def groups_of(rows: Iterable[Sequence[Any]], aggregation: Aggregation) -> list[Group] | None:
    """The groups; ``None`` if only core can tell.

    Raises:
        InvalidQueryError: a sum is beyond the largest number.
    """
    width = len(aggregation.group_by)
    try:
        return [
            ([_scalar(value) for value in row[:width]], _figures(row[width:], aggregation))
            for row in rows
        ]
    except _Unsure:
        return None


def _figures(columns: Sequence[Any], aggregation: Aggregation) -> list[Any]:
    figures: list[Any] = []
    at = 0
    for _, figure in aggregation.figures:
        if figure.kind in ("sum", "avg"):
            count, *parts, unsure = columns[at : at + PARTS + 2]
            if unsure:
                raise _Unsure
            figures.append(sum_of(figure, count, parts))
            at += PARTS + 2
            continue
        figures.append(columns[at] if figure.kind == "count" else _scalar(columns[at]))
        at += 1
    return figures


def _scalar(value: Any) -> Scalar:
    """The value of a sort key."""
    if value is None or value == _MINUS_INFINITY:
        return None
    if isinstance(value, bytes):
        return value == b"\x01"
    if isinstance(value, float) and not _LEAST <= abs(value) <= _MOST:
        raise _Unsure
    return canonical(value) if isinstance(value, (int, float)) else str(value)
