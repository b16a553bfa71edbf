"""From text to tree, in one pass, in time proportional to the text."""

from __future__ import annotations

from functools import lru_cache

from tests.servers.cosmosdb.gateway.sql.lexer import SqlError, Token, tokens
from tests.servers.cosmosdb.gateway.sql.nodes import (
    ArrayOf,
    Between,
    Binary,
    Call,
    Conditional,
    Expression,
    Fields,
    In,
    Index,
    Like,
    Literal,
    Name,
    ObjectOf,
    OrderKey,
    Parameter,
    Query,
    Select,
    Source,
    Star,
    Subquery,
    Unary,
    Value,
)
from tests.servers.cosmosdb.gateway.sql.values import UNDEFINED

__all__ = ["parse", "parse_condition"]

LEVELS: tuple[frozenset[str], ...] = (
    frozenset(["??"]),
    frozenset(["OR"]),
    frozenset(["AND"]),
    frozenset(["=", "!=", "<>", "<", "<=", ">", ">="]),
    frozenset(["|"]),
    frozenset(["^"]),
    frozenset(["&"]),
    frozenset(["<<", ">>", ">>>"]),
    frozenset(["+", "-", "||"]),
    frozenset(["*", "/", "%"]),
)
"""Binary operators, the loosest first."""

COMPARISON = 3

CONSTANTS = {"TRUE": True, "FALSE": False, "NULL": None, "UNDEFINED": UNDEFINED}


@lru_cache(maxsize=2000)
def parse(text: str) -> Query:
    """A whole query.

    Raises:
        SqlError: it is none.
    """
    parser = _Parser(text)
    query = parser.query()
    parser.end()
    return query


