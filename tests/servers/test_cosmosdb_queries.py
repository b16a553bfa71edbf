"""Queries and feeds over several physical partitions, as the azure-cosmos client asks for them.

Facts: the pages "Querying Azure Cosmos DB resources using the REST API", "ORDER BY (NoSQL query)",
"Indexing policies in Azure Cosmos DB", "Pagination in Azure Cosmos DB", and the client's source.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from azure.cosmos import ContainerProxy, CosmosClient, DatabaseProxy, PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError

from tests.servers.cosmosdb import CosmosDB
from tests.servers.cosmosdb.faults import Faults

COUNT = 60


@pytest.fixture(scope="module")
def filled(cosmosdb_server: CosmosDB, cosmosdb_client: CosmosClient) -> Iterable[ContainerProxy]:
    """Sixty items: `n` from 0 to 6, `s` a text, `m` only in some."""
    with cosmosdb_server.database() as url:
        name = url.rpartition("/")[2].partition("?")[0]
        policy = {
            "includedPaths": [{"path": "/*"}, {"path": "/named/?"}],
            "excludedPaths": [{"path": "/closed/*"}],
            "compositeIndexes": [
                [
                    {"path": "/n", "order": "ascending"},
                    {"path": "/id", "order": "ascending"},
                ]
            ],
        }
        database = cosmosdb_client.get_database_client(name)
        container = database.create_container("items", PartitionKey("/id"), indexing_policy=policy)
        for number in range(COUNT):
            item = {"id": f"i{number:02}", "n": number % 7, "s": chr(97 + number % 13)}
            if number % 3 == 0:
                item |= {"m": number, "named": number}
            container.create_item(item)
        yield container


def ask(container: ContainerProxy, query: str, **options: Any) -> list[Any]:
    parameters = [
        {"name": f"@{name}", "value": value}
        for name, value in options.pop("parameters", {}).items()
    ]
    options.setdefault("enable_cross_partition_query", "partition_key" not in options)
    return list(container.query_items(query, parameters=parameters, **options))


class TestAcrossPartitions:
    def test_there_are_four(self, filled: ContainerProxy, cosmosdb_faults: Faults) -> None:
        ranges = list(filled.read_feed_ranges())
        assert len(ranges) == 4
        parts = [ask(filled, "SELECT VALUE c.id FROM c", feed_range=one) for one in ranges]
        assert all(parts)
        assert len({id for part in parts for id in part}) == COUNT

    def test_are_to_be_allowed(self, filled: ContainerProxy) -> None:
        with pytest.raises(CosmosHttpResponseError, match="required but disabled"):
            ask(filled, "SELECT * FROM c", enable_cross_partition_query=False)

    def test_the_gateway_serves_what_has_no_state(
        self, filled: ContainerProxy, cosmosdb_faults: Faults
    ) -> None:
        """One partition on each page."""
        found = ask(filled, "SELECT VALUE c.id FROM c WHERE c.n = @n", parameters={"n": 3})
        assert len(found) == 9
        assert cosmosdb_faults.usage().counts == {"Query": 4}

    def test_and_the_client_merges_the_rest(
        self, filled: ContainerProxy, cosmosdb_faults: Faults
    ) -> None:
        """Refused with 1004, then the plan, then each partition."""
        found = ask(filled, "SELECT VALUE c.s FROM c ORDER BY c.s")
        assert found == sorted(chr(97 + number % 13) for number in range(COUNT))
        assert cosmosdb_faults.usage().counts == {"Query": 5, "QueryPlan": 1}

    @pytest.mark.parametrize(
        ("query", "wanted"),
        [
            ("SELECT VALUE COUNT(1) FROM c", [COUNT]),
            ("SELECT VALUE COUNT(c.m) FROM c", [COUNT // 3]),
            ("SELECT VALUE SUM(c.n) FROM c WHERE c.n < 3", [1 * 9 + 2 * 9]),
            ("SELECT VALUE MIN(c.m) FROM c", [0]),
            ("SELECT VALUE MAX(c.s) FROM c", ["m"]),
            ("SELECT VALUE AVG(c.n) FROM c WHERE c.n IN (1, 3)", [2]),
            ("SELECT VALUE COUNT(1) FROM c WHERE false", [0]),
            ("SELECT DISTINCT VALUE c.n FROM c ORDER BY c.n", list(range(7))),
            ("SELECT TOP 3 VALUE c.id FROM c ORDER BY c.id DESC", ["i59", "i58", "i57"]),
            ("SELECT VALUE c.id FROM c ORDER BY c.id OFFSET 5 LIMIT 2", ["i05", "i06"]),
            ("SELECT TOP 2 c.n, c.id FROM c ORDER BY c.id", [{"n": 0, "id": "i00"}, ...]),
            ("SELECT TOP 0 * FROM c", []),
        ],
    )
    def test_results(self, filled: ContainerProxy, query: str, wanted: list[Any]) -> None:
        found = ask(filled, query)
        assert len(found) == len(wanted)
        assert all(two in (one, ...) for one, two in zip(found, wanted, strict=True))

    def test_distinct_without_order(self, filled: ContainerProxy) -> None:
        assert sorted(ask(filled, "SELECT DISTINCT VALUE c.n FROM c")) == list(range(7))

    @pytest.mark.parametrize("query", ["SELECT COUNT(1) FROM c", "SELECT c.n FROM c GROUP BY c.n"])
    def test_what_the_client_cannot_merge(self, filled: ContainerProxy, query: str) -> None:
        with pytest.raises(CosmosHttpResponseError, match="does not support") as raised:
            ask(filled, query)
        assert raised.value.status_code == 400

    def test_a_mistake_is_told(self, filled: ContainerProxy) -> None:
        with pytest.raises(CosmosHttpResponseError, match="SC1001") as raised:
            ask(filled, "SELECT * FROM c WHERE c.order = 1")
        assert raised.value.status_code == 400


class TestManyItems:
    def test_are_read_by_their_ids(self, filled: ContainerProxy, cosmosdb_faults: Faults) -> None:
        """Of each partition in one query."""
        wanted = [f"i{number:02}" for number in range(0, COUNT, 2)]
        found = filled.read_items([(id, id) for id in [*wanted, "none"]])
        assert [one["id"] for one in found] == wanted
        assert cosmosdb_faults.usage().counts == {"Query": 4}


class TestOnePartitionKey:
    def test_does_everything_at_once(self, filled: ContainerProxy, cosmosdb_faults: Faults) -> None:
        query = "SELECT c.n, COUNT(1) AS count FROM c GROUP BY c.n"
        assert ask(filled, query, partition_key="i05") == [{"n": 5, "count": 1}]
        assert cosmosdb_faults.usage().counts == {"Query": 1}

    def test_is_found_in_the_condition(
        self, filled: ContainerProxy, cosmosdb_faults: Faults
    ) -> None:
        """Microsoft's plans leave nothing to merge for one partition key (plans.json)."""
        query = 'SELECT VALUE c.n FROM c WHERE c["id"] = @id AND c.n >= 0 ORDER BY c.s'
        assert ask(filled, query, parameters={"id": "i12"}) == [5]
        assert cosmosdb_faults.usage().counts == {"Query": 1}


