"""The SQL that filters, orders and positions are compiled to."""

from typing import Any

import pytest

from interstore.filters.tree import ALL
from interstore_backends.sqlite.compile import compile_filter, compile_query
from interstore_backends.sqlite.keys import quote_name, quote_path, quote_text
from interstore_backends.sqlite.values import Value
from tests.engines.sqlite.support import query, tree

K = Value.at("doc", ("a",)).key
TYPE = "json_type(doc,'$.\"a\"')"
ARRAY = f"CASE {TYPE} WHEN 'array' THEN "
LOWEST = "-9e999"
MIXED = f"{K} > ? OR {K} = ? AND version < ? OR {K} = ? AND version = ? AND id < ?"


def test_key_of_a_value() -> None:
    # An index on it is found only if queries have the same text: changing it orphans indexes.
    value = "json_extract(doc,'$.\"a\"')"
    assert (
        f"CASE {TYPE} WHEN 'integer' THEN {value} WHEN 'real' THEN {value} "
        f"WHEN 'text' THEN {value} WHEN 'true' THEN x'01' WHEN 'false' THEN x'00' ELSE -9e999 END"
    ) == K


@pytest.mark.parametrize(
    ("filter", "sql", "parameters"),
    [
        ({"a": 5}, f"{K} = ?", [5]),
        ({"a": "x"}, f"{K} = ?", ["x"]),
        ({"a": True}, f"{K} = x'01'", []),
        ({"a": None}, f"({K} = {LOWEST} AND coalesce({TYPE},'null') = 'null')", []),
        ({"a": {"$ne": 5}}, f"({K} = ?) IS NOT TRUE", [5]),
        ({"a": {"$gt": 5}}, f"({K} > ? AND {K} < '')", [5]),
        ({"a": {"$lte": 5}}, f"({K} > {LOWEST} AND {K} <= ?)", [5]),
        ({"a": {"$gt": "x"}}, f"({K} > ? AND {K} < x'')", ["x"]),
        ({"a": {"$lt": "x"}}, f"({K} >= '' AND {K} < ?)", ["x"]),
        ({"a": {"$in": [1, "x", False]}}, f"({K} IN (?,?,x'00'))", [1, "x"]),
        ({"a": {"$in": []}}, "0", []),
        ({"a": {"$exists": True}}, f"{TYPE} IS NOT NULL", []),
        ({"a": {"$type": ["bool", "number"]}}, f"{TYPE} IN ('true','false','integer','real')", []),
        ({"a": {"$startsWith": "x"}}, f"({K} >= ? AND {K} < ?)", ["x", "y"]),
        ({"a": {"$startsWith": "\U0010ffff"}}, f"({K} >= ? AND {K} < x'')", ["\U0010ffff"]),
        ({"a": {"$endsWith": ""}}, f"{TYPE} = 'text'", []),
        ({"a": {"$size": 2}}, f"{ARRAY}json_array_length(doc,'$.\"a\"') = ? ELSE 0 END", [2]),
        ({"$or": []}, "0", []),
        ({"id": {"$gt": "x"}}, "(id > ?)", ["x"]),
        ({"@version": {"$in": [1, 2]}}, "(version IN (?,?))", [1, 2]),
        ({"@expires_at": {"$exists": False}}, "(expires_at IS NOT NULL) IS NOT TRUE", []),
        ({"id": {"$endsWith": "xyz"}}, "substr(id,?) = ?", [-3, "xyz"]),
    ],
)
def test_leaves(filter: dict[str, Any], sql: str, parameters: list[Any]) -> None:
    compiled = compile_filter(tree(filter))
    assert (compiled.sql, compiled.parameters) == (sql, parameters)


def test_trap_11_two_bounds_are_one_interval() -> None:
    """A guard beside a bound on the same side would be chosen as the bound of the search."""
    for filter in ({"a": {"$gt": 1, "$lt": 5}}, {"$and": [{"a": {"$gt": 1}}, {"a": {"$lt": 5}}]}):
        compiled = compile_filter(tree(filter))
        assert compiled.sql.strip("()") == f"{K} > ? AND {K} < ?"
        assert compiled.parameters == [1, 5]


