"""Items are written and read as the service does it, through the azure-cosmos client.

Each test names the page of Microsoft's documentation that its facts are from.
"""

from __future__ import annotations

import time
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.cosmos import ContainerProxy, DatabaseProxy, PartitionKey
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosBatchOperationError,
    CosmosHttpResponseError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)

UNCHANGED = MatchConditions.IfNotModified


class TestResources:
    """The pages "Create a collection" and "Create a database" of the REST reference."""

    def test_are_there_once(self, database: DatabaseProxy, container: ContainerProxy) -> None:
        with pytest.raises(CosmosResourceExistsError):
            database.create_container("items", PartitionKey("/id"))
        assert [one["id"] for one in database.list_containers()] == ["items"]
        assert container.read()["partitionKey"]["paths"] == ["/id"]

    def test_that_are_not_there(self, database: DatabaseProxy) -> None:
        with pytest.raises(CosmosResourceNotFoundError):
            database.get_container_client("none").read()
        with pytest.raises(CosmosResourceNotFoundError):
            database.get_container_client("none").read_item("a", "a")

    def test_throughput(self, database: DatabaseProxy) -> None:
        """The pages "Provision standard throughput on a container" and "Offers"."""
        plain = database.create_container("plain", PartitionKey("/id"))
        assert plain.get_throughput().offer_throughput == 400
        chosen = database.create_container("chosen", PartitionKey("/id"), offer_throughput=1000)
        assert chosen.get_throughput().offer_throughput == 1000
        assert chosen.replace_throughput(1200).offer_throughput == 1200
        with pytest.raises(CosmosHttpResponseError, match="400 and 1000000"):
            database.create_container("little", PartitionKey("/id"), offer_throughput=100)

    def test_a_container_that_was_made_again(
        self, database: DatabaseProxy, container: ContainerProxy
    ) -> None:
        """By the client's source: 400 with 1024, upon which it looks for the new one."""
        container.create_item({"id": "a"})
        database.delete_container("items")
        database.create_container("items", PartitionKey("/id"))
        container.create_item({"id": "a"})


class TestItems:
    """The pages "Documents", "Create a document", "Get a document" and "Delete a document"."""

    def test_have_properties_of_the_system(self, container: ContainerProxy) -> None:
        made = container.create_item({"id": "a", "n": 1})
        assert {"_rid", "_self", "_etag", "_attachments", "_ts"} <= made.keys()
        assert made["_etag"].startswith('"')
        assert container.read_item("a", "a") == made
        headers = container.client_connection.last_response_headers
        assert headers["etag"] == made["_etag"]

    def test_are_created_once(self, container: ContainerProxy) -> None:
        container.create_item({"id": "a", "n": 1})
        with pytest.raises(CosmosResourceExistsError):
            container.create_item({"id": "a", "n": 2})
        assert container.read_item("a", "a")["n"] == 1

    def test_that_are_not_there(self, container: ContainerProxy) -> None:
        with pytest.raises(CosmosResourceNotFoundError):
            container.read_item("a", "a")
        with pytest.raises(CosmosResourceNotFoundError):
            container.replace_item("a", {"id": "a"})
        with pytest.raises(CosmosResourceNotFoundError):
            container.delete_item("a", "a")
        with pytest.raises(CosmosResourceNotFoundError):
            container.patch_item("a", "a", [{"op": "set", "path": "/n", "value": 1}])

    def test_upsert_creates_and_replaces(self, container: ContainerProxy) -> None:
        container.upsert_item({"id": "a", "n": 1, "gone": True})
        container.upsert_item({"id": "a", "n": 2})
        found = container.read_item("a", "a")
        assert found["n"] == 2
        assert "gone" not in found

    def test_numbers_are_doubles(self, container: ContainerProxy) -> None:
        """The page "Azure Cosmos DB service quotas"."""
        made = container.create_item({"id": "a", "big": 2**53 + 1, "one": 1.0, "tiny": 5e-324})
        assert made["big"] == 2**53
        assert type(made["one"]) is int
        assert made["tiny"] == 5e-324

    @pytest.mark.parametrize(
        "text", ["", "\0", "é", "\u2028", "\U0001f600", "\uffff", "a/b%2F?#\\ \"'"]
    )
    def test_texts_are_kept(self, container: ContainerProxy, text: str) -> None:
        container.create_item({"id": "a", "text": text, text or "x": 1})
        assert container.read_item("a", "a")["text"] == text
        query = "SELECT VALUE c.id FROM c WHERE c.text = @text"
        parameters: list[dict[str, object]] = [{"name": "@text", "value": text}]
        items = container.query_items(
            query, parameters=parameters, enable_cross_partition_query=True
        )
        assert [*map(str, items)] == ["a"]

    @pytest.mark.parametrize("id", ["a b", "%2F", "a%", "é\U0001f600", "+&=", "...", "x" * 1023])
    def test_ids(self, container: ContainerProxy, id: str) -> None:
        """At most 1,023 bytes: the page "Azure Cosmos DB service quotas"."""
        container.create_item({"id": id})
        assert container.read_item(id, id)["id"] == id
        container.delete_item(id, id)

    def test_an_id_that_is_too_long(self, container: ContainerProxy) -> None:
        with pytest.raises(CosmosHttpResponseError) as raised:
            container.create_item({"id": "x" * 1024})
        assert raised.value.status_code == 400

    @pytest.mark.parametrize("id", [".", ".."])
    def test_ids_that_get_lost(self, container: ContainerProxy, id: str) -> None:
        """In the client: dots alone are steps of a path to whatever it sends a URL through."""
        container.create_item({"id": id})
        with pytest.raises(CosmosHttpResponseError):
            container.read_item(id, id)
        assert [one["id"] for one in container.read_all_items()] == [id]

    def test_the_largest(self, container: ContainerProxy) -> None:
        """2 MB as UTF-8: the page "Azure Cosmos DB service quotas"; 413: "Create a document"."""
        container.create_item({"id": "a", "text": "é" * (1024 * 1024 - 20)})
        with pytest.raises(CosmosHttpResponseError) as raised:
            container.create_item({"id": "b", "text": "é" * (1024 * 1024)})
        assert raised.value.status_code == 413

    def test_nesting(self, container: ContainerProxy) -> None:
        """128 levels: the page "Azure Cosmos DB service quotas"."""
        value: Any = 1
        for _ in range(127):
            value = [value]
        container.create_item({"id": "a", "deep": value})
        with pytest.raises(CosmosHttpResponseError) as raised:
            container.create_item({"id": "b", "deep": [value]})
        assert raised.value.status_code == 400


