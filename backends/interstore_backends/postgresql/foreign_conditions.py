"""What of a filter PostgreSQL looks up in a table of others: conditions that let too much
through at most, and that indexes on plain columns serve. Core decides the rest."""

from __future__ import annotations

import math
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Final, TypeAlias

from interstore.filters.tree import Bound, Eq, In, Node, Range, Scalar
from interstore.foreign import Span, native_id
from interstore.foreign_filters import ID_NUMBER, integer_ids, narrowed, on_column
from interstore.foreign_values import read_float
from interstore.paths import Envelope
from interstore_backends.postgresql.foreign_columns import Column, ForeignTable
from interstore_backends.postgresql.foreign_types import DECIMAL
from interstore_backends.postgresql.values import Parameters, text_array

__all__ = ["condition", "order", "span_conditions"]

_INT64: Final = 2**63
_FLOAT4: Final = 3e38
_NOTHING: Final = "false"
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}Z?\Z")
_BEFORE: Final = "0001-01-01"
_AFTER: Final = "10000-01-01"


def condition(table: ForeignTable, tree: Node, parameters: Parameters) -> str | None:
    """What every row meets whose document satisfies `tree`; ``None`` for all rows."""
    if table.id_type == "int":
        tree = integer_ids(tree)
    found = narrowed(
        tree,
        lambda leaf: _with_operands(table, leaf),
        lambda terms: _joined(" AND ", terms),
        lambda terms: _joined(" OR ", terms) if terms else (_NOTHING, []),
    )
    if found is None:
        return None
    first, *others = found[0].split(_HERE)
    bound = [parameters.bind(*operand) for operand in found[1]]
    return first + "".join([f"{one}{other}" for one, other in zip(bound, others, strict=True)])


