"""Filters built in Python: ``field("age") >= 18``.

A value is never read as operators here, whatever it is, so this is the form for input
from outside: ``field("name") == {"$gt": ""}`` is an error and not a way in.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, Generic, NoReturn, TypeVar

from interstore.errors import InvalidQueryError
from interstore.filters.parse import parse_filter
from interstore.filters.references import parse_path, shown
from interstore.filters.tree import Node, TypeName
from interstore.filters.written import Written
from interstore.paths import Envelope, Reference, show_path

__all__ = ["ElementCondition", "Expression", "Field", "element", "field"]

Built = TypeVar("Built", "Expression", "ElementCondition")


class Expression(Written):
    """A filter that `field` began; ``&`` is and, ``|`` is or, ``~`` is not."""

    __slots__ = ()

    def __and__(self, other: object) -> Expression:
        return self._joined("$and", other) if isinstance(other, Expression) else NotImplemented

    def __or__(self, other: object) -> Expression:
        return self._joined("$or", other) if isinstance(other, Expression) else NotImplemented

    def __invert__(self) -> Expression:
        if list(self.filter) == ["$nor"] and len(self.filter["$nor"]) == 1:
            inner: Mapping[Any, Any] = self.filter["$nor"][0]
            return Expression(inner)
        return Expression({"$nor": [self.filter]})

    def _joined(self, operator: str, other: Expression) -> Expression:
        filters: list[Any] = []
        for side in (self.filter, other.filter):
            # Chains stay flat: a | b | c is one level, not two.
            filters.extend(side[operator] if list(side) == [operator] else [side])
        return Expression({operator: filters})

    @property
    def node(self) -> Node:
        """The tree that the expression means."""
        return parse_filter(self)

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "a filter expression is neither true nor false: join with & | ~ and parentheses, as "
            "in (field('a') > 1) & (field('b') == 2), not with and, or, not"
        )

    def __repr__(self) -> str:
        return f"Expression({dict(self.filter)!r})"


class ElementCondition:
    """What `element` began: operators on one element of an array, joined by ``&``."""

    __slots__ = ("condition",)

    def __init__(self, condition: dict[str, Any]) -> None:
        self.condition = condition

    def __and__(self, other: object) -> ElementCondition:
        if not isinstance(other, ElementCondition):
            return NotImplemented
        for operator in other.condition:
            if operator in self.condition:
                raise InvalidQueryError(
                    f"element(): {operator} can stand only once; several values that it is not "
                    "are .not_in([...])"
                )
        return ElementCondition({**self.condition, **other.condition})

    __bool__ = Expression.__bool__

    def __repr__(self) -> str:
        return f"ElementCondition({self.condition!r})"


class _Operators(ABC, Generic[Built]):
    """The operators, each of which `_build` makes a condition of."""

    __slots__ = ()

    @abstractmethod
    def _build(self, operator: str, operand: Any) -> Built: ...

    def __eq__(self, value: object) -> Built:  # type: ignore[override]
        return self._build("$eq", value)

    def __ne__(self, value: object) -> Built:  # type: ignore[override]
        return self._build("$ne", value)

    def __lt__(self, value: Any) -> Built:
        return self._build("$lt", value)

    def __le__(self, value: Any) -> Built:
        return self._build("$lte", value)

    def __gt__(self, value: Any) -> Built:
        return self._build("$gt", value)

    def __ge__(self, value: Any) -> Built:
        return self._build("$gte", value)

    __hash__ = None  # type: ignore[assignment]

    def in_(self, values: Iterable[Any]) -> Built:
        """Equal to one of the values."""
        return self._build("$in", _listed(values))

    def not_in(self, values: Iterable[Any]) -> Built:
        """Equal to none of the values."""
        return self._build("$nin", _listed(values))

    def type(self, *names: TypeName) -> Built:
        """Of one of these types."""
        return self._build("$type", list(names))

    def starts_with(self, text: str) -> Built:
        """A string that begins with `text`."""
        return self._build("$startsWith", text)

    def ends_with(self, text: str) -> Built:
        """A string that ends with `text`."""
        return self._build("$endsWith", text)

    def contains(self, text: str) -> Built:
        """A string that holds `text`. (An array that holds a value: `has`.)"""
        return self._build("$contains", text)

    def matches(self, pattern: str | re.Pattern[str], *, ignore_case: bool = False) -> Built:
        """A string in which the portable regular expression finds a match."""
        if isinstance(pattern, re.Pattern) and ignore_case:
            pattern = re.compile(pattern.pattern, pattern.flags | re.IGNORECASE)
        return self._build(
            "$regex", [pattern, "i"] if ignore_case and isinstance(pattern, str) else pattern
        )

    def has(self, value: Any) -> Built:
        """An array with an element equal to the value."""
        return self._build("$has", value)

    def has_all(self, values: Iterable[Any]) -> Built:
        """An array that has every one of the values. None of none: ``[]`` matches nothing."""
        return self._build("$all", _listed(values))

    def size(self, length: int) -> Built:
        """An array of this length."""
        return self._build("$size", length)

    def elem_match(self, condition: Expression | ElementCondition) -> Built:
        """An array of which one element satisfies the whole condition.

        Args:
            condition: of `field` with paths relative to the element, or of `element`.
        """
        if isinstance(condition, ElementCondition):
            return self._build("$elemMatch", condition.condition)
        if isinstance(condition, Expression):
            return self._build("$elemMatch", condition.filter)
        raise InvalidQueryError(
            f"elem_match takes an expression of field() or element(), not {shown(condition)}"
        )


class Field(_Operators[Expression]):
    """A path, waiting for its condition."""

    __slots__ = ("path",)

    def __init__(self, path: Reference) -> None:
        self.path = path

    def exists(self, value: bool = True) -> Expression:
        """There is a value, be it null; with ``False``, there is none."""
        return self._build("$exists", value)

    def _build(self, operator: str, operand: Any) -> Expression:
        if isinstance(self.path, Envelope):
            # Inside elem_match the same name is a plain key: only its use can tell.
            return Expression({self.path.value: {operator: operand}})
        expression = Expression({self.path: {operator: operand}})
        parse_filter(expression)
        return expression

    def __repr__(self) -> str:
        return f"field({show_path(self.path)!r})"


class _Element(_Operators[ElementCondition]):
    __slots__ = ()

    def _build(self, operator: str, operand: Any) -> ElementCondition:
        parse_filter({"element()": {"$elemMatch": {operator: operand}}})
        return ElementCondition({operator: operand})

    def __repr__(self) -> str:
        return "element()"


def field(path: str | tuple[str | int, ...], *steps: str | int) -> Field:
    """The start of an expression: ``field("address.city") == "Paris"``.

    Args:
        path: as a filter has it, a string or a tuple.
        steps: if given, `path` and these are the steps, taken as they are:
            ``field("a", "b.c", 0)``.

    Raises:
        InvalidQueryError: the path is malformed. Every operator raises it for an operand
            that is not of the language.
    """
    return Field(parse_path((path, *steps) if steps else path))


def element() -> _Element:
    """An element of an array, for `Field.elem_match`: ``(element() >= 5) & (element() < 9)``."""
    return _Element()


def _listed(values: Any) -> Any:
    """`values` as a list, unless it is plainly no list of values: the parser refuses that."""
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        return values
    return list(values)