def test_trap_9_columns_of_json_each_have_a_plus() -> None:
    filter = {"a": {"$elemMatch": {"$has": 1}}}
    sql = compile_filter(tree(filter)).sql
    assert ".type" in sql
    assert sql.count("+e1.type") + sql.count("+e2.type") == sql.count(".type")


def test_many_values_are_one_parameter() -> None:
    compiled = compile_filter(tree({"a": {"$in": [*range(9_999), None]}}))
    assert len(compiled.parameters) == 1
    assert compiled.parameters[0] == "[" + ",".join(map(str, range(9_999))) + "]"


def test_numbers_that_libraries_misread_are_read_from_json() -> None:
    compiled = compile_filter(tree({"a": {"$in": [1e300, 1.5, 5e-324, 0]}}))
    assert compiled.sql == f"({K} IN (json_extract(?,'$'),?,json_extract(?,'$'),?))"
    assert compiled.parameters == ["1e300", 1.5, "5e-324", 0]


def test_texts_depend_on_the_shape_only() -> None:
    one, other = (
        compile_filter(tree({"a": {"$gt": 1}, "b": text, "c": {"$regex": text}}))
        for text in ("x", "'; --")
    )
    assert one.sql == other.sql
    assert other.parameters == [1, "'; --", "'; --", 0]


@pytest.mark.parametrize(
    ("sort", "after", "conditions", "parameters"),
    [
        (None, ("x",), "id > ?", ["x"]),
        ("-id", ("x",), "id < ?", ["x"]),
        ("a", (5, "x"), f"{K} >= ? AND ({K},id) > (?,?)", [5, 5, "x"]),
        ("-a", (None, "x"), f"{K} <= {LOWEST} AND ({K},id) < ({LOWEST},?)", ["x"]),
        ("a", (True, "x"), f"{K} >= x'01' AND ({K},id) > (x'01',?)", ["x"]),
        (
            ["a", "-@version"],
            (5, 2, "x"),
            f"{K} >= ? AND ({MIXED})",
            [5, 5, 5, 2, 5, 2, "x"],
        ),
    ],
)
def test_trap_12_positions(
    sort: Any, after: tuple[Any, ...], conditions: str, parameters: list[Any]
) -> None:
    compiled = compile_query(query(None, sort, after=after))
    assert compiled.sql.split(" ORDER BY ")[0] == f" WHERE {conditions}"
    assert compiled.parameters == parameters


def test_order_and_limits() -> None:
    compiled = compile_query(query({"a": {"$gt": 1}}, ["-a", "@expires_at"], limit=5, skip=2))
    assert compiled.sql.endswith(
        f" ORDER BY {K} DESC, coalesce(expires_at,-9e999), id LIMIT ? OFFSET ?"
    )
    assert compiled.parameters[-2:] == [5, 2]
    for fixed in ({"a": 1}, {"a": 1, "b": 2}, {"a": True}):
        found = compile_query(query(fixed, ["-a", "@expires_at"])).sql
        assert found.endswith(" ORDER BY coalesce(expires_at,-9e999), id"), "the same in all"
    for open_ in ({"a": None}, {"a": {"$in": [1, 2]}}, {"$or": [{"a": 1}, {"a": 2}]}):
        assert f"ORDER BY {K}, id" in compile_query(query(open_, ["a"])).sql
    assert compile_query(query(None, None, skip=2)).parameters == [-1, 2]
    assert compile_filter(ALL).sql == "1"


def test_quoting() -> None:
    assert quote_text("a'b") == "'a''b'"
    assert quote_name('a"b') == '"a""b"'
    assert quote_path(("a", 0, "é'\"%\\\n", "")) == '\'$."a"[0]."é\'\'%22%25\\\\\\n".""\''
    for quote in (quote_text, quote_name):
        with pytest.raises(ValueError, match="NUL"):
            quote("a\0b")