class TestOrder:
    def test_needs_an_index(self, filled: ContainerProxy) -> None:
        with pytest.raises(CosmosHttpResponseError, match="is excluded"):
            ask(filled, "SELECT * FROM c ORDER BY c.closed.x")

    def test_of_several_keys_needs_a_composite_index(self, filled: ContainerProxy) -> None:
        query = "SELECT VALUE [c.n, c.id] FROM c ORDER BY c.n {}, c.id {}"
        up = ask(filled, query.format("ASC", "ASC"))
        assert up == sorted(up)
        assert len(up) == COUNT
        assert ask(filled, query.format("DESC", "DESC")) == up[::-1]
        for first, second in (("ASC", "DESC"), ("DESC", "ASC")):
            with pytest.raises(CosmosHttpResponseError, match="composite index"):
                ask(filled, query.format(first, second))
        with pytest.raises(CosmosHttpResponseError, match="composite index"):
            ask(filled, "SELECT * FROM c ORDER BY c.id, c.n")

    def test_leaves_out_where_its_key_is_missing(self, filled: ContainerProxy) -> None:
        """Unless the path is included by name: the page "ORDER BY (NoSQL query)"."""
        assert len(ask(filled, "SELECT * FROM c ORDER BY c.m")) == COUNT // 3
        query = "SELECT VALUE c.id FROM c WHERE c.id IN ('i01', 'i03') ORDER BY c.named"
        with pytest.raises(ValueError, match="Expected"):
            # The client does not merge what is there with what is missing.
            ask(filled, query)
        one = "SELECT VALUE c.id FROM c ORDER BY c.named"
        assert ask(filled, one, partition_key="i01") == ["i01"]

    def test_of_a_computed_value(self, filled: ContainerProxy) -> None:
        with pytest.raises(CosmosHttpResponseError, match="document path"):
            ask(filled, "SELECT * FROM c ORDER BY c.n + 1")


