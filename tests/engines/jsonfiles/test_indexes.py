"""The indexes of tables, which the memory and the JSON files engine share."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from interstore import Store
from interstore.filters.arguments import parse_sort
from interstore.filters.order import position_of
from interstore.filters.parse import parse_filter
from interstore.filters.select import select
from interstore.indexes import Index, parse_index
from interstore.prepared import Query
from interstore_backends._table import queries
from interstore_backends._table.records import change_of, decode_document
from interstore_backends._table.table import Table
from tests.databases import json_files
from tests.engines.jsonfiles.support import write


def store(table: Table, id: str, fields: dict[str, Any]) -> None:
    table.store(id, b"{" + change_of(write(id, **fields)).body)


def filled(size: int, *indexes: Index) -> Table:
    table = Table()
    table.declare(indexes)
    for number in range(size):
        fields = {
            "n": None if number % 500 == 0 else number % 1_000,
            "name": f"name{number:06}",
            "kind": number % 10,
            "tags": [f"t{number % 100}", "all"],
        }
        store(table, f"u{number:06}", fields)
    return table


@pytest.mark.parametrize("size", [5_000, pytest.param(100_000, marks=pytest.mark.long)])
def test_an_index_leaves_only_what_matches(size: int) -> None:
    table = filled(
        size,
        parse_index(["n"], "number", False, False),
        parse_index(["name"], None, False, False),
        parse_index(["kind", "n"], None, False, False),
        parse_index(["tags"], "string", False, True),
    )
    filters: list[dict[str, Any]] = [
        {"n": 77},
        {"n": {"$gte": 10, "$lt": 12}},
        {"n": {"$lt": 3}},
        {"n": {"$in": [1, 2, 3]}},
        {"n": None},
        {"name": {"$startsWith": "name00007"}},
        {"name": {"$gt": "name000100", "$lte": "name000200"}},
        {"kind": 3, "n": {"$gte": 5, "$lte": 33}},
        {"tags": {"$has": "t5"}},
    ]
    for filter in filters:
        tree = parse_filter(filter)
        left = table.candidates(tree)
        assert left is not None, filter
        assert len(left) == queries.count(table, tree) > 0, filter
    assert table.candidates(parse_filter({"name": {"$contains": "7"}})) is None
    for sort in ("n", "-n", "name", ["kind", "n"]):
        query = Query(sort=parse_sort(sort), limit=10)
        page = table.in_order(query)
        assert page is not None
        assert len(page) == 10
        after = query.only(after=position_of(decode_document(page[-1]), query.order))
        following = table.in_order(after)
        assert following is not None
        assert len(following) == 10
        assert not set(page) & set(following)
    assert table.in_order(Query(sort=parse_sort("tags"), limit=10)) is None


def test_entries_follow_the_records() -> None:
    """Few changes and many between two looks, against a table without an index."""
    random.seed(3)
    table, plain = filled(300, parse_index(["n"], None, False, False)), filled(300)
    table.declare((*table.declared, parse_index(["tags"], None, False, True)))
    tree = parse_filter({"n": {"$lt": 500}})
    by_n = Query(tree, parse_sort("-n"), limit=40)
    for turn in range(30):
        for _ in range(random.choice([1, 5, 63, 64, 200])):
            id = f"u{random.randrange(400):06}"
            if random.random() < 0.3:
                table.remove(id)
                plain.remove(id)
            else:
                value = random.choice([None, True, "x", 1.5, random.randrange(1_000)])
                fields = {"n": value, "tags": [random.randrange(5), value]}
                store(table, id, fields)
                store(plain, id, fields)
        documents = list(map(decode_document, plain.all()))
        for query in (Query(tree), by_n, Query(parse_filter({"tags": {"$has": 3}}))):
            found = [document.id for document in queries.find(table, query)]
            assert found == [document.id for document in select(documents, query)], turn


def test_the_manifest_has_the_declarations(tmp_path: Path) -> None:
    with Store(json_files(tmp_path)) as first:
        first.create("users", {"id": "a", "n": 1})
        index = first.ensure_index("users", "n", type="number")
    [manifest] = tmp_path.rglob("interstore.json")
    declared = json.loads(manifest.read_text())["models"]["users"]["indexes"]
    assert declared == [{"paths": [["n"]], "types": ["number"]}]
    with Store(json_files(tmp_path)) as second:
        assert second.indexes("users") == [index]
        second.drop_index("users", index)
    assert "indexes" not in json.loads(manifest.read_text())["models"]["users"]
