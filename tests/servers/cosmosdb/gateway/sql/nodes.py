"""The tree of a query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = [
    "ArrayOf",
    "Between",
    "Binary",
    "Call",
    "Conditional",
    "Expression",
    "Fields",
    "In",
    "Index",
    "Like",
    "Literal",
    "Name",
    "ObjectOf",
    "OrderKey",
    "Parameter",
    "Query",
    "Select",
    "Source",
    "Star",
    "Subquery",
    "Unary",
    "Value",
]


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; `undefined` is UNDEFINED."""

    value: Any


@dataclass(frozen=True, slots=True)
class Parameter:
    """Written `@name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Name:
    """An alias of FROM."""

    name: str


@dataclass(frozen=True, slots=True)
class Index:
    """Written `of.key` if dotted, `of["key"]` or `of[0]` otherwise."""

    of: Expression
    at: Expression
    dotted: bool = False


@dataclass(frozen=True, slots=True)
class Unary:
    """NOT, -, + or ~."""

    operator: str
    of: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    """Operators in capitals."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Between:
    of: Expression
    low: Expression
    high: Expression
    negated: bool


@dataclass(frozen=True, slots=True)
class In:
    of: Expression
    items: tuple[Expression, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class Like:
    of: Expression
    pattern: Expression
    escape: str | None
    negated: bool


@dataclass(frozen=True, slots=True)
class Call:
    """Of a system function, by the name as it was written."""

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Conditional:
    """Written `test ? yes : no`."""

    test: Expression
    yes: Expression
    no: Expression


@dataclass(frozen=True, slots=True)
class ArrayOf:
    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class ObjectOf:
    fields: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True, slots=True)
class Subquery:
    """Kind: `exists`, `array` or `scalar`."""

    kind: str
    query: Query


Expression: TypeAlias = (
    Literal
    | Parameter
    | Name
    | Index
    | Unary
    | Binary
    | Between
    | In
    | Like
    | Call
    | Conditional
    | ArrayOf
    | ObjectOf
    | Subquery
)


@dataclass(frozen=True, slots=True)
class Star:
    """`SELECT *`."""


@dataclass(frozen=True, slots=True)
class Value:
    """`SELECT VALUE …`."""

    expression: Expression


@dataclass(frozen=True, slots=True)
class Fields:
    """`SELECT a, b AS c`: each with its alias, if one was written."""

    items: tuple[tuple[Expression, str | None], ...]


Select: TypeAlias = Star | Value | Fields


@dataclass(frozen=True, slots=True)
class Source:
    """One of FROM or JOIN.

    Attributes:
        alias: how it is called in the query.
        of: a path or a subquery; a bare name in the first of a query is the container.
        each: whether its elements are meant (`alias IN of`), not itself.
    """

    alias: str
    of: Expression
    each: bool


@dataclass(frozen=True, slots=True)
class OrderKey:
    expression: Expression
    direction: str | None

    @property
    def descending(self) -> bool:
        return self.direction == "DESC"


@dataclass(frozen=True, slots=True)
class Query:
    select: Select
    distinct: bool = False
    top: Expression | None = None
    sources: tuple[Source, ...] = ()
    where: Expression | None = None
    group_by: tuple[Expression, ...] = ()
    order_by: tuple[OrderKey, ...] = ()
    offset: Expression | None = None
    limit: Expression | None = None