class TestPages:
    def test_go_on_with_a_token(self, filled: ContainerProxy) -> None:
        token, pages, found = None, 0, Counter[str]()
        while True:
            items = filled.query_items(
                "SELECT VALUE c.id FROM c", enable_cross_partition_query=True, max_item_count=7
            )
            pager: Any = items.by_page(token)
            page = list(next(pager))
            assert len(page) <= 7
            found.update(page)
            pages += 1
            token = pager.continuation_token
            if token is None:
                break
        assert set(found.values()) == {1}
        assert len(found) == COUNT
        assert pages >= COUNT / 7

    def test_of_one_partition_and_ordered(self, database: DatabaseProxy) -> None:
        container = database.create_container("one", PartitionKey("/p"))
        for number in range(25):
            container.create_item({"id": str(number), "p": 0, "n": number * 7 % 25})
        query = "SELECT VALUE c.n FROM c ORDER BY c.n DESC OFFSET 1 LIMIT 20"
        items = container.query_items(query, partition_key=0, max_item_count=6)
        pages: list[list[Any]] = [list(page) for page in items.by_page()]
        assert [len(page) for page in pages] == [6, 6, 6, 2]
        assert [one for page in pages for one in page] == list(range(23, 3, -1))

    def test_that_others_write_meanwhile(self, database: DatabaseProxy) -> None:
        container = database.create_container("moving", PartitionKey("/p"))
        for number in range(30):
            container.create_item({"id": str(number), "p": 0, "n": number})
        query = "SELECT VALUE c.n FROM c ORDER BY c.n"
        pages = container.query_items(query, partition_key=0, max_item_count=10).by_page()
        first: list[Any] = list(next(pages))
        for id in ("0", "5", "9"):
            container.delete_item(id, 0)
        container.create_item({"id": "new", "p": 0, "n": -1})
        assert [*first, *(one for page in pages for one in page)] == list(range(30))

    def test_are_of_four_megabytes_at_most(self, container: ContainerProxy) -> None:
        for number in range(6):
            container.create_item({"id": str(number), "text": "x" * 1_900_000})
        sizes = []
        for one in container.read_feed_ranges():
            pages = container.query_items("SELECT * FROM c", feed_range=one).by_page()
            sizes += [len(list(page)) for page in pages]
        assert max(sizes) <= 2
        assert sum(sizes) == 6

    def test_of_all_items(self, filled: ContainerProxy) -> None:
        pages = [list(page) for page in filled.read_all_items(max_item_count=10).by_page()]
        assert max(map(len, pages)) <= 10
        assert len({one["id"] for page in pages for one in page}) == COUNT

    def test_a_wrong_token(self, filled: ContainerProxy) -> None:
        pager = filled.query_items("SELECT * FROM c", enable_cross_partition_query=True)
        with pytest.raises(CosmosHttpResponseError, match="Continuation Token"):
            list(pager.by_page("nonsense"))


class TestSplits:
    """From the client's source: 410 with 1002, upon which it asks for the new ranges."""

    QUERY = "SELECT VALUE c.id FROM c"

    @pytest.fixture
    def many(self, container: ContainerProxy) -> ContainerProxy:
        for number in range(40):
            container.create_item({"id": str(number), "n": number % 5})
        return container

    @pytest.mark.parametrize("query", [QUERY, f"{QUERY} ORDER BY c.id"])
    def test_before_a_query(
        self,
        many: ContainerProxy,
        database: DatabaseProxy,
        cosmosdb_faults: Faults,
        query: str,
    ) -> None:
        assert len(list(many.read_feed_ranges())) == 4
        cosmosdb_faults.split(database.id, "items")
        assert len(set(ask(many, query))) == 40
        assert len(list(many.read_feed_ranges(force_refresh=True))) == 5

    @pytest.mark.parametrize("skip", range(0, 12, 3))
    def test_in_the_middle_of_a_scan(
        self, many: ContainerProxy, cosmosdb_faults: Faults, skip: int
    ) -> None:
        cosmosdb_faults.split_at("Query", skip=skip, times=2)
        found = ask(many, self.QUERY, max_item_count=3)
        assert sorted(found, key=int) == [str(number) for number in range(40)]
        assert cosmosdb_faults.usage().hits == 2

    def test_of_which_the_client_forgets_what_it_gave(
        self, many: ContainerProxy, cosmosdb_faults: Faults
    ) -> None:
        """While it merges: it begins the halves of a split partition from their start.

        Nothing is missing, but some comes again, and then also out of order.
        """
        wanted = {str(number) for number in range(40)}
        lengths = []
        for skip in (1, 3, 6):
            cosmosdb_faults.split_at("Query", skip=skip)
            found = ask(many, f"{self.QUERY} ORDER BY c.id", max_item_count=3)
            assert set(found) == wanted
            lengths.append(len(found))
            cosmosdb_faults.clear()
        assert max(lengths) > 40

    def test_of_a_feed_range_that_a_client_holds(
        self, many: ContainerProxy, database: DatabaseProxy, cosmosdb_faults: Faults
    ) -> None:
        held = list(many.read_feed_ranges())
        for _ in range(3):
            cosmosdb_faults.split(database.id, "items")
        found = [id for one in held for id in ask(many, self.QUERY, feed_range=one)]
        assert sorted(found, key=int) == [str(number) for number in range(40)]


