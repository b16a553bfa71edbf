"""Partial updates.

Facts: the pages "Partial document update in Azure Cosmos DB" and its "Getting started", with the
table of errors. What is not there, and from memory, is marked so.
"""

from __future__ import annotations

from typing import Any

import pytest
from azure.cosmos import ContainerProxy
from azure.cosmos.exceptions import CosmosAccessConditionFailedError, CosmosHttpResponseError

BEFORE = {"id": "a", "n": 1, "o": {"p": 1}, "l": [1, 2], "t": "x", "a~b/c": 0}


def set_(path: str, value: Any) -> dict[str, Any]:
    return {"op": "set", "path": path, "value": value}


@pytest.fixture
def item(container: ContainerProxy) -> ContainerProxy:
    container.create_item(dict(BEFORE))
    return container


def patch(container: ContainerProxy, *operations: dict[str, Any], **options: Any) -> dict[str, Any]:
    found = container.patch_item("a", "a", list(operations), **options)
    return {name: value for name, value in found.items() if not name.startswith("_")}


@pytest.mark.parametrize(
    ("operation", "changed"),
    [
        ({"op": "add", "path": "/new", "value": None}, {"new": None}),
        ({"op": "add", "path": "/n", "value": 2}, {"n": 2}),
        ({"op": "add", "path": "/l/1", "value": 9}, {"l": [1, 9, 2]}),
        ({"op": "add", "path": "/l/2", "value": 9}, {"l": [1, 2, 9]}),
        ({"op": "add", "path": "/l/-", "value": 9}, {"l": [1, 2, 9]}),
        ({"op": "set", "path": "/l/1", "value": 9}, {"l": [1, 9]}),
        ({"op": "set", "path": "/o/q", "value": [1]}, {"o": {"p": 1, "q": [1]}}),
        ({"op": "set", "path": "/a~0b~1c", "value": 1}, {"a~b/c": 1}),
        ({"op": "replace", "path": "/o/p", "value": "y"}, {"o": {"p": "y"}}),
        ({"op": "remove", "path": "/l/0"}, {"l": [2]}),
        ({"op": "remove", "path": "/o/p"}, {"o": {}}),
        ({"op": "incr", "path": "/n", "value": -2.5}, {"n": -1.5}),
        ({"op": "incr", "path": "/new", "value": 3}, {"new": 3}),
        ({"op": "incr", "path": "/l/0", "value": 1}, {"l": [2, 2]}),
        ({"op": "move", "from": "/o", "path": "/q"}, {"o": ..., "q": {"p": 1}}),
        ({"op": "set", "path": "/ttl", "value": 60}, {"ttl": 60}),
    ],
)
def test_operations(
    item: ContainerProxy, operation: dict[str, Any], changed: dict[str, Any]
) -> None:
    after = {name: value for name, value in (BEFORE | changed).items() if value is not ...}
    assert patch(item, operation) == after


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        (set_("/none/x", 1), "cannot create path recursively"),
        (set_("/t/x", 1), "cannot create path recursively"),
        ({"op": "incr", "path": "/none/x", "value": 1}, "cannot create path recursively"),
        ({"op": "replace", "path": "/none", "value": 1}, "to be replaced is absent"),
        ({"op": "remove", "path": "/none"}, "to be removed is absent"),
        ({"op": "move", "from": "/none", "path": "/n"}, "absent"),
        ({"op": "incr", "path": "/t", "value": 1}, "is not a number"),
        ({"op": "add", "path": "/l/5", "value": 1}, "out of array bounds"),
        (set_("/_ts", 1), "system property"),
        (set_("/id", "b"), "system property"),
        ({"op": "copy", "from": "/n", "path": "/m"}, "check syntax"),
    ],
)
def test_that_cannot_be(item: ContainerProxy, operation: dict[str, Any], error: str) -> None:
    before = item.read_item("a", "a")
    with pytest.raises(CosmosHttpResponseError, match=error) as raised:
        patch(item, set_("/n", 100), operation)
    assert raised.value.status_code == 400
    assert item.read_item("a", "a") == before


def test_at_most_ten(item: ContainerProxy) -> None:
    ten = [{"op": "incr", "path": "/n", "value": 1} for _ in range(10)]
    assert patch(item, *ten)["n"] == 11
    with pytest.raises(CosmosHttpResponseError, match="cannot exceed 10"):
        patch(item, *ten, ten[0])


def test_operations_see_those_before_them(item: ContainerProxy) -> None:
    done = patch(item, set_("/new", {}), set_("/new/x", 1), {"op": "remove", "path": "/n"})
    assert done["new"] == {"x": 1}
    assert "n" not in done


def test_conditions(item: ContainerProxy) -> None:
    patch(item, set_("/n", 2), filter_predicate="from c where c.n = 1 and c.o.p = 1")
    with pytest.raises(CosmosAccessConditionFailedError):
        patch(item, set_("/n", 3), filter_predicate="from c where c.n = 1")
    assert item.read_item("a", "a")["n"] == 2


def test_etag_changes(item: ContainerProxy) -> None:
    first = item.read_item("a", "a")["_etag"]
    assert item.patch_item("a", "a", [set_("/n", 1)])["_etag"] != first
