"""The query language means what Microsoft's pages on it say; each test names the page."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest

from tests.servers.cosmosdb.gateway.sql.lexer import SqlError
from tests.servers.cosmosdb.gateway.sql.run import prepare


def ask(query: str, *items: dict[str, Any], **parameters: Any) -> list[Any]:
    prepared = prepare(query)
    given = {f"@{name}": value for name, value in parameters.items()}
    rows = prepared.rows(enumerate(items), given)
    return [row.value for row in prepared.finished(rows, given)]


def value(expression: str, **parameters: Any) -> Any:
    """What an expression gives; `...` if it is undefined."""
    found = ask(f"SELECT VALUE {expression} FROM c", {"id": "a"}, **parameters)
    return found[0] if found else ...


U = "undefined"


class TestComparisons:
    """The page "Equality and comparison operators"."""

    @pytest.mark.parametrize(
        ("expression", "wanted"),
        [
            ("1 = 1.0", True),
            ("true = 1", ...),
            ("0 = 'true'", ...),
            ("null = null", True),
            ("null = undefined", ...),
            ("undefined = undefined", ...),
            ("[1, {'a': 2}] = [1, {'a': 2}]", True),
            ("[1] = [true]", False),
            ("{'a': 1, 'b': 2} = {'b': 2, 'a': 1}", True),
            ("1 != 2", True),
            ("1 != 'a'", ...),
            ("[1] != [2]", ...),
            ("'a' < 'b'", True),
            ("'B' < 'a'", True),
            ("'a' < 1", ...),
            ("[1] < [2]", ...),
            ("false < true", True),
            ("1 BETWEEN 0 AND 1", True),
            ("'a' BETWEEN 'b' AND 'c'", False),
            ("1 IN (2, 'a', 1)", True),
            ("1 NOT IN (2)", True),
            ("undefined IN (1)", ...),
            ("'abc' LIKE 'a%'", True),
            ("'a%c' LIKE 'a!%_' ESCAPE '!'", True),
        ],
    )
    def test_results(self, expression: str, wanted: Any) -> None:
        assert value(expression) == wanted


class TestLogic:
    """The page "Logical operators"."""

    @pytest.mark.parametrize(
        ("expression", "wanted"),
        [
            (f"true AND {U}", ...),
            (f"false AND {U}", False),
            (f"{U} AND false", False),
            (f"true OR {U}", True),
            (f"{U} OR true", True),
            (f"false OR {U}", ...),
            (f"NOT {U}", ...),
            ("NOT 1", ...),
            ("1 OR true", True),
            ("NOT true = false", True),
            ("NOT (1 = 'a')", ...),
            ("NOT ((1 = 'a') ?? false)", True),
            ("true OR true AND false", True),
            (f"{U} ?? 1", 1),
            ("null ?? 1", None),
            ("1 > 0 ? 'a' : 'b'", "a"),
            (f"{U} ? 'a' : 'b'", "b"),
        ],
    )
    def test_results(self, expression: str, wanted: Any) -> None:
        assert value(expression) == wanted


class TestPaths:
    """The page "Constants, identifiers and properties" ("Keywords", "Working with JSON")."""

    ITEM: ClassVar[dict[str, Any]] = {
        "id": "a",
        "o": {"0": "key", "b c": [1, {"d": 2}], "order": 3},
        "l": ["x"],
    }

    @pytest.mark.parametrize(
        ("path", "wanted"),
        [
            ('c["o"]["b c"][1]["d"]', 2),
            ("c.o['0']", "key"),
            ("c.o[0]", ...),
            ("c.l[0]", "x"),
            ("c.l['0']", ...),
            ("c.l[1]", ...),
            ("c.id[0]", ...),
            ("c.none.x", ...),
            ('c["o"]["order"]', 3),
            ("c[@key]['order']", 3),
        ],
    )
    def test_results(self, path: str, wanted: Any) -> None:
        found = ask(f"SELECT VALUE {path} FROM c", self.ITEM, key="o")
        assert (found or [...]) == [wanted]

    @pytest.mark.parametrize(
        "text",
        [
            "SELECT * FROM c WHERE c.o.order = 1",
            "SELECT * FROM c WHERE c.value = 1",
            "SELECT * FROM c WHERE x.a = 1",
            "SELECT * FROM c WHERE NONE(c.a)",
            "SELECT * FROM c WHERE c.a = ",
            "SELECT * FROM c WHERE IS_NULL(c.a, 1)",
            "SELECT * FROM c WHERE COUNT(1) = 1",
            "SELECT * FROM c JOIN e IN c.l",
            "SELECT VALUE 1 FROM c WHERE EXISTS(SELECT VALUE 1 FROM e IN x)",
            "SELECT TOP -1 * FROM c",
            "SELECT TOP 1.5 * FROM c",
            "SELECT * FROM c; DROP",
            "SELECT 'a FROM c",
        ],
    )
    def test_mistakes(self, text: str) -> None:
        with pytest.raises(SqlError):
            ask(text, self.ITEM)

    @pytest.mark.parametrize("text", ["a\"b'c\\d", "\n\t\x01", "é\U0001f600\u2028", "@p", "--"])
    def test_texts(self, text: str) -> None:
        assert value(json.dumps(text)) == text
        assert ask(f"SELECT VALUE c[{json.dumps(text)}] FROM c", {text: 1}) == [1]


class TestManyValues:
    """Which are looked up, not compared one by one."""

    ITEMS = tuple({"v": one} for one in (1, 1.0, True, "1", None, [1], {"a": 1}, 2))

    @pytest.mark.parametrize(
        ("values", "wanted"),
        [
            ([1], [0, 1]),
            ([True], [2]),
            (["1", None], [3, 4]),
            ([[1], {"a": 1}], [5, 6]),
            ([{"a": True}, [True]], []),
            ([*range(2, 10_000)], [7]),
        ],
    )
    def test_results(self, values: list[Any], wanted: list[int]) -> None:
        found = ask(
            "SELECT VALUE c.v FROM c WHERE ARRAY_CONTAINS(@values, c.v)", *self.ITEMS, values=values
        )
        assert found == [self.ITEMS[number]["v"] for number in wanted]
        names = ", ".join(f"@v{number}" for number in range(len(values)))
        given = {f"v{number}": one for number, one in enumerate(values)}
        assert ask(f"SELECT VALUE c.v FROM c WHERE c.v IN ({names})", *self.ITEMS, **given) == found


class TestFunctions:
    """The pages on each of the "System functions"."""

    @pytest.mark.parametrize(
        ("expression", "wanted"),
        [
            ("IS_DEFINED(undefined)", False),
            ("IS_NULL(undefined)", False),
            ("IS_NUMBER(true)", False),
            ("IS_BOOL(true)", True),
            ("IS_STRING('')", True),
            ("IS_ARRAY([])", True),
            ("IS_OBJECT([])", False),
            ("IS_PRIMITIVE(null)", True),
            ("IS_INTEGER(1.5)", False),
            ("STARTSWITH('abc', 'ab')", True),
            ("STARTSWITH('ABC', 'ab')", False),
            ("STARTSWITH('ABC', 'ab', true)", True),
            ("StartsWith('abc', '')", True),
            ("ENDSWITH('abc', 'bc')", True),
            ("CONTAINS('abc', 'b')", True),
            ("CONTAINS(1, 'b')", ...),
            ("StringEquals('a', 'A', true)", True),
            ("REGEXMATCH('abc', '^a.c$')", True),
            ("REGEXMATCH('ABC', 'b', 'i')", True),
            ("REGEXMATCH('a\\n', 'a(?![\\\\s\\\\S])')", False),
            ("REGEXMATCH('a\\n', 'a\\\\z')", False),
            ("REGEXMATCH('a\\n', 'a$')", True),
            ("REGEXMATCH('éx', '^[^\\x41]x(?![\\s\\S])')", True),
            ("REGEXMATCH('" + "a" * 300 + "', '^(?:a+)+b(?![\\\\s\\\\S])')", False),
            ("REGEXMATCH(1, 'a')", ...),
            ("ARRAY_CONTAINS([1, 'a'], 'a')", True),
            ("ARRAY_CONTAINS([true], 1)", False),
            ("ARRAY_CONTAINS([{'a': 1, 'b': 2}], {'a': 1})", False),
            ("ARRAY_CONTAINS([{'a': 1, 'b': 2}], {'a': 1}, true)", True),
            ("ARRAY_CONTAINS('a', 'a')", ...),
            ("ARRAY_LENGTH([1, 2])", 2),
            ("ARRAY_LENGTH('ab')", ...),
            ("ARRAY_SLICE([1, 2, 3], -2, 1)", [2]),
            ("LENGTH('\\ud83d\\ude00')", 1),
            ("TOSTRING({'a': [1.5]})", '{"a":[1.5]}'),
            ("StringToNumber('1e3')", 1000),
            ("ROUND(-2.5)", -3),
            ("1 / 0", ...),
            ("7 % 4", 3),
            ("'a' || 'b'", "ab"),
            ("1 + 'a'", ...),
        ],
    )
    def test_results(self, expression: str, wanted: Any) -> None:
        found = value(expression)
        assert found == wanted
        assert type(found) is type(wanted)


class TestSubqueries:
    """The page "Subqueries", and "Self-joins"."""

    def test_exists(self) -> None:
        """Over what is no array there is nothing."""
        items: list[dict[str, Any]] = [
            {"id": "1", "l": [1, 5]},
            {"id": "2", "l": "no"},
            {"id": "3"},
            {"id": "4", "l": [{"a": 5}]},
        ]
        query = "SELECT VALUE c.id FROM c WHERE EXISTS(SELECT VALUE 1 FROM e IN c.l WHERE {})"
        assert ask(query.format("e = @n"), *items, n=5) == ["1"]
        assert ask(query.format('e["a"] = @n'), *items, n=5) == ["4"]
        inner = "EXISTS(SELECT VALUE 1 FROM x IN c.l WHERE x = e AND x > 1)"
        assert ask(query.format(inner), *items) == ["1"]

    def test_array_and_scalar(self) -> None:
        item = {"l": [3, 1, 2]}
        query = "SELECT VALUE ARRAY(SELECT VALUE e * 2 FROM e IN c.l WHERE e > 1) FROM c"
        assert ask(query, item) == [[6, 4]]
        assert ask("SELECT VALUE (SELECT VALUE COUNT(1) FROM e IN c.l) FROM c", item) == [3]

    def test_joins(self) -> None:
        item = {"id": "a", "l": [{"m": [1, 2]}, {"m": [3]}, {}]}
        assert ask("SELECT VALUE m FROM c JOIN e IN c.l JOIN m IN e.m", item) == [1, 2, 3]
        assert ask("SELECT c.id, m FROM c JOIN e IN c.l JOIN m IN e.m WHERE m = 3", item) == [
            {"id": "a", "m": 3}
        ]
        assert ask("SELECT VALUE e.m FROM e IN c.l", item) == [[1, 2], [3]]


class TestAggregates:
    """The pages "COUNT", "SUM", "AVG", "MIN", "MAX" and "GROUP BY"."""

    ITEMS: ClassVar[tuple[dict[str, Any], ...]] = (
        {"n": 1, "g": "a"},
        {"n": 3, "g": "b"},
        {"g": "b"},
        {"n": 5, "g": "a"},
    )

    @pytest.mark.parametrize(
        ("expression", "wanted"),
        [
            ("COUNT(1)", 4),
            ("COUNT(c.n)", 3),
            ("SUM(c.n)", 9),
            ("AVG(c.n)", 3),
            ("MIN(c.n)", 1),
            ("MAX(c.g)", "b"),
            ("SUM(c.g)", ...),
        ],
    )
    def test_results(self, expression: str, wanted: Any) -> None:
        found = ask(f"SELECT VALUE {expression} FROM c", *self.ITEMS)
        assert (found or [...]) == [wanted]

    def test_groups(self) -> None:
        query = "SELECT c.g, SUM(c.n) AS total FROM c GROUP BY c.g"
        assert ask(query, *self.ITEMS) == [{"g": "a", "total": 6}, {"g": "b", "total": 3}]
        assert ask("SELECT VALUE COUNT(1) FROM c") == [0]
        assert ask("SELECT c.g, COUNT(1) FROM c GROUP BY c.g") == []

    def test_keys_are_told_apart_by_kind(self) -> None:
        items: list[dict[str, Any]] = [
            {"g": 1},
            {"g": 1},
            {"g": "1"},
            {"g": True},
            {"g": None},
            {},
            {"g": [1]},
        ]
        found = ask('SELECT c["g"], COUNT(1) AS n FROM c GROUP BY c.g', *items)
        assert [(each.get("g", ...), each["n"]) for each in found] == [
            (1, 2), ("1", 1), (True, 1), (None, 1), (..., 1), ([1], 1),
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("query", "wanted"),
        [
            ("SELECT VALUE ABS(AVG(c.n)) FROM c", "Compositions"),
            ("SELECT c.g, SUM(c.n) + 1 AS s FROM c GROUP BY c.g", "Compositions"),
            ("SELECT c.n FROM c GROUP BY c.g", "invalid in the select list"),
            ("SELECT * FROM c GROUP BY c.g", "invalid in the select list"),
            ("SELECT c.g FROM c GROUP BY c.g ORDER BY c.g", "ORDER BY"),
            ("SELECT COUNT(1) FROM c GROUP BY 1", "property reference"),
            ("SELECT COUNT(1) FROM c GROUP BY COUNT(c.g)", "no aggregates"),
            ("SELECT COUNT(1) FROM c GROUP BY EXISTS(SELECT VALUE c.g)", "no subqueries"),
            (f"SELECT {', '.join(['COUNT(1)'] * 22)} FROM c GROUP BY c.g", "21"),
        ],
    )
    def test_what_groups_may_not_have(self, query: str, wanted: str) -> None:
        with pytest.raises(SqlError, match=wanted):
            ask(query, *self.ITEMS)

    def test_what_groups_may_have(self) -> None:
        query = (
            "SELECT {'g': [LOWER(c.g)], 'n': COUNT(1)} AS x, 1 AS one FROM c GROUP BY LOWER(c.g)"
        )
        assert ask(query, {"g": "A"}, {"g": "a"}) == [{"x": {"g": ["a"], "n": 2}, "one": 1}]

    def test_extremes_of_several_kinds(self) -> None:
        items: list[dict[str, Any]] = [{"n": 1}, {"n": None}, {"n": "a"}, {"n": False}, {}]
        assert ask("SELECT MIN(c.n) AS x, MAX(c.n) AS y FROM c", *items) == [{"x": None, "y": "a"}]
        assert ask("SELECT MIN(c.none) AS x FROM c", *items) == [{}]


class TestOrder:
    """The page "ORDER BY (NoSQL query)": kinds come one after the other.

    Missing, null, booleans, numbers, texts, arrays, objects; texts by code point (not documented).
    """

    def test_of_kinds(self) -> None:
        values = [
            None,
            False,
            True,
            -1,
            0,
            1.5,
            "",
            "B",
            "a",
            "\uffff",
            "\U0001f600",
            [1],
            {"a": 1},
        ]
        items = [{"v": one} for one in reversed(values)]
        query = "SELECT VALUE c.v FROM c ORDER BY c.v"
        assert ask(query, *items) == values
        assert ask(f"{query} DESC", *items) == values[::-1]

    def test_of_several_keys(self) -> None:
        items = [{"a": a, "b": b} for a in (1, 2) for b in (1, 2)]
        query = "SELECT VALUE [c.a, c.b] FROM c ORDER BY c.a DESC, c.b ASC"
        assert ask(query, *items) == [[2, 1], [2, 2], [1, 1], [1, 2]]


@pytest.mark.parametrize("depth", [1, 50])
def test_takes_no_longer_for_parentheses(depth: int) -> None:
    condition = "c.a = 1"
    for _ in range(depth):
        condition = f"(({condition}) AND NOT ((c.b = 2) ?? false))"
    assert ask(f"SELECT VALUE c.a FROM c WHERE {condition}", {"a": 1}) == [1]