class TestGroups:
    """Of one partition, page by page: whoever asks must put them together."""

    def test_are_parted_by_pages(self, container: ContainerProxy) -> None:
        for number in range(60):
            container.create_item({"id": str(number), "g": number % 3})
        query = "SELECT c.g, COUNT(1) AS n FROM c GROUP BY c.g"
        found: Counter[int] = Counter()
        pages = 0
        for each in container.read_feed_ranges():
            for page in container.query_items(query, feed_range=each, max_item_count=5).by_page():
                pages += 1
                for row in page:
                    assert row["n"] <= 5
                    found[row["g"]] += row["n"]
        assert found == {0: 20, 1: 20, 2: 20}
        assert pages >= 12

    def test_and_so_are_aggregates(self, container: ContainerProxy) -> None:
        for number in range(60):
            container.create_item({"id": str(number), "n": number})
        query = "SELECT COUNT(1) AS n, MAX(c.n) AS m FROM c WHERE c.n > 10"
        rows = [
            row
            for each in container.read_feed_ranges()
            for row in container.query_items(query, feed_range=each, max_item_count=5)
        ]
        assert sum(row["n"] for row in rows) == 49
        assert max(row["m"] for row in rows if row["n"]) == 59
        assert all("m" in row for row in rows if row["n"])


class TestChangeFeed:
    """The page "Change feed in Azure Cosmos DB": latest versions, no deletes."""

    def read(self, container: ContainerProxy, **options: Any) -> tuple[list[str], str]:
        found = [one["id"] for one in container.query_items_change_feed(**options)]
        return found, container.client_connection.last_response_headers["etag"]

    def test_has_the_latest_versions(self, container: ContainerProxy) -> None:
        for id in "abcde":
            container.create_item({"id": id})
        found, token = self.read(container, start_time="Beginning")
        assert sorted(found) == list("abcde")
        assert self.read(container, continuation=token)[0] == []
        container.upsert_item({"id": "b", "n": 1})
        container.patch_item("b", "b", [{"op": "incr", "path": "/n", "value": 1}])
        container.delete_item("c", "c")
        container.create_item({"id": "f"})
        found, _ = self.read(container, continuation=token)
        assert sorted(found) == ["b", "f"]

    def test_does_not_part_what_a_batch_wrote(self, database: DatabaseProxy) -> None:
        """The page "ChangeFeedRequestOptions.PageSizeHint"."""
        grouped = database.create_container("grouped", PartitionKey(path="/group"))
        for batch in ("ab", "cdef", "g"):
            grouped.execute_item_batch(
                [("create", ({"id": id, "group": "x"},)) for id in batch], "x"
            )
        feed = grouped.query_items_change_feed(start_time="Beginning", max_item_count=3)
        pages = [[(one["id"], one["_lsn"]) for one in page] for page in feed.by_page()]
        first, second = (page for page in pages if page)
        assert "".join(id for id, _ in first) == "abcdef"
        assert [number - first[0][1] for _, number in first] == [0, 0, 1, 1, 1, 1]
        assert [id for id, _ in second] == ["g"]

    def test_goes_on_in_pages_and_after_a_split(
        self, container: ContainerProxy, database: DatabaseProxy, cosmosdb_faults: Faults
    ) -> None:
        wanted = [f"{number:02}" for number in range(30)]
        for id in wanted:
            container.create_item({"id": id})
        feed = container.query_items_change_feed(start_time="Beginning", max_item_count=4)
        pages = feed.by_page()
        found = [one["id"] for one in next(pages)]
        assert len(found) <= 4
        cosmosdb_faults.split(database.id, "items")
        found += [one["id"] for page in pages for one in page]
        assert sorted(found) == wanted
