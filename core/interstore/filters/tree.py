"""The tree that a filter is parsed to, and that each engine translates.

A leaf holds its path and canonical operands: texts, booleans, ``None``, integers within
2**53 - 1, finite floats. Every leaf is two-valued: it is true or false of a document,
never unknown. What can be said with another node has no node of its own: ``$ne`` is
``Not(Eq(...))``, ``$nin`` is ``Not(In(...))``, ``$exists: false`` is ``Not(Exists(...))``,
``$all`` is an ``And`` of `Has`.

Leaves on an `Envelope` field are only `Eq`, `In`, `Range` (all of them), `Text` and
`Regex` (`Envelope.ID`), `Exists` (`Envelope.EXPIRES_AT`). Their operands have the field's
type: text for the id and for times (canonical text), a number for the version; ``None``
only for `Envelope.EXPIRES_AT`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from interstore.paths import Reference

if TYPE_CHECKING:
    from interstore.filters.regex import PortableRegex

__all__ = [
    "ALL",
    "NONE",
    "And",
    "Bound",
    "ElemMatch",
    "Eq",
    "Exists",
    "Has",
    "In",
    "Node",
    "Not",
    "Or",
    "Range",
    "Regex",
    "Scalar",
    "Size",
    "Text",
    "Type",
    "TypeName",
]

Scalar: TypeAlias = bool | int | float | str | None
TypeName: TypeAlias = Literal["null", "bool", "number", "string", "array", "object"]


@dataclass(frozen=True, slots=True)
class And:
    """Every node is true. ``And(())`` is true of every document."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one node is true. ``Or(())`` is true of none."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The exact complement of the node."""

    node: Node


@dataclass(frozen=True, slots=True)
class Eq:
    """The value is of the operand's class and equal.

    ``None`` matches null and a missing value. A tuple matches an array of the same length
    whose elements are equal one by one (there ``None`` matches null only).
    """

    path: Reference
    value: Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class In:
    """The value is `Eq` to one of the scalars. The empty tuple matches nothing."""

    path: Reference
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of a range."""

    value: int | float | str
    inclusive: bool


@dataclass(frozen=True, slots=True)
class Range:
    """The value is of the bounds' class (number or string) and lies between them.

    At least one bound is given; both are of one class. Numbers compare as IEEE doubles,
    strings by code point.
    """

    path: Reference
    lower: Bound | None
    upper: Bound | None


@dataclass(frozen=True, slots=True)
class Exists:
    """The value is not missing. An explicit null exists."""

    path: Reference


@dataclass(frozen=True, slots=True)
class Type:
    """The value's class is one of `types` (at least one). A missing value has no class."""

    path: Reference
    types: frozenset[TypeName]


@dataclass(frozen=True, slots=True)
class Text:
    """The value is a string that begins with, ends with or contains `value`."""

    path: Reference
    kind: Literal["startsWith", "endsWith", "contains"]
    value: str


@dataclass(frozen=True, slots=True)
class Regex:
    """The value is a string in which the portable regex finds a match."""

    path: Reference
    pattern: PortableRegex


@dataclass(frozen=True, slots=True)
class Has:
    """The value is an array with an element equal to the scalar (``None``: explicit null)."""

    path: Reference
    value: Scalar


@dataclass(frozen=True, slots=True)
class Size:
    """The value is an array of `length` elements."""

    path: Reference
    length: int


@dataclass(frozen=True, slots=True)
class ElemMatch:
    """The value is an array and one element satisfies `node`, whose paths are relative to it.

    With `as_value`, every element is a candidate and the leaves' paths are ``()``.
    Without, only objects and arrays are candidates.
    """

    path: Reference
    node: Node
    as_value: bool


Node: TypeAlias = (
    And | Or | Not | Eq | In | Range | Exists | Type | Text | Regex | Has | Size | ElemMatch
)

ALL: Final = And(())
"""True of every document."""

NONE: Final = Or(())
"""True of none."""