class TestConditions:
    """The pages "Replace a document", and "Transactions and optimistic concurrency control"."""

    def test_if_match(self, container: ContainerProxy) -> None:
        first = container.create_item({"id": "a", "n": 1})
        second = container.replace_item(
            "a", {"id": "a", "n": 2}, etag=first["_etag"], match_condition=UNCHANGED
        )
        assert second["_etag"] != first["_etag"]
        for write in (
            lambda: container.replace_item(
                "a", {"id": "a"}, etag=first["_etag"], match_condition=UNCHANGED
            ),
            lambda: container.delete_item("a", "a", etag=first["_etag"], match_condition=UNCHANGED),
            lambda: container.upsert_item(
                {"id": "a"}, etag=first["_etag"], match_condition=UNCHANGED
            ),
            lambda: container.patch_item(
                "a",
                "a",
                [{"op": "incr", "path": "/n", "value": 1}],
                etag=first["_etag"],
                match_condition=UNCHANGED,
            ),
        ):
            with pytest.raises(CosmosAccessConditionFailedError):
                write()
        assert container.read_item("a", "a")["n"] == 2

    def test_if_none_match(self, container: ContainerProxy) -> None:
        """The page "Get a document": 304."""
        made = container.create_item({"id": "a"})
        statuses: list[int] = []
        container.read_item(
            "a",
            "a",
            etag=made["_etag"],
            match_condition=MatchConditions.IfModified,
            raw_response_hook=lambda found: statuses.append(found.http_response.status_code),
        )
        assert statuses == [304]


class TestPartitionKeys:
    """The page "Partitioning and horizontal scaling", and the client's source for 1001."""

    def test_belong_to_an_item(self, database: DatabaseProxy) -> None:
        container = database.create_container("by", PartitionKey("/a/b"))
        for number, value in enumerate(["x", 1, 1.5, True, None]):
            container.create_item({"id": "same", "a": {"b": value}, "n": number})
        container.create_item({"id": "same", "n": 5})
        assert container.read_item("same", 1)["n"] == 1
        assert container.read_item("same", True)["n"] == 3
        assert len(list(container.read_all_items())) == 6
        with pytest.raises(CosmosResourceNotFoundError):
            container.read_item("same", "y")

    def test_that_do_not_fit(self, container: ContainerProxy) -> None:
        with pytest.raises(CosmosHttpResponseError) as raised:
            container.client_connection.CreateItem(
                container.container_link, {"id": "a"}, {"partitionKey": "b"}
            )
        assert (raised.value.status_code, raised.value.sub_status) == (400, 1001)

    def test_of_several_levels(self, database: DatabaseProxy) -> None:
        """The page "Hierarchical partition keys in Azure Cosmos DB"."""
        container = database.create_container("levels", PartitionKey(["/a", "/b"]))
        for a in "xy":
            for b in "12":
                container.create_item({"id": "i", "a": a, "b": b})
        assert container.read_item("i", ["x", "2"])["b"] == "2"
        query = "SELECT VALUE c.b FROM c"
        found: list[Any] = list(container.query_items(query, partition_key=["x"]))
        assert sorted(found) == ["1", "2"]


