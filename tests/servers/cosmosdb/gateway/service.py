"""From a request to its answer: who may ask, what is asked of which resource, what it costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.servers.cosmosdb.gateway import feeds, items, metadata
from tests.servers.cosmosdb.gateway.auth import Guard
from tests.servers.cosmosdb.gateway.batch import batch
from tests.servers.cosmosdb.gateway.budget import Budget
from tests.servers.cosmosdb.gateway.changes import change_feed
from tests.servers.cosmosdb.gateway.errors import ServiceError, bad_request
from tests.servers.cosmosdb.gateway.hashing import effective_key
from tests.servers.cosmosdb.gateway.patch import patch
from tests.servers.cosmosdb.gateway.request import Answer, Request
from tests.servers.cosmosdb.gateway.resources import Account, Container, Partition
from tests.servers.cosmosdb.gateway.rid import Rids
from tests.servers.cosmosdb.gateway.script import Script

__all__ = ["Service"]

TOO_LARGE: Final = (
    "The request rate is large. More Request Units may be needed, so no changes were made. Please "
    "retry this request later."
)


class Service:
    """One account and its rules."""

    def __init__(self, account: Account, guard: Guard, script: Script) -> None:
        self.account = account
        self.script = script
        self._guard = guard

    def answer(self, request: Request) -> Answer:
        """Raises ServiceError."""
        self._guard.check(request)
        path = request.path
        if not path:
            return metadata.account_of(request)
        if path[0] == "offers" and len(path) <= 2:
            return metadata.offers(self.account, request)
        if path[0] != "dbs":
            raise ServiceError(404, "Message: there is no such resource")
        if len(path) <= 2:
            return metadata.databases(self.account, request)
        if path[2] == "colls" and len(path) <= 4:
            return metadata.containers(self.account, request)
        if path[2] == "colls":
            return self._inside(request)
        raise ServiceError(404, "Message: there is no such resource")

    def _inside(self, request: Request) -> Answer:
        """Of what a container holds."""
        container = self._container(request)
        kind = request.path[4]
        if kind == "pkranges":
            return metadata.partition_ranges(container, request)
        if kind != "docs":
            raise bad_request("Users, scripts, triggers and the like are not to be had here")
        answer = self._items(container, request)
        answer.headers["x-ms-alt-content-path"] = container.name
        answer.headers["x-ms-content-path"] = Rids.text(container.rid)
        return answer

    def _container(self, request: Request) -> Container:
        try:
            container = self.account.container(request.path[1], request.path[3])
        except ServiceError as error:
            raise ServiceError(404, "Owner resource does not exist", substatus=1003) from error
        intended = request.headers.get("x-ms-cosmos-intended-collection-rid")
        if intended and intended != Rids.text(container.rid):
            raise bad_request("The container was deleted and created again", 1024)
        return container

    def _items(self, container: Container, request: Request) -> Answer:
        spend = self._spender(container)
        operation = request.operation
        if operation == "QueryPlan":
            return feeds.plan(container, request)
        if operation == "Query":
            return feeds.query(container, request, spend)
        if operation == "ReadFeed" and "A-IM" in request.headers:
            return change_feed(container, request, spend)
        if operation == "ReadFeed":
            return feeds.read_feed(container, request, spend)
        key = items.require(container, request.key)
        where = effective_key(key)
        spend(container.partition_of(where), 0)
        try:
            answer = self._item(container, request, operation)
        except ServiceError as error:
            spend(container.partition_of(where), error.charge)
            raise
        spend(container.partition_of(where), answer.charge)
        if answer.status in (200, 201) and operation not in ("Read", "Batch"):
            self._shorten(request, answer)
        return answer

    def _item(self, container: Container, request: Request, operation: str) -> Answer:
        conditions = {
            name: request.headers[name]
            for name in ("If-Match", "If-None-Match")
            if name in request.headers
        }
        key = request.key
        if operation == "Batch":
            return batch(container, request)
        if operation == "Create":
            return items.create(container, key, request.json())
        if operation == "Upsert":
            return items.upsert(container, key, request.json(), conditions)
        id = request.path[5] if len(request.path) == 6 else ""
        actions: dict[str, Callable[[], Answer]] = {
            "Read": lambda: items.read(container, key, id, conditions),
            "Replace": lambda: items.replace(container, key, id, request.json(), conditions),
            "Patch": lambda: patch(container, key, id, request.json(), conditions),
            "Delete": lambda: items.delete(container, key, id, conditions),
        }
        if operation not in actions:
            raise ServiceError(405, "The requested verb is not supported.")
        return actions[operation]()

    @staticmethod
    def _shorten(request: Request, answer: Answer) -> None:
        if "return=minimal" in request.headers.get("Prefer", ""):
            answer.body = b""

    def _spender(self, container: Container) -> feeds.Spend:
        """Of the request units of each of its partitions, which have equal shares."""
        limit = self.script.limit(container.database.id)

        def spend(partition: Partition, charge: float) -> None:
            if limit is None:
                return
            rate = limit / len(container.partitions)
            budget = container.budgets.get(partition.id)
            if budget is None or budget.rate != rate:
                budget = container.budgets[partition.id] = Budget(rate)
            if charge:
                budget.spend(charge)
                return
            wait = budget.wait()
            if wait:
                raise ServiceError(
                    429,
                    TOO_LARGE,
                    substatus=3200,
                    charge=0.38,
                    headers={"x-ms-retry-after-ms": str(max(1, int(wait * 1000)))},
                )

        return spend
