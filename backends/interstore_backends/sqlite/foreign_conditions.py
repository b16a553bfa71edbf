"""What of a filter SQLite looks up in a table of others: conditions that let too much through
at most, and that indexes on plain columns serve. Core decides the rest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from interstore.filters.tree import Bound, Eq, In, Node, Range, Scalar
from interstore.foreign import Span, native_id
from interstore.foreign_filters import ID_NUMBER, integer_ids, narrowed, on_column
from interstore.foreign_values import read_float
from interstore.paths import Envelope
from interstore_backends.sqlite.foreign_columns import Column, ForeignTable, blob_of

__all__ = ["Condition", "condition", "every", "order", "span_conditions"]

Condition: TypeAlias = tuple[str, list[Any]]
"""SQL, and the parameters of its question marks."""

_INT64: Final = 2**63
_NOTHING: Final[Condition] = ("0", [])


def condition(table: ForeignTable, tree: Node) -> Condition | None:
    """What every row meets whose document satisfies `tree`; ``None`` for all rows."""
    if table.id_type == "int":
        tree = integer_ids(tree)
    return narrowed(tree, lambda leaf: _leaf(table, leaf), every, _some)


def span_conditions(table: ForeignTable, span: Span) -> list[Condition]:
    """That a row lies in the span."""
    id, found = table.id.quoted, []
    if span.after is not None:
        parameter, sign = table.parameter(span.after), "<" if span.descending else ">"
        if table.id_type == "string":
            # Its collation may take texts for equal that are not, and order them no further.
            further = f"({id} {sign} ? OR +{id} {sign} ? COLLATE BINARY)"
            found.append((f"{id} {sign}= ? AND {further}", [parameter] * 3))
        else:
            found.append((f"{id} {sign} ?", [parameter]))
    if span.until is not None:
        parameter, sign = table.parameter(span.until), ">" if span.descending else "<"
        if table.id_type == "string":
            further = f"({id} {sign} ? OR +{id} {sign}= ? COLLATE BINARY)"
            found.append((f"{id} {sign}= ? AND {further}", [parameter] * 3))
        else:
            found.append((f"{id} {sign}= ?", [parameter]))
    return found


def order(table: ForeignTable, span: Span) -> str:
    """What to sort by: the order of ids, which is total."""
    direction = " DESC" if span.descending else ""
    further = f",{table.id.quoted} COLLATE BINARY{direction}"
    return f"{table.id.quoted}{direction}{further if table.id_type == 'string' else ''}"


def every(conditions: list[Condition]) -> Condition:
    """The conjunction."""
    return _joined(" AND ", conditions)


def _some(conditions: list[Condition]) -> Condition:
    return _joined(" OR ", conditions) if conditions else _NOTHING


def _joined(word: str, conditions: list[Condition]) -> Condition:
    sql = word.join(sql for sql, _ in conditions)
    return f"({sql})", [each for _, parameters in conditions for each in parameters]


def _leaf(table: ForeignTable, node: Node) -> Condition | None:
    if isinstance(node, (Eq, In)) and node.path is Envelope.ID:
        values = (node.value,) if isinstance(node, Eq) else node.values
        return _ids(table, values)
    if isinstance(node, Range) and node.path is ID_NUMBER:
        return _numbers(table.id, node)
    found = on_column(node, table.columns)
    if found is None or found[0].meaning == "json":
        return None
    column, test = found
    if isinstance(test, In):
        return _equal(column, test.values)
    if isinstance(test, Eq):
        assert not isinstance(test.value, tuple), "left aside"
        return _equal(column, (test.value,))
    bound = test.lower or test.upper
    assert bound is not None
    texts = isinstance(bound.value, str)
    return _texts(column, test.lower, test.upper) if texts else _numbers(column, test)


def _ids(table: ForeignTable, values: Iterable[Any]) -> Condition:
    assert table.id_type is not None, "nothing is read without"
    ids = [native_id(table.id_type, value) for value in values if isinstance(value, str)]
    parameters = [table.parameter(id) for id in ids if id is not None]
    if not parameters:
        return _NOTHING
    return f"{table.id.quoted} IN ({','.join('?' * len(parameters))})", parameters


def _equal(column: Column, values: tuple[Scalar, ...]) -> Condition | None:
    parameters: list[Any] = []
    for value in values:
        if isinstance(value, int) and not -_INT64 <= value < _INT64:
            return None
        if isinstance(value, str):
            parameters.append(value)
            blob, number = blob_of(column, value), read_float(value)
            parameters += [each for each in (blob, number) if each is not None]
        elif value is not None:
            parameters.append(value)
    terms = []
    if parameters:
        terms.append(f"{column.quoted} IN ({','.join('?' * len(parameters))})")
    if None in values:
        terms.append(f"{column.quoted} IS NULL")
    return (f"({' OR '.join(terms)})", parameters) if terms else _NOTHING


def _numbers(column: Column, node: Range) -> Condition | None:
    """Numbers lie below texts and blobs in SQLite's order, which indexes have."""
    if column.affinity == "TEXT":
        return None  # the operand would be taken for a text
    terms, parameters = [], []
    for bound, signs in ((node.lower, (">", ">=")), (node.upper, ("<", "<="))):
        if bound is None:
            continue
        if isinstance(bound.value, int) and not -_INT64 <= bound.value < _INT64:
            return None
        terms.append(f"{column.quoted} {signs[bound.inclusive]} ?")
        parameters.append(bound.value)
    return f"({' AND '.join(terms)})", parameters


def _texts(column: Column, lower: Bound | None, upper: Bound | None) -> Condition | None:
    """Texts in the order of code points; and every blob, which documents have as text."""
    if column.affinity not in ("TEXT", "BLOB"):
        return None  # the operand may be taken for a number
    terms, parameters = [], []
    for bound, signs in ((lower, (">", ">=")), (upper, ("<", "<="))):
        if bound is not None:
            terms.append(f"{column.quoted} {signs[bound.inclusive]} ? COLLATE BINARY")
            parameters.append(bound.value)
    if lower is None:
        terms.append(f"{column.quoted} >= ''")
    sql = f"({' AND '.join(terms)} OR {column.quoted} >= x''"
    if column.affinity == "BLOB":
        sql += f" OR {column.quoted} IN (9e999,-9e999)"
    return sql + ")", parameters
