"""Query plans are those that Microsoft's own library makes, as cosmosdb/plans.json records them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.servers.cosmosdb.gateway.errors import ServiceError
from tests.servers.cosmosdb.gateway.hashing import effective_key
from tests.servers.cosmosdb.gateway.sql.parser import parse
from tests.servers.cosmosdb.gateway.sql.plan import needs_plan, partition_keys, query_plan

RECORDED = json.loads((Path(__file__).parent / "cosmosdb" / "plans.json").read_text())["plans"]
PYTHON = frozenset(
    [
        *("Aggregate", "CompositeAggregate", "Distinct", "MultipleOrderBy", "OffsetAndLimit"),
        *("OrderBy", "Top", "NonStreamingOrderBy"),
    ]
)
"""What the Python client says that it can do, of what matters here."""

NOTHING: dict[str, Any] = {
    "distinctType": "None",
    "top": None,
    "offset": None,
    "limit": None,
    "orderBy": [],
    "orderByExpressions": [],
    "aggregates": [],
    "groupByExpressions": [],
    "groupByAliases": [],
    "groupByAliasToAggregateType": {},
    "hasSelectValue": False,
    "rewrittenQuery": "",
}


def plan(text: str, **parameters: Any) -> dict[str, Any]:
    query = parse(text)
    keys = partition_keys(query, parameters, [["key"]])
    return query_plan(query, parameters, keys, PYTHON)


@pytest.mark.parametrize("recorded", RECORDED, ids=[one["query"] for one in RECORDED])
def test_is_as_recorded(recorded: dict[str, Any]) -> None:
    found = plan(recorded["query"], **recorded.get("parameters", {}))
    wanted = {**NOTHING, **recorded}
    for name in NOTHING:
        assert found["queryInfo"][name] == wanted[name], name
    ranges = recorded["ranges"]
    expected = [("", "FF")]
    if ranges is not None:
        expected = [(effective_key((value,)),) * 2 for value in ranges]
    assert [(one["min"], one["max"]) for one in found["queryRanges"]] == expected


@pytest.mark.parametrize(
    ("text", "feature"),
    [
        ("SELECT c.a, COUNT(1) AS n FROM c GROUP BY c.a", "GroupBy"),
        ("SELECT COUNT(1) FROM c", "NonValueAggregate"),
    ],
)
def test_refuses_what_the_client_cannot_merge(text: str, feature: str) -> None:
    with pytest.raises(ServiceError, match=feature) as raised:
        plan(text)
    assert raised.value.status == 400


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("SELECT * FROM c", False),
        ("SELECT VALUE c.a FROM c WHERE c.a > 1", False),
        ("SELECT * FROM c ORDER BY c.a", True),
        ("SELECT TOP 1 * FROM c", True),
        ("SELECT DISTINCT c.a FROM c", True),
        ("SELECT VALUE COUNT(1) FROM c", True),
        ("SELECT * FROM c OFFSET 0 LIMIT 1", True),
        ("SELECT c.a FROM c GROUP BY c.a", True),
    ],
)
def test_is_needed_for_what_needs_a_state(text: str, needed: bool) -> None:
    """As the page "Querying Azure Cosmos DB resources using the REST API" lists it."""
    assert needs_plan(parse(text)) == needed
