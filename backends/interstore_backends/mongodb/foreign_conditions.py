"""What of a filter MongoDB looks up in a collection of others: conditions that let too much
through at most, and that its indexes serve. Core decides the rest.

A document's text may be a string, or a value of another type that is presented as text; each
type has its own stretch of an index, so a condition names those that can be meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from bson.binary import Binary
from bson.datetime_ms import DatetimeMS
from bson.objectid import ObjectId

from interstore.filters.tree import Bound, Eq, In, Node, Range, Scalar, Text
from interstore.foreign import IdType, Renaming, Span, native_id
from interstore.foreign_filters import ID_NUMBER, as_range, integer_ids, narrowed
from interstore.foreign_values import read_float
from interstore.paths import Envelope, Reference
from interstore_backends.mongodb.foreign_values import as_date, as_decimal, bson_id

__all__ = ["Condition", "condition", "dotted", "span_condition"]

Condition: TypeAlias = dict[str, Any]

_INT64: Final = 2**63
_NOTHING: Final[Condition] = {"_id": {"$in": []}}
_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\Z")
_TEXTS: Final = ["objectId", "decimal", "binData"]
_ODD_FLOATS: Final = [float("nan"), float("inf"), float("-inf")]
_UNDEFINED: Final = 6
_YEAR_10000: Final = DatetimeMS(253_402_300_800_000)


def condition(renaming: Renaming, kind: IdType, tree: Node) -> Condition | None:
    """What every document meets that satisfies `tree` as it is presented; ``None`` for all."""
    if kind == "int":
        tree = integer_ids(tree)

    def leaf(node: Node) -> Condition | None:
        return _leaf(renaming, kind, node)

    return narrowed(tree, leaf, _every, _some)


def _every(terms: list[Condition]) -> Condition:
    return {"$and": terms}


def _some(terms: list[Condition]) -> Condition:
    return {"$or": terms} if terms else _NOTHING


def span_condition(id: str, kind: IdType, span: Span) -> Condition | None:
    """That a document lies in the span."""
    bounds: Condition = {}
    ends = ((span.after, "", span.descending), (span.until, "e", not span.descending))
    for end, inclusive, below in ends:
        if end is None:
            continue
        bound = bson_id(kind, end)
        if bound is None:  # an integer beyond all
            if (int(end) > 0) != below:
                return _NOTHING
            continue
        bounds[f"${'lt' if below else 'gt'}{inclusive}"] = bound
    return {id: bounds} if bounds else None


def dotted(renaming: Renaming, path: Reference) -> str | None:
    """A path as MongoDB writes it; ``None`` if it cannot, or would mean something else."""
    if isinstance(path, Envelope) or not path or not all(isinstance(step, str) for step in path):
        return None
    first, *others = [str(step) for step in path]
    native = renaming.native(first)
    if native is None:
        return None
    steps = [native, *others]
    if any(not step or step[0] == "$" or "." in step or step.isdecimal() for step in steps):
        return None
    return ".".join(steps)


def _leaf(renaming: Renaming, kind: IdType, node: Node) -> Condition | None:
    if not isinstance(node, (Eq, In, Range, Text)):
        return None
    if node.path is Envelope.ID or node.path is ID_NUMBER:
        return _on_id(renaming.id, kind, node)
    path = dotted(renaming, node.path)
    if path is None:
        return None
    if isinstance(node, Eq):
        return None if isinstance(node.value, tuple) else _equal(path, (node.value,))
    if isinstance(node, In):
        return _equal(path, node.values)
    if isinstance(node, Range):
        bound = node.lower or node.upper
        assert bound is not None
        if isinstance(bound.value, str):
            return _texts(path, node.lower, node.upper)
        return _numbers(path, node.lower, node.upper)
    prefix = as_range(node)
    return None if prefix is None else _texts(path, prefix.lower, prefix.upper)


def _on_id(id: str, kind: IdType, node: Eq | In | Range | Text) -> Condition | None:
    if isinstance(node, (Eq, In)):
        values: Iterable[Any] = (node.value,) if isinstance(node, Eq) else node.values
        found = [native_id(kind, value) for value in values if isinstance(value, str)]
        ids = [bson_id(kind, each) for each in found if each is not None]
        return {id: {"$in": [each for each in ids if each is not None]}}
    if not isinstance(node, Range):
        return None
    if kind == "int":
        return _numbers(id, node.lower, node.upper)
    return {id: _bounds(node.lower, node.upper)} if kind == "string" else None


def _bounds(lower: Bound | None, upper: Bound | None) -> Condition:
    bounds: Condition = {}
    if lower is not None:
        bounds["$gte" if lower.inclusive else "$gt"] = lower.value
    if upper is not None:
        bounds["$lte" if upper.inclusive else "$lt"] = upper.value
    return bounds


def _equal(path: str, values: tuple[Scalar, ...]) -> Condition | None:
    wanted: list[Any] = []
    terms: list[Condition] = []
    for value in values:
        if value is None:
            if "." in path:
                return None  # missing below an array is no null to MongoDB
            wanted.append(None)
            terms.append({path: {"$type": _UNDEFINED}})
        elif isinstance(value, str):
            if value.endswith(" ms"):
                return None
            wanted += _presented_as(value)
            if _BASE64.match(value):
                terms.append({path: {"$type": "binData"}})
        elif isinstance(value, int) and not -_INT64 <= value < _INT64:
            return None
        else:
            wanted.append(value)
    if wanted:
        terms.insert(0, {path: wanted[0] if len(wanted) == 1 else {"$in": wanted}})
    if not terms:
        return _NOTHING
    return terms[0] if len(terms) == 1 else {"$or": terms}


def _presented_as(text: str) -> list[Any]:
    """The values that are presented as `text`, binary ones left aside."""
    found: list[Any] = [text]
    if ObjectId.is_valid(text) and len(text) == 24:
        found.append(ObjectId(text))
    uuid = native_id("uuid", text)
    if uuid is not None:
        found.append(bson_id("uuid", uuid))
    found += [each for each in (as_date(text), as_decimal(text), read_float(text)) if each]
    return [each for each in found if not isinstance(each, Binary) or each.subtype == 4]


def _numbers(path: str, lower: Bound | None, upper: Bound | None) -> Condition | None:
    bounds: Condition = {}
    for bound, sign in ((lower, "$gt"), (upper, "$lt")):
        if bound is None:
            continue
        value, inclusive = bound.value, "e" if bound.inclusive else ""
        if isinstance(value, int) and not -_INT64 <= value < _INT64:
            try:
                value, inclusive = float(value), "e"
            except OverflowError:
                return None
        bounds[sign + inclusive] = value
    return {path: bounds}


def _texts(path: str, lower: Bound | None, upper: Bound | None) -> Condition:
    """Strings of the range, dates of the range, and all others that are presented as text."""
    bounds = _bounds(lower, upper)
    if lower is None:
        bounds["$gte"] = ""
    terms: list[Condition] = [
        {path: bounds},
        {path: {"$type": _TEXTS}},
        {path: {"$in": _ODD_FLOATS}},
    ]
    dates: Condition = {}
    for bound, sign in ((lower, "$gte"), (upper, "$lte")):
        moment = None if bound is None else _moment(str(bound.value))
        if bound is not None and moment is None:
            dates = {"$type": "date"}
            break
        if moment is not None:
            # A date has milliseconds; the text may have more.
            whole = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
            dates[sign] = whole if sign == "$gte" else _later(whole)
    terms.append({path: dates})
    if "$lte" in dates:
        terms.append({path: {"$gte": _YEAR_10000}})
    return {"$or": terms}


def _moment(text: str) -> datetime | None:
    """The time that a canonical text is, or ``None``."""
    if as_date(text[:23] + "000Z") is None or len(text) != 27:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _later(moment: datetime) -> datetime:
    try:
        return moment + timedelta(milliseconds=1)
    except OverflowError:
        return moment