@lru_cache(maxsize=2000)
def parse_condition(text: str) -> Query:
    """The condition of a patch, `FROM c WHERE …`, as a query that selects what meets it."""
    return parse(f"SELECT VALUE 1 {text}")


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._at = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _advance(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _is(self, *texts: str) -> bool:
        token = self._next
        return token.kind in ("keyword", "symbol") and token.text in texts

    def _take(self, *texts: str) -> bool:
        if self._is(*texts):
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise self._error()

    def _error(self) -> SqlError:
        token = self._next
        near = token.value if token.kind == "keyword" else token.text
        return SqlError(
            f"Syntax error, incorrect syntax near '{near}'.", "SC1001", token.start, token.end
        )

    def _name(self) -> str:
        if self._next.kind != "name":
            raise self._error()
        return self._advance().text

    def end(self) -> None:
        if self._next.kind != "end":
            raise self._error()

    def query(self) -> Query:
        self._expect("SELECT")
        distinct = self._take("DISTINCT")
        top = self._count() if self._take("TOP") else None
        select = self._select()
        sources = self._sources() if self._take("FROM") else ()
        where = self.expression() if self._take("WHERE") else None
        group_by: tuple[Expression, ...] = ()
        if self._take("GROUP"):
            self._expect("BY")
            group_by = tuple(self._listed())
        order_by: tuple[OrderKey, ...] = ()
        if self._take("ORDER"):
            self._expect("BY")
            order_by = self._order_by()
        offset = limit = None
        if self._take("OFFSET"):
            offset = self._count()
            self._expect("LIMIT")
            limit = self._count()
        return Query(select, distinct, top, sources, where, group_by, order_by, offset, limit)

    def _count(self) -> Expression:
        token = self._next
        if token.kind == "number":
            if not isinstance(token.value, int):
                raise SqlError(
                    "The count value provided for a TOP clause must be an integer.",
                    "SC2060",
                    token.start,
                    token.end,
                )
            return Literal(self._advance().value)
        if token.kind == "parameter":
            return Parameter(self._advance().text)
        raise self._error()

    def _select(self) -> Select:
        if self._take("*"):
            return Star()
        if self._take("VALUE"):
            return Value(self.expression())
        items = [self._item()]
        while self._take(","):
            items.append(self._item())
        return Fields(tuple(items))

    def _item(self) -> tuple[Expression, str | None]:
        expression = self.expression()
        if self._take("AS") or self._next.kind == "name":
            return expression, self._name()
        return expression, None

    def _sources(self) -> tuple[Source, ...]:
        sources = [self._source()]
        while self._take("JOIN"):
            sources.append(self._source())
        return tuple(sources)

    def _source(self) -> Source:
        if self._next.kind == "name" and self._tokens[self._at + 1].text == "IN":
            alias = self._name()
            self._expect("IN")
            return Source(alias, self._collection(), each=True)
        of = self._collection()
        if self._take("AS") or self._next.kind == "name":
            return Source(self._name(), of, each=False)
        return Source(_implied_alias(of), of, each=False)

    def _collection(self) -> Expression:
        if self._is("("):
            self._advance()
            query = self.query()
            self._expect(")")
            return Subquery("array", query)
        start: Expression
        if self._next.kind == "parameter":
            start = Parameter(self._advance().text)
        else:
            start = Name(self._name())
        return self._steps(start)

    def _order_by(self) -> tuple[OrderKey, ...]:
        keys = [self._order_key()]
        while self._take(","):
            keys.append(self._order_key())
        return tuple(keys)

    def _order_key(self) -> OrderKey:
        expression = self.expression()
        direction = self._advance().text if self._is("ASC", "DESC") else None
        return OrderKey(expression, direction)

    def _listed(self) -> list[Expression]:
        items = [self.expression()]
        while self._take(","):
            items.append(self.expression())
        return items

    def expression(self) -> Expression:
        expression = self._binary(0)
        if self._take("?"):
            yes = self.expression()
            self._expect(":")
            return Conditional(expression, yes, self.expression())
        return expression

    def _binary(self, level: int) -> Expression:
        """Precedence climbing: a few calls for each parenthesis, however many levels there are."""
        left = self._unary()
        while True:
            found = self._level()
            if found is None or found < level:
                return left
            if found == COMPARISON and self._is("NOT", "IN", "BETWEEN", "LIKE"):
                left = self._predicate(left)
                continue
            operator = self._advance().text
            left = Binary("!=" if operator == "<>" else operator, left, self._binary(found + 1))

    def _level(self) -> int | None:
        token = self._next
        if token.kind not in ("keyword", "symbol"):
            return None
        if token.text in ("NOT", "IN", "BETWEEN", "LIKE"):
            return COMPARISON
        return next((i for i, level in enumerate(LEVELS) if token.text in level), None)

    def _predicate(self, of: Expression) -> Expression:
        negated = self._take("NOT")
        if self._take("IN"):
            self._expect("(")
            items = self._listed()
            self._expect(")")
            return In(of, tuple(items), negated)
        if self._take("BETWEEN"):
            low = self._binary(COMPARISON + 1)
            self._expect("AND")
            return Between(of, low, self._binary(COMPARISON + 1), negated)
        self._expect("LIKE")
        pattern = self._binary(COMPARISON + 1)
        escape = None
        if self._take("ESCAPE"):
            if self._next.kind != "string":
                raise self._error()
            escape = self._advance().value
        return Like(of, pattern, escape, negated)

    def _unary(self) -> Expression:
        if self._take("NOT"):
            return Unary("NOT", self._binary(COMPARISON))
        for operator in ("-", "+", "~"):
            if self._take(operator):
                return Unary(operator, self._unary())
        return self._steps(self._primary())

    def _steps(self, expression: Expression) -> Expression:
        while True:
            if self._take("."):
                expression = Index(expression, Literal(self._name()), dotted=True)
            elif self._take("["):
                expression = Index(expression, self.expression())
                self._expect("]")
            else:
                return expression

    def _primary(self) -> Expression:
        token = self._next
        if token.kind in ("number", "string"):
            return Literal(self._advance().value)
        if token.kind == "parameter":
            return Parameter(self._advance().text)
        if token.kind == "name" or self._is("LEFT", "RIGHT"):
            return self._named()
        if token.kind == "keyword":
            return self._keyword()
        if self._take("("):
            return self._parenthesis()
        if self._take("["):
            items = [] if self._is("]") else self._listed()
            self._expect("]")
            return ArrayOf(tuple(items))
        if self._take("{"):
            return self._object()
        raise self._error()

    def _named(self) -> Expression:
        token = self._advance()
        name = str(token.value)
        if not self._take("("):
            if token.kind == "keyword":
                self._at -= 1
                raise self._error()
            return Name(name)
        arguments = [] if self._is(")") else self._listed()
        self._expect(")")
        return Call(name, tuple(arguments))

    def _keyword(self) -> Expression:
        if self._next.text in CONSTANTS:
            return Literal(CONSTANTS[self._advance().text])
        for keyword, kind in (("EXISTS", "exists"), ("ARRAY", "array")):
            if self._take(keyword):
                self._expect("(")
                query = self.query()
                self._expect(")")
                return Subquery(kind, query)
        raise self._error()

    def _parenthesis(self) -> Expression:
        if self._is("SELECT"):
            inner: Expression = Subquery("scalar", self.query())
        else:
            inner = self.expression()
        self._expect(")")
        return inner

    def _object(self) -> Expression:
        fields: list[tuple[str, Expression]] = []
        while not self._take("}"):
            if fields:
                self._expect(",")
            token = self._advance()
            if token.kind not in ("string", "name"):
                self._at -= 1
                raise self._error()
            self._expect(":")
            fields.append((str(token.value), self.expression()))
        return ObjectOf(tuple(fields))


def _implied_alias(of: Expression) -> str:
    """`FROM c` is called c, and so is `FROM a.b.c`."""
    if isinstance(of, Name):
        return of.name
    if isinstance(of, Index) and isinstance(of.at, Literal):
        return str(of.at.value)
    return ""