class _Operands(Parameters):
    """Operands that get their numbers later: a condition may come to nothing, and PostgreSQL
    refuses a parameter that no text refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []

    def bind(self, value: str, cast: str) -> str:
        self.found.append((value, cast))
        return _HERE


_HERE: Final = "\0"
_Term: TypeAlias = tuple[str, list[tuple[str, str]]]


def _with_operands(table: ForeignTable, node: Node) -> _Term | None:
    operands = _Operands()
    sql = _leaf(table, node, operands)
    return None if sql is None else (sql, operands.found)


def _joined(word: str, terms: list[_Term]) -> _Term:
    sql = word.join([sql for sql, _ in terms])
    return f"({sql})", [operand for _, found in terms for operand in found]


def span_conditions(table: ForeignTable, span: Span, parameters: Parameters) -> list[str]:
    """That a row lies in the span."""
    found = []
    ends = ((span.after, "", "<" if span.descending else ">"),
            (span.until, "=", ">" if span.descending else "<"))  # fmt: skip
    for end, inclusive, sign in ends:
        if end is None:
            continue
        id = table.id.quoted
        if not table.fits(end) and isinstance(end, int):
            beyond = (end > 0) == (sign == ">")
            found.append(_NOTHING if beyond else "true")
            continue
        bound = parameters.bind(table.bound(end), f"text::{table.id.type}")
        if table.id.exact:
            found.append(f"{id} {sign}{inclusive} {bound}")
        else:
            text = parameters.bind(table.bound(end), "text")
            further = f'{id}::text COLLATE "C" {sign}{inclusive} {text}'
            found.append(f"{id} {sign}= {bound} AND ({id} {sign} {bound} OR {further})")
    return found


def order(table: ForeignTable, span: Span) -> str:
    """What to sort by: the order of ids, which is total."""
    direction = " DESC" if span.descending else ""
    id = f"t.{table.id.quoted}"  # not its text, which the SELECT gives the same name
    further = "" if table.id.exact else f',{id}::text COLLATE "C"{direction}'
    return f"{id}{direction}{further}"


def _leaf(table: ForeignTable, node: Node, parameters: Parameters) -> str | None:
    if isinstance(node, (Eq, In)) and node.path is Envelope.ID:
        values = (node.value,) if isinstance(node, Eq) else node.values
        return _ids(table, values, parameters)
    if isinstance(node, Range) and node.path is ID_NUMBER:
        return _range(table.id, node.lower, node.upper, parameters)
    found = on_column(node, table.columns)
    if found is None or found[0].is_array or found[0].kind == "json":
        return None
    column, test = found
    if isinstance(test, In):
        return _equal(column, test.values, parameters)
    if isinstance(test, Eq):
        assert not isinstance(test.value, tuple), "left aside"
        return _equal(column, (test.value,), parameters)
    return _range(column, test.lower, test.upper, parameters)


def _ids(table: ForeignTable, values: Iterable[Any], parameters: Parameters) -> str:
    found = [native_id(table.id_type, value) for value in values if isinstance(value, str)]
    texts = [table.bound(id) for id in found if id is not None and table.fits(id)]
    return _any(table.id, texts, parameters)


def _any(column: Column, texts: list[str], parameters: Parameters) -> str:
    """That the column has one of the values."""
    if not texts:
        return _NOTHING
    if len(texts) == 1:
        return f"{column.quoted} = {parameters.bind(texts[0], f'text::{_comparable(column)}')}"
    array = parameters.bind(text_array(texts), f"text::{_comparable(column)}[]")
    return f"{column.quoted} = ANY ({array})"


def _comparable(column: Column) -> str:
    """The type to compare with: integers of all sizes compare with the largest."""
    if column.kind == "int":
        return "bigint"
    return column.base if column.kind != "text" else column.type


def _equal(column: Column, values: tuple[Scalar, ...], parameters: Parameters) -> str | None:
    if column.kind in ("other", "money", "time") or column.base == "oid":
        return None
    texts: list[str] = []
    for value in values:
        if value is None:
            continue
        text = _operand(column, value)
        if text is None:
            return None
        if text:
            texts += text
    terms = [_any(column, texts, parameters)] if texts else []
    if None in values:
        terms.append(f"{column.quoted} IS NULL")
    return f"({' OR '.join(terms)})" if terms else _NOTHING


def _operand(column: Column, value: Scalar) -> list[str] | None:
    """The texts of the column's values that are presented as `value`: none, or one.

    ``None`` if that cannot be told.
    """
    kind = column.kind
    if type(value) is bool:
        return [str(value).lower()] if kind == "bool" else []
    if isinstance(value, str):
        return _text_operand(column, value)
    assert value is not None
    if kind == "int":
        fits = float(value).is_integer() if isinstance(value, float) else True
        return [str(int(value))] if fits and -_INT64 <= value < _INT64 else []
    if kind == "float":
        number = _as_float(column, value)
        return None if number is None else [number]
    return []


def _as_float(column: Column, value: int | float) -> str | None:
    try:
        number = float(value)
    except OverflowError:
        return None
    return None if column.base == "float4" and abs(number) > _FLOAT4 else repr(number)


def _text_operand(column: Column, value: str) -> list[str] | None:
    match column.kind:
        case "text":
            return [value]
        case "uuid":
            return [value] if native_id("uuid", value) is not None else []
        case "decimal":
            return [value] if DECIMAL.match(value) and len(value) < 400 else []
        case "float":
            return [value] if read_float(value) is not None else []
        case "bytea":
            try:
                return ["\\x" + b64decode(value, validate=True).hex()]
            except (Base64Error, ValueError):
                return []
        case "timestamptz" | "timestamp":
            return [value] if _is_time(value) else None
        case "date":
            return [value] if _day(value) == value else None
        case _:
            return []


def _range(
    column: Column, lower: Bound | None, upper: Bound | None, parameters: Parameters
) -> str | None:
    terms: list[str] = []
    for bound, sign in ((lower, ">"), (upper, "<")):
        if bound is not None:
            term = _side(column, bound, sign, parameters)
            if term is None:
                return None
            terms.append(term)
    return f"({' AND '.join(terms)})"


def _side(column: Column, bound: Bound, sign: str, parameters: Parameters) -> str | None:
    """One side of a range."""
    value, name = bound.value, column.quoted
    inclusive = "=" if bound.inclusive else ""
    if not isinstance(value, str):
        return _number_side(column, bound, sign, parameters)
    if column.kind == "text" and column.base in ("text", "varchar") and column.type != "citext":
        return f'{name} COLLATE "C" {sign}{inclusive} {parameters.bind(value, "text")}'
    if column.kind == "uuid" and native_id("uuid", value) is not None:
        return f"{name} {sign}{inclusive} {parameters.bind(value, 'text::uuid')}"
    if column.kind in ("timestamptz", "timestamp"):
        # A text with Z, compared with one without, lies just behind it.
        end = value if _is_time(value) else None
    elif column.kind == "date":
        end = _day(value)
    else:
        end = None
    if end is None:
        return None
    # What has no canonical text is presented in another form, with an order of its own.
    outside = f"{name} < '{_BEFORE}'" if sign == ">" else f"{name} >= '{_AFTER}'"
    return f"({name} {sign}= {parameters.bind(end, f'text::{column.base}')} OR {outside})"


def _number_side(column: Column, bound: Bound, sign: str, parameters: Parameters) -> str | None:
    value, inclusive = bound.value, "=" if bound.inclusive else ""
    assert not isinstance(value, str)
    if column.kind == "float":
        number = _as_float(column, value)
        # Inclusive, because the operand may be rounded.
        return number and f"{column.quoted} {sign}= {parameters.bind(number, column.base)}"
    if column.kind != "int" or column.base == "oid":
        return None
    whole = math.ceil(value) if sign == ">" else math.floor(value)
    if whole != value:
        inclusive = "="
    if not -_INT64 <= whole < _INT64:
        return _NOTHING if (whole > 0) == (sign == ">") else "true"
    return f"{column.quoted} {sign}{inclusive} {parameters.bind(str(whole), 'bigint')}"


def _is_time(value: str) -> bool:
    if not _TIME.match(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _day(value: str) -> str | None:
    """The day that a text begins with."""
    try:
        return date.fromisoformat(value[:10]).isoformat() if value[4:5] == "-" else None
    except ValueError:
        return None