class TestTimeToLive:
    """The page "Time to Live (TTL) in Azure Cosmos DB"."""

    def test_ends_what_is_not_read_any_more(
        self, database: DatabaseProxy, container: ContainerProxy
    ) -> None:
        short = database.create_container("short", PartitionKey("/id"), default_ttl=1)
        short.create_item({"id": "short"})
        short.create_item({"id": "kept", "ttl": -1})
        on = database.create_container("on", PartitionKey("/id"), default_ttl=-1)
        for one in (on, container):
            one.create_item({"id": "a", "ttl": 1})
        time.sleep(1.1)
        with pytest.raises(CosmosResourceNotFoundError):
            short.read_item("short", "short")
        assert [one["id"] for one in short.read_all_items()] == ["kept"]
        short.create_item({"id": "short"})
        assert list(on.read_all_items()) == []
        # Where it is not switched on, the property has no effect.
        assert len(list(container.read_all_items())) == 1

    @pytest.mark.parametrize("ttl", [0, -2, "1", 1.5])
    def test_that_is_none(self, container: ContainerProxy, ttl: Any) -> None:
        with pytest.raises(CosmosHttpResponseError) as raised:
            container.create_item({"id": "a", "ttl": ttl})
        assert raised.value.status_code == 400


class TestBatches:
    """The page "Transactional batch operations in Azure Cosmos DB"."""

    def test_do_everything(self, container: ContainerProxy) -> None:
        container.create_item({"id": "a", "n": 1})
        done = container.execute_item_batch(
            [
                ("patch", ("a", [{"op": "incr", "path": "/n", "value": 1}])),
                ("read", ("a",)),
                ("replace", ("a", {"id": "a", "n": 5})),
                ("upsert", ({"id": "a", "n": 6},)),
                ("delete", ("a",)),
                ("create", ({"id": "a", "n": 7},)),
            ],
            "a",
        )
        assert [one["statusCode"] for one in done] == [200, 200, 200, 200, 204, 201]
        assert done[1]["resourceBody"]["n"] == 2
        assert container.read_item("a", "a")["n"] == 7

    def test_or_nothing(self, container: ContainerProxy) -> None:
        before = container.create_item({"id": "a", "n": 1})
        with pytest.raises(CosmosBatchOperationError) as raised:
            container.execute_item_batch(
                [
                    ("upsert", ({"id": "a", "n": 2},)),
                    ("delete", ("a",)),
                    ("create", ({"id": "a", "n": 3},)),
                    ("replace", ("b", {"id": "b"})),
                    ("read", ("a",)),
                ],
                "a",
            )
        assert raised.value.status_code == 404
        assert raised.value.error_index == 3
        statuses = [one["statusCode"] for one in raised.value.operation_responses or ()]
        assert statuses == [424, 424, 424, 404, 424]
        assert container.read_item("a", "a") == before

    def test_have_at_most_100_operations(self, container: ContainerProxy) -> None:
        operations: list[Any] = [("upsert", ({"id": "a"},))] * 101
        with pytest.raises(CosmosHttpResponseError) as raised:
            container.execute_item_batch(operations, "a")
        assert raised.value.status_code == 400
        container.execute_item_batch(operations[:100], "a")


class TestCharges:
    """The pages "Request Units in Azure Cosmos DB" and "Partial document update: FAQ"."""

    def charge(self, container: ContainerProxy) -> float:
        return float(container.client_connection.last_response_headers["x-ms-request-charge"])

    def test_are_told_with_every_answer(self, container: ContainerProxy) -> None:
        container.create_item({"id": "a", "text": "x" * 700})
        created = self.charge(container)
        container.read_item("a", "a")
        assert self.charge(container) == 1
        container.replace_item("a", {"id": "a", "text": "y" * 700})
        replaced = self.charge(container)
        container.patch_item("a", "a", [{"op": "set", "path": "/n", "value": 1}])
        assert 5 <= created < replaced <= self.charge(container)
        list(container.query_items("SELECT * FROM c", enable_cross_partition_query=True))
        assert self.charge(container) >= 2.3

    def test_grow_with_the_item(self, container: ContainerProxy) -> None:
        container.create_item({"id": "a", "text": "x" * 100_000})
        assert self.charge(container) > 50
        container.read_item("a", "a")
        assert 9 < self.charge(container) < 11
