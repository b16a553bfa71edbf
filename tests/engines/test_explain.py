"""Plans of what only one engine does, and of indexes that others made."""

from __future__ import annotations

import pytest

import interstore
from interstore import Store
from tests.databases import mongodb, postgresql
from tests.faults.served import Served

DOCUMENTS = [{"id": f"d{n:04}", "n": n % 500, "m": n % 499, "o": {"n": n}} for n in range(2_000)]


@pytest.fixture(autouse=True)
def _explaining(request: pytest.FixtureRequest) -> None:
    """Only where it is declared."""
    if "served" in request.fixturenames:
        served: Served = request.getfixturevalue("served")
        if served.engine.name == "cosmosdb":
            pytest.skip("cosmosdb does not declare explain")


def test_of_parts_of_a_filter(served: Served) -> None:
    """An index that serves but one side of `$or` serves nothing; one for each side does."""
    with interstore.connect(served.url) as store:
        store.create_many("m", DOCUMENTS)
        first = store.ensure_index("m", "n", type="number")
        either = {"$or": [{"n": 7}, {"m": 7}]}
        assert store.explain("m", either).access == "scan"
        second = store.ensure_index("m", "m", type="number")
        plan = store.explain("m", either)
        assert (plan.access, set(plan.indexes)) == ("index", {first.name, second.name})
        assert plan.native


def test_of_several_paths(served: Served) -> None:
    with interstore.connect(served.url) as store:
        store.create_many("m", DOCUMENTS)
        index = store.ensure_index("m", "o.n", "n", type=["number", "number"])
        plan = store.explain("m", {"o.n": {"$gt": 1_990}}, sort=["o.n", "n"], limit=5)
        assert (plan.access, plan.sort, plan.indexes) == ("index", "index", (index.name,))
        plan = store.explain("m", {"m": 5}, sort=["o.n", "n"])
        assert plan.access == "scan", "an index that gives the order finds nothing"


def test_of_an_index_that_others_made(postgresql_url: str) -> None:
    with Store(postgresql(postgresql_url)) as store:
        store.create_many("m", DOCUMENTS)
        with store.native.connection() as connection:
            connection.execute("CREATE INDEX theirs ON m USING gin (doc jsonb_path_ops)")
            connection.execute("ANALYZE m")
        plan = store.explain("m", {"o.n": 7})
        assert (plan.access, plan.indexes) == ("index", ("theirs",))


def test_of_an_index_that_others_made_on_mongodb(mongodb_url: str) -> None:
    with Store(mongodb(mongodb_url)) as store:
        store.create_many("m", DOCUMENTS)
        store.native["m"].create_index("m", name="theirs", collation={"locale": "simple"})
        plan = store.explain("m", {"m": 7}, limit=1_000)
        assert (plan.access, plan.indexes) == ("index", ("theirs",))


def test_of_an_order_that_is_guarded(mongodb_url: str) -> None:
    """Where the filter is about other paths, MongoDB chooses, and proves the order in the end."""
    with Store(mongodb(mongodb_url)) as store:
        store.create_many("m", DOCUMENTS)
        index = store.ensure_index("m", "n", type="number")
        plan = store.explain("m", {"m": 7}, sort="n", limit=10)
        assert (plan.access, plan.sort, plan.indexes) == ("scan", "index", (index.name,))


def test_in_a_transaction(served: Served) -> None:
    with interstore.connect(served.url) as store:
        store.create_many("m", DOCUMENTS)
        index = store.ensure_index("m", "n", type="number")
        with store.transaction() as transaction:
            assert transaction.explain("m", {"n": 7}).indexes == (index.name,)
            assert transaction.stats().documents == len(DOCUMENTS)
            assert transaction.ping() > 0
