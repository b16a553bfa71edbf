"""Groups and figures by the service: which it computes, and what is put together of its answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from interstore._sync.store import Store
from interstore.aggregation import aggregate
from interstore.aggregation_parse import parse_aggregation
from interstore.testing.checks import exact
from interstore_backends.cosmosdb._sync.database import CosmosDBDatabase
from tests.databases import cosmosdb
from tests.servers.cosmosdb.faults import Faults

KEYS: list[Any] = [1, "1", True, None, 1.5, "", False, [1], {"a": 1}, [1]]
NUMBERS: list[Any] = [
    *(n / 7 for n in range(-40, 40)), *(round(n * 0.37, 2) for n in range(60)), *range(-20, 40),
    0.1, 0.2, 0.3, 1 / 3, 2**31, -(2**40) - 0.5, None, "1", True, False, [1.5], {"n": 2.5}, "",
    "\uffff", "\U0001f600",
]  # fmt: skip
DOCUMENTS: list[dict[str, Any]] = [
    {"id": f"{n:04}", "g": [*KEYS, n][n % 11], "n": NUMBERS[n % len(NUMBERS)]} for n in range(900)
]
for document in DOCUMENTS[::7]:
    del document["g"]

FIGURES: dict[str, Any] = {
    "number": "count",
    **{kind: (kind, "n") for kind in ("count", "sum", "avg", "min", "max")},
}


@pytest.fixture(scope="module")
def url(cosmosdb_server: Any) -> Iterator[str]:
    """Many documents: each partition tells of them in several pages."""
    with cosmosdb_server.database() as url:
        with Store(cosmosdb(url)) as store:
            assert store.create_many("m", DOCUMENTS).ok
        yield url


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store(cosmosdb(url)) as store:
        yield store


@pytest.fixture
def by_service(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Any:
        raise AssertionError("every document is read")

    monkeypatch.setattr(CosmosDBDatabase, "_aggregated_here", refuse)


def _expected(store: Store, group_by: Any, figures: dict[str, Any]) -> list[dict[str, Any]]:
    parsed = parse_aggregation(None, group_by, None, None, None, figures)
    return aggregate(store.find("m"), parsed)


@pytest.mark.usefixtures("by_service")
@pytest.mark.parametrize("group_by", [None, "g", ["g", "n"], {"x": "n", "y": "n"}, "@version"])
def test_groups(store: Store, group_by: Any) -> None:
    found = store.aggregate("m", group_by=group_by, **FIGURES)
    assert exact(found) == exact(_expected(store, group_by, FIGURES))


@pytest.mark.usefixtures("by_service")
def test_none_match(store: Store) -> None:
    found = store.aggregate("m", {"g": "nobody"}, **FIGURES)
    assert found == [{"number": 0, "count": 0, "sum": 0, "avg": None, "min": None, "max": None}]
    assert store.aggregate("m", {"g": "nobody"}, group_by="g", **FIGURES) == []
    assert store.aggregate("nothing", group_by="g", **FIGURES) == []
    assert store.distinct("nothing", "g") == []


@pytest.mark.usefixtures("by_service")
def test_distinct_values(store: Store) -> None:
    numbers = sorted({each["g"] for each in DOCUMENTS if type(each.get("g")) in (int, float)})
    assert exact(store.distinct("m", "g")) == exact([None, *numbers, "", "1", False, True])


@pytest.mark.parametrize(
    "numbers", [[1e-9, 2e-9], [2**52, 2**52, 1], [1e300, 1], [0.1, 2.0**53]], ids=repr
)
def test_sums_that_only_core_can_tell(store: Store, numbers: list[Any]) -> None:
    store.delete_many("sums", {})
    store.create_many("sums", [{"n": number} for number in numbers])
    figures: dict[str, Any] = {"sum": ("sum", "n"), "avg": ("avg", "n")}
    parsed = parse_aggregation(None, None, None, None, None, figures)
    expected = aggregate(store.find("sums"), parsed)
    assert exact(store.aggregate("sums", **figures)) == exact(expected)


def test_more_figures_than_the_service_gives_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interstore_backends.cosmosdb._sync.reads._PAGE", 100)
    paths = ["n", "id", "@version", "g.a", '"x":', ("n", 0)]
    figures: dict[str, Any] = {
        f"{name}_{n}": (name, path) for n, path in enumerate(paths) for name in ("sum", "min")
    }
    expected = _expected(store, "g", figures)
    assert exact(store.aggregate("m", group_by="g", **figures)) == exact(expected)
    assert store.aggregate("m", {"g": "nobody"}, group_by="g", **figures) == []


@pytest.mark.usefixtures("by_service")
@pytest.mark.parametrize("skip", range(0, 13, 3))
def test_a_split_meanwhile_counts_nothing_twice(
    store: Store, cosmosdb_faults: Faults, skip: int
) -> None:
    store.exists("m")  # knows the partitions
    cosmosdb_faults.split_at("Query", skip=skip, times=1)
    assert store.aggregate("m", number="count") == [{"number": len(DOCUMENTS)}]
    assert store.count("m") == len(DOCUMENTS)
