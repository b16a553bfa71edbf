"""From an aggregation to SQL, and from its rows to groups. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from interstore.aggregation import Aggregation, Figure, Group
from interstore.filters.tree import Scalar
from interstore.paths import Envelope, Reference
from interstore.pushdown import LIMIT, PARTS, UNIT, canonical, sum_of
from interstore_backends.postgresql.compile import Compiled
from interstore_backends.postgresql.quoting import path_expression
from interstore_backends.postgresql.values import COLUMNS, rank, text

__all__ = ["compile_aggregation", "groups_of"]

_TIME: Final = """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
_NULL: Final = "'-Infinity'::float8"
_TEXT: Final = "'Infinity'::float8"
_BOOL: Final = "'NaN'::float8"


def compile_aggregation(aggregation: Aggregation, table: str, where: Compiled) -> str:
    """The query for one row of each group: the keys of its values, then its figures.

    Args:
        aggregation: what is asked for.
        table: as statements have it.
        where: the compiled tree.
    """
    if _counts_only(aggregation):
        return _compile_counts(aggregation, table, where)
    numbers = {path: place for place, path in enumerate(aggregation.references)}
    values = [f"{_value(path)} AS v{place}" for path, place in numbers.items()]
    ranked = [column for path, place in numbers.items() for column in _ranked(path, place)]
    keys = [f"{kind}{numbers[path]}" for _, path in aggregation.group_by for kind in "ns"]
    figures = [
        sql
        for _, figure in aggregation.figures
        for sql in _columns(figure, numbers.get(figure.path) if figure.path else None)
    ]
    # OFFSET 0 keeps PostgreSQL from computing each column wherever it is named.
    source = f"{table}{where.sql}"
    if numbers:
        source = f"(SELECT {','.join(values)} FROM {source} OFFSET 0) a"
        source = f"(SELECT {','.join(ranked)} FROM {source} OFFSET 0) b"
    sql = f"SELECT {','.join([*keys, *figures])} FROM {source}"
    return f"{sql} GROUP BY {','.join(keys)}" if keys else sql


def _counts_only(aggregation: Aggregation) -> bool:
    """Whether it groups by paths of the document, and counts documents at most."""
    paths = [path for _, path in aggregation.group_by]
    if not paths or any(isinstance(path, Envelope) for path in paths):
        return False
    return all(figure.path is None for _, figure in aggregation.figures)


def _compile_counts(aggregation: Aggregation, table: str, where: Compiled) -> str:
    """The same by groups of equal JSON first: sort keys are then computed of each group only.

    That takes a third of the time. What is equal, but not as JSON (1 and 1.0, all that sorts as
    null), is put together afterwards.
    """
    paths = [path for _, path in aggregation.group_by]
    places = range(len(paths))
    texts = [f'({_value(path)})::text COLLATE "C" AS g{n}' for n, path in enumerate(paths)]
    source = f"SELECT {','.join([*texts, 'count(*) AS c'])} FROM {table}{where.sql}"
    source += f" GROUP BY {','.join([f'g{n}' for n in places])}"
    again = [f"g{n}::jsonb AS v{n}" for n in places]
    source = f"SELECT {','.join([*again, 'c'])} FROM ({source}) a OFFSET 0"
    ranked = [f"{rank(f'v{n}')} AS n{n},{text(f'v{n}')} AS s{n}" for n in places]
    source = f"SELECT {','.join([*ranked, 'c'])} FROM ({source}) b OFFSET 0"
    keys = [f"{kind}{n}" for n in places for kind in "ns"]
    counts = ["sum(c)::bigint"] * len(aggregation.figures)
    return f"SELECT {','.join([*keys, *counts])} FROM ({source}) d GROUP BY {','.join(keys)}"


def _value(path: Reference) -> str:
    return COLUMNS[path] if isinstance(path, Envelope) else path_expression("doc", path)


def _ranked(path: Reference, place: int) -> tuple[str, str, str]:
    """The sort keys of a value and its class, which is NULL where it is missing."""
    value = f"v{place}"
    columns: tuple[str, str, str]
    if not isinstance(path, Envelope):
        columns = rank(value), text(value), f"jsonb_typeof({value})"
    elif path is Envelope.VERSION:
        columns = value, "''", "'number'"
    elif path is Envelope.ID:
        columns = _TEXT, value, "'string'"
    else:
        columns = (
            f"CASE WHEN {value} IS NULL THEN {_NULL} ELSE {_TEXT} END",
            f"coalesce({_TIME.format(value)}, '')",
            f"CASE WHEN {value} IS NOT NULL THEN 'string' END",
        )
    key, characters, kind = columns
    return f"{key} AS n{place}", f'{characters} COLLATE "C" AS s{place}', f"{kind} AS t{place}"


def _columns(figure: Figure, number: int | None) -> list[str]:
    if number is None:
        return ["count(*)"]
    key, characters, kind = f"n{number}", f"s{number}", f"t{number}"
    if figure.kind == "count":
        return [f"count(*) FILTER (WHERE {kind} <> 'null')"]
    if figure.kind in ("sum", "avg"):
        return _sums(key)
    both = "bool_and" if figure.kind == "min" else "bool_or"
    return [
        f"{figure.kind}({key}) FILTER (WHERE {key} > {_NULL} AND {key} < {_TEXT})",
        f"{figure.kind}({characters}) FILTER (WHERE {key} = {_TEXT})",
        f"{both}({characters} = 'true') FILTER (WHERE {key} = {_BOOL})",
    ]


def _sums(key: str) -> list[str]:
    """How many numbers, the sums of their parts, and how many have more than these."""
    number = f"{key} > {_NULL} AND {key} < {_TEXT}"
    fits = f"{number} AND abs({key}) < {LIMIT}"
    rest, parts = key, []
    for _ in range(PARTS):
        parts.append(f"sum(trunc({rest})::bigint) FILTER (WHERE {fits})")
        rest = f"(({rest} - trunc({rest})) * {UNIT}::float8)"
    return [
        f"count(*) FILTER (WHERE {number})",
        *parts,
        f"count(*) FILTER (WHERE {number} AND (abs({key}) >= {LIMIT} OR {rest} <> 0))",
    ]


def groups_of(rows: Iterable[Sequence[Any]], aggregation: Aggregation) -> list[Group] | None:
    """The groups; ``None`` if only core can tell.

    Raises:
        InvalidQueryError: a sum is beyond the largest number.
    """
    width = 2 * len(aggregation.group_by)
    groups: list[Group] = []
    for row in rows:
        keys = [_scalar(*row[place : place + 2]) for place in range(0, width, 2)]
        figures = _figures(row[width:], aggregation)
        if figures is None:
            return None
        groups.append((keys, figures))
    return groups


def _figures(columns: Sequence[Any], aggregation: Aggregation) -> list[Any] | None:
    figures: list[Any] = []
    at = 0
    for _, figure in aggregation.figures:
        if figure.kind in ("sum", "avg"):
            count, *parts, unsure = columns[at : at + PARTS + 2]
            if unsure:
                return None
            figures.append(sum_of(figure, count, parts))
            at += PARTS + 2
        elif figure.kind == "count":
            figures.append(columns[at])
            at += 1
        else:
            classes = [value for value in columns[at : at + 3] if value is not None]
            found = classes[0 if figure.kind == "min" else -1] if classes else None
            figures.append(canonical(found) if type(found) is float else found)
            at += 3
    return figures


def _scalar(key: float, characters: str) -> Scalar:
    """The value that has these sort keys."""
    if key != key:
        return characters == "true"
    if key in (float("inf"), float("-inf")):
        return characters if key > 0 else None
    return canonical(key)
