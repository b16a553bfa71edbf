"""Expressions as functions: each takes the names in force, and gives a value.

Names are the aliases of FROM, results of aggregates with a `#`, and as `@` what all rows share.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from tests.servers.cosmosdb.gateway.sql import nodes
from tests.servers.cosmosdb.gateway.sql.functions import AGGREGATES, FUNCTIONS
from tests.servers.cosmosdb.gateway.sql.lexer import SqlError
from tests.servers.cosmosdb.gateway.sql.values import UNDEFINED, equal, kind, less, number

__all__ = ["Common", "Compiler", "Function", "Names", "RunQuery"]

Names: TypeAlias = Mapping[str, Any]
Function: TypeAlias = Callable[[Names], Any]
RunQuery: TypeAlias = Callable[[nodes.Query, frozenset[str]], Callable[[Names], list[Any]]]
"""Compiles a subquery, with the aliases that it finds around it."""


class Common:
    """What is the same for all rows of one run.

    Attributes:
        parameters: values by name, with the `@`.
        memory: what was worked out once, by whom.
    """

    __slots__ = ("memory", "parameters")

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.parameters = parameters
        self.memory: dict[Function, _Values] = {}


class Compiler:
    """For the expressions of one query.

    Args:
        run: for subqueries.
        scope: the aliases that may be named.
        allow_aggregates: whether COUNT and its like may be.

    Attributes:
        aggregates: those met so far, as name and argument: their results are to be among the
            names, as `#0`, `#1` ….
    """

    def __init__(
        self, run: RunQuery, scope: frozenset[str], *, allow_aggregates: bool = False
    ) -> None:
        self._run = run
        self._scope = scope
        self._allow_aggregates = allow_aggregates
        self.aggregates: list[tuple[str, Function]] = []

    def compile(self, node: nodes.Expression) -> Function:
        """Raises SqlError for a function or a name that there is not."""
        match node:
            case nodes.Literal(value):
                return lambda names: value
            case nodes.Parameter(name):
                return _parameter(name)
            case nodes.Name(name):
                return self._name(name)
            case nodes.Index():
                return self._index(node)
            case nodes.Unary(operator, of):
                return _unary(operator, self.compile(of))
            case nodes.Binary(operator, left, right):
                return _binary(operator, self.compile(left), self.compile(right))
            case nodes.Between() | nodes.In() | nodes.Like():
                return self._predicate(node)
            case nodes.Call():
                return self._call(node)
            case nodes.Conditional(test, yes, no):
                return _conditional(self.compile(test), self.compile(yes), self.compile(no))
            case nodes.ArrayOf() | nodes.ObjectOf():
                return self._literal(node)
            case nodes.Subquery(kind, query):
                return _subquery(kind, self._run(query, self._scope))

    def _name(self, name: str) -> Function:
        if name not in self._scope:
            raise SqlError(f"Identifier '{name}' could not be resolved.", "SC2001")
        return lambda names: names[name]

    def _literal(self, node: nodes.ArrayOf | nodes.ObjectOf) -> Function:
        if isinstance(node, nodes.ArrayOf):
            return _array([self.compile(item) for item in node.items])
        return _object([(key, self.compile(value)) for key, value in node.fields])

    def _index(self, node: nodes.Index) -> Function:
        of = self.compile(node.of)
        if not isinstance(node.at, nodes.Literal):
            at = self.compile(node.at)
            return lambda names: step(of(names), at(names))
        key = node.at.value
        if isinstance(key, str):
            return _member(of, key)
        return lambda names: step(of(names), key)

    def _predicate(self, node: nodes.Between | nodes.In | nodes.Like) -> Function:
        of = self.compile(node.of)
        if isinstance(node, nodes.Between):
            found = _between(of, self.compile(node.low), self.compile(node.high))
        elif isinstance(node, nodes.In):
            found = _in(of, [self.compile(item) for item in node.items], constant(node.items))
        else:
            found = _like(of, self.compile(node.pattern), node.escape)
        return _unary("NOT", found) if node.negated else found

    def _call(self, node: nodes.Call) -> Function:
        name = node.name.upper()
        arguments = [self.compile(argument) for argument in node.arguments]
        if name == "ARRAY_CONTAINS" and len(arguments) == 2 and constant(node.arguments[:1]):
            return _listed(*arguments)
        if name in AGGREGATES and len(arguments) == 1:
            if not self._allow_aggregates:
                raise SqlError(f"Cannot perform an aggregate function ({name}) here.", "SC2103")
            self.aggregates.append((name, arguments[0]))
            result = f"#{len(self.aggregates) - 1}"
            return lambda names: names[result]
        if name not in FUNCTIONS:
            raise SqlError(f"'{node.name}' is not a recognized built-in function name.", "SC2005")
        function, least, most = FUNCTIONS[name]
        if not least <= len(arguments) <= most:
            raise SqlError(f"The {name} function requires {least} argument(s).", "SC2050")
        if len(arguments) == 1:
            only = arguments[0]
            return lambda names: function(only(names))
        return lambda names: function(*[argument(names) for argument in arguments])


def step(value: Any, at: Any) -> Any:
    """One step of a path: text into objects, whole numbers into arrays."""
    if isinstance(value, dict) and isinstance(at, str):
        return value.get(at, UNDEFINED)
    if isinstance(value, list) and type(at) is int and 0 <= at < len(value):
        return value[at]
    return UNDEFINED


def _member(of: Function, key: str) -> Function:
    def member(names: Names) -> Any:
        value = of(names)
        return value.get(key, UNDEFINED) if isinstance(value, dict) else UNDEFINED

    return member


def _parameter(name: str) -> Function:
    def parameter(names: Names) -> Any:
        # The service: a parameter that was not given a value is undefined.
        return names["@"].parameters.get(name, UNDEFINED)

    return parameter


def _unary(operator: str, of: Function) -> Function:
    def negate(names: Names) -> Any:
        value = of(names)
        return not value if isinstance(value, bool) else UNDEFINED

    def signed(names: Names) -> Any:
        value = of(names)
        if not number(value):
            return UNDEFINED
        return _double(-value if operator == "-" else value)

    def inverted(names: Names) -> Any:
        value = of(names)
        return ~int(value) if number(value) else UNDEFINED

    return {"NOT": negate, "~": inverted}.get(operator, signed)


def _and(left: Function, right: Function) -> Function:
    def both(names: Names) -> Any:
        first = left(names)
        if first is False:
            return False
        second = right(names)
        if second is False:
            return False
        return True if first is True and second is True else UNDEFINED

    return both


def _or(left: Function, right: Function) -> Function:
    def either(names: Names) -> Any:
        first = left(names)
        if first is True:
            return True
        second = right(names)
        if second is True:
            return True
        return False if first is False and second is False else UNDEFINED

    return either


def _coalesce(left: Function, right: Function) -> Function:
    def coalesced(names: Names) -> Any:
        value = left(names)
        return right(names) if value is UNDEFINED else value

    return coalesced


def _nested(value: Any) -> bool:
    """Two arrays or objects are equal or not, but `!=` is as undefined on them as `<`."""
    return isinstance(value, (list, dict))


def _not(value: Any) -> Any:
    return value if value is UNDEFINED else not value


COMPARISONS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "=": equal,
    "!=": lambda left, right: UNDEFINED if _nested(left) else _not(equal(left, right)),
    "<": less,
    ">": lambda left, right: less(right, left),
    "<=": lambda left, right: _not(less(right, left)),
    ">=": lambda left, right: _not(less(left, right)),
}

ARITHMETIC: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right if right else UNDEFINED,
    "%": lambda left, right: math.fmod(left, right) if right else UNDEFINED,
    "&": lambda left, right: int(left) & int(right),
    "|": lambda left, right: int(left) | int(right),
    "^": lambda left, right: int(left) ^ int(right),
    "<<": lambda left, right: int(left) << (int(right) & 31),
    ">>": lambda left, right: int(left) >> (int(right) & 31),
    ">>>": lambda left, right: (int(left) & 0xFFFFFFFF) >> (int(right) & 31),
}


def _double(value: Any) -> Any:
    """Numbers are doubles: a whole one is given as an integer, what is no number as undefined."""
    if value is UNDEFINED:
        return value
    try:
        value = float(value)
    except OverflowError:
        return UNDEFINED
    if not math.isfinite(value):
        return UNDEFINED
    return int(value) if value.is_integer() and abs(value) < 1e21 else value


def _binary(operator: str, left: Function, right: Function) -> Function:
    if operator in ("AND", "OR", "??"):
        return {"AND": _and, "OR": _or, "??": _coalesce}[operator](left, right)
    if operator in COMPARISONS:
        compare = COMPARISONS[operator]
        return lambda names: compare(left(names), right(names))
    if operator == "||":

        def joined(names: Names) -> Any:
            first, second = left(names), right(names)
            texts = isinstance(first, str) and isinstance(second, str)
            return first + second if texts else UNDEFINED

        return joined
    compute = ARITHMETIC[operator]

    def computed(names: Names) -> Any:
        first, second = left(names), right(names)
        return _double(compute(first, second)) if number(first) and number(second) else UNDEFINED

    return computed


def _between(of: Function, low: Function, high: Function) -> Function:
    def between(names: Names) -> Any:
        value = of(names)
        above = _not(less(value, low(names)))
        below = _not(less(high(names), value))
        if above is False or below is False:
            return False
        return True if above is True and below is True else UNDEFINED

    return between


def constant(items: Sequence[nodes.Expression]) -> bool:
    """Whether they are the same for all rows."""
    return all(isinstance(item, (nodes.Literal, nodes.Parameter)) for item in items)


class _Values:
    """To be looked for among many values: scalars at once, arrays and objects one by one."""

    def __init__(self, values: Iterable[Any]) -> None:
        self._scalars = set()
        self._others = []
        for value in values:
            if isinstance(value, (list, dict)):
                self._others.append(value)
            else:
                self._scalars.add((kind(value), value))

    def has(self, value: Any) -> bool:
        if isinstance(value, (list, dict)):
            return any(equal(value, other) is True for other in self._others)
        return (kind(value), value) in self._scalars


def _remembered(names: Names, owner: Function, make: Callable[[], _Values]) -> _Values:
    memory: dict[Function, _Values] = names["@"].memory
    if owner not in memory:
        memory[owner] = make()
    return memory[owner]


def _in(of: Function, items: list[Function], same: bool) -> Function:
    def contained(names: Names) -> Any:
        value = of(names)
        if value is UNDEFINED:
            return UNDEFINED
        if not same:
            return any(equal(value, item(names)) is True for item in items)
        return _remembered(names, contained, lambda: _Values(item(names) for item in items)).has(
            value
        )

    return contained


def _listed(values: Function, sought: Function) -> Function:
    """ARRAY_CONTAINS of an array that is the same for all rows."""

    def contained(names: Names) -> Any:
        array, value = values(names), sought(names)
        if not isinstance(array, list) or value is UNDEFINED:
            return UNDEFINED
        return _remembered(names, contained, lambda: _Values(array)).has(value)

    return contained


def _like(of: Function, pattern: Function, escape: str | None) -> Function:
    def like(names: Names) -> Any:
        value, text = of(names), pattern(names)
        if not isinstance(value, str) or not isinstance(text, str):
            return UNDEFINED
        return re.fullmatch(_like_pattern(text, escape), value, re.DOTALL) is not None

    return like


def _like_pattern(text: str, escape: str | None) -> str:
    pattern = ""
    characters = iter(text)
    for character in characters:
        if character == escape:
            pattern += re.escape(next(characters, ""))
        else:
            pattern += {"%": ".*", "_": "."}.get(character, re.escape(character))
    return pattern


def _conditional(test: Function, yes: Function, no: Function) -> Function:
    return lambda names: yes(names) if test(names) is True else no(names)


def _array(items: list[Function]) -> Function:
    return lambda names: [value for item in items if (value := item(names)) is not UNDEFINED]


def _object(fields: list[tuple[str, Function]]) -> Function:
    return lambda names: {
        key: value for key, field in fields if (value := field(names)) is not UNDEFINED
    }


def _subquery(kind: str, run: Callable[[Names], list[Any]]) -> Function:
    if kind == "exists":
        return lambda names: bool(run(names))
    if kind == "array":
        return run

    def scalar(names: Names) -> Any:
        rows = run(names)
        return rows[0] if len(rows) == 1 else UNDEFINED

    return scalar
