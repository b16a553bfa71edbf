"""Azure Cosmos DB: what each operation asks of the service, beside careful code on azure-cosmos.

Requests and request units are counted, not measured: they are the same in every run.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from azure.core import MatchConditions
from azure.cosmos import ContainerProxy, CosmosClient
from azure.cosmos.exceptions import CosmosResourceNotFoundError

from interstore._sync.store import Store
from tests.databases import cosmosdb
from tests.servers.cosmosdb import CosmosDB
from tests.servers.process import ServerUnavailable

__all__ = ["Cost", "Spent", "requests_of_cosmosdb"]

MODEL: Final = "m"
QUEUE: Final = "q"
COUNT: Final = 200
SEVEN: Final = {"@n": 7}
NOW: Final = "2026-01-31T12:00:00.000000Z"


class Spent(NamedTuple):
    """For one operation: requests for items, and their request units."""

    requests: int
    units: float


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one operation, by Interstore and by hand.

    Attributes:
        why: why Interstore's is higher, if it is.
    """

    name: str
    ours: Spent
    theirs: Spent
    why: str = ""


class ByHand:
    """The client, by somebody who keeps versions and times, and asks each partition itself."""

    def __init__(self, container: ContainerProxy, queue: ContainerProxy) -> None:
        self._container = container
        self._queue = queue
        self._ranges = list(container.read_feed_ranges())

    def get(self, id: str) -> Any:
        return self._container.read_item(id, id)

    def get_many(self, ids: list[str]) -> Any:
        if len(ids) <= 16:
            return [self.get(id) for id in ids]
        names = [f"@p{number}" for number in range(len(ids))]
        return self.query(
            f'SELECT * FROM c WHERE c["id"] IN ({", ".join(names)})',
            values=dict(zip(names, ids, strict=True)),
        )

    def query(
        self,
        sql: str,
        most: int = 1_000,
        values: Mapping[str, Any] = MappingProxyType({}),
        container: ContainerProxy | None = None,
    ) -> list[Any]:
        parameters = [{"name": name, "value": value} for name, value in values.items()]
        return [
            row
            for each in self._ranges
            for row in (container or self._container).query_items(
                sql, parameters=parameters, feed_range=each, max_item_count=most
            )
        ]

    def create(self, id: str) -> None:
        self._container.create_item(item(id), no_response=True)

    def update(self, id: str, condition: str = "> 0") -> None:
        self._container.patch_item(
            id,
            id,
            [
                {"op": "set", "path": "/n", "value": 5},
                {"op": "incr", "path": "/_interstore/version", "value": 1},
                {"op": "set", "path": "/_interstore/updated_at", "value": NOW},
            ],
            filter_predicate=f'FROM c WHERE c["_interstore"]["version"] {condition}',
        )

    def put(self, id: str) -> None:
        try:
            found = self.get(id)
        except CosmosResourceNotFoundError:
            self.create(id)
            return
        self._container.replace_item(
            id,
            item(id),
            etag=found["_etag"],
            match_condition=MatchConditions.IfNotModified,
            no_response=True,
        )

    def delete(self, id: str) -> None:
        with suppress(CosmosResourceNotFoundError):
            self._container.delete_item(id, id)

    def figures(self) -> dict[Any, list[float]]:
        """How many documents have each name of a kind, and the mean of their numbers."""
        found: dict[Any, list[float]] = {}
        for row in self.query(
            'SELECT c["kind"] AS k, COUNT(1) AS n, SUM(c["n"]) AS s, COUNT(c["n"]) AS m '
            'FROM c GROUP BY c["kind"]'
        ):
            figures = found.setdefault(row.get("k"), [0, 0, 0])
            for place, name in enumerate("nsm"):
                figures[place] += row[name]
        return found

    def distinct(self) -> set[Any]:
        return set(self.query('SELECT DISTINCT VALUE c["kind"] FROM c'))

    def claim(self) -> None:
        found = self.query(
            'SELECT TOP 1 * FROM c WHERE c["state"] = @state '
            'ORDER BY c["state"] DESC, c["priority"] DESC, c["_interstore"]["id"] DESC',
            1,
            {"@state": "new"},
            self._queue,
        )
        job = max(found, key=lambda each: (each["priority"], each["id"]))
        envelope = {**job["_interstore"], "version": 2, "updated_at": NOW}
        self._queue.replace_item(
            job["id"],
            {**job, "state": "taken", "_interstore": envelope},
            etag=job["_etag"],
            match_condition=MatchConditions.IfNotModified,
            no_response=True,
        )

    def delete_version(self, id: str) -> None:
        etag = self.get(id)["_etag"]
        condition = MatchConditions.IfNotModified
        self._container.delete_item(id, id, etag=etag, match_condition=condition)


def item(id: str) -> dict[str, Any]:
    """A document as the engine stores it."""
    envelope = {"id": id, "version": 1, "created_at": NOW, "updated_at": NOW}
    return {"id": id, **_fields(int(id[1:])), "_interstore": envelope}


def _fields(number: int) -> dict[str, Any]:
    kind = f"kind {number % 5}"
    return {"n": number % 20, "kind": kind, "name": f"name {number}", "text": "x" * 200}


def _job(number: int) -> dict[str, Any]:
    return {"id": f"d{number:03}", "state": "new", "priority": number % 5, "text": "x" * 200}


def _ids(first: int, count: int) -> list[str]:
    return [f"d{number:03}" for number in range(first, first + count)]


_BY_CLASSES: Final = "values of other classes, and none, are asked for first, in the order of all"

OPERATIONS: Final[tuple[tuple[str, Callable[[Store], Any], Callable[[ByHand], Any], str], ...]] = (
    ("get", lambda s: s.get(MODEL, "d001"), lambda h: h.get("d001"), ""),
    ("find 10 by id", lambda s: s.find_by_ids(MODEL, _ids(0, 10)),
     lambda h: h.get_many(_ids(0, 10)), ""),
    ("find 100 by id", lambda s: s.find_by_ids(MODEL, _ids(0, 100)),
     lambda h: h.get_many(_ids(0, 100)), ""),
    ("create", lambda s: s.create(MODEL, {"id": "d900", **_fields(900)}),
     lambda h: h.create("d901"), ""),
    ("update a field", lambda s: s.update(MODEL, "d010", {"n": 5}), lambda h: h.update("d011"), ""),
    ("update, if_version", lambda s: s.update(MODEL, "d012", {"n": 5}, if_version=1),
     lambda h: h.update("d013", "= 1"), ""),
    ("put, existing", lambda s: s.put(MODEL, {"id": "d014", **_fields(14)}),
     lambda h: h.put("d015"), ""),
    ("put, new", lambda s: s.put(MODEL, {"id": "d902", **_fields(902)}),
     lambda h: h.put("d903"), ""),
    ("delete", lambda s: s.delete(MODEL, "d900"), lambda h: h.delete("d901"), ""),
    ("delete, if_version", lambda s: s.delete(MODEL, "d902", if_version=1),
     lambda h: h.delete_version("d903"), ""),
    ("find 10, one field", lambda s: s.find(MODEL, {"n": 7}).to_list(),
     lambda h: h.query('SELECT * FROM c WHERE c["n"] = @n', values=SEVEN), ""),
    ("first 10 by id", lambda s: s.find(MODEL, limit=10).to_list(),
     lambda h: h.query('SELECT TOP 10 * FROM c ORDER BY c["_interstore"]["id"]', 10), ""),
    ("count", lambda s: s.count(MODEL, {"n": 7}),
     lambda h: h.query('SELECT VALUE COUNT(1) FROM c WHERE c["n"] = @n', values=SEVEN), ""),
    ("exists", lambda s: s.exists(MODEL, {"n": 7}),
     lambda h: h.query('SELECT TOP 1 VALUE 1 FROM c WHERE c["n"] = @n', 1, values=SEVEN), ""),
    ("first 10 by a field of numbers", lambda s: s.find(MODEL, sort="n", limit=10).to_list(),
     lambda h: h.query('SELECT TOP 11 * FROM c WHERE IS_NUMBER(c["n"]) ORDER BY c["n"]', 11),
     _BY_CLASSES),
    ("aggregate, by a field", lambda s: s.aggregate(
        MODEL, group_by="kind", number="count", mean=("avg", "n")),
     ByHand.figures, ""),
    ("distinct", lambda s: s.distinct(MODEL, "kind"), ByHand.distinct, ""),
    ("find_one_and_update, sorted, from an index", lambda s: s.find_one_and_update(
        QUEUE, {"state": "new"}, {"state": "taken"}, sort="-priority"),
     ByHand.claim, ""),
)  # fmt: skip


def requests_of_cosmosdb(server: CosmosDB) -> list[Cost]:
    """Each operation on a container of four physical partitions.

    Raises:
        ServerUnavailable: it is one's own account, which does not count.
    """
    faults = server.faults
    if faults is None:
        raise ServerUnavailable("requests are counted by the tests' own account alone")

    def spent(call: Callable[[], Any]) -> Spent:
        faults.forget()
        call()
        usage = faults.usage()
        return Spent(sum(usage.counts.values()), usage.charge)

    with _filled(server) as (store, by_hand):
        return [
            Cost(name, spent(partial(ours, store)), spent(partial(theirs, by_hand)), why)
            for name, ours, theirs, why in OPERATIONS
        ]


@contextmanager
def _filled(server: CosmosDB) -> Generator[tuple[Store, ByHand]]:
    with server.database() as url, Store(cosmosdb(url)) as store:
        store.create_many(MODEL, [{"id": id, **_fields(int(id[1:]))} for id in _ids(0, COUNT)])
        store.ensure_index(QUEUE, "state", "priority", type=["string", "number"])
        store.create_many(QUEUE, [_job(number) for number in range(COUNT)])
        for model in (MODEL, QUEUE):
            store.count(model)  # which is when the partitions are asked for
        parts = urlsplit(url)
        with CosmosClient(server.endpoint, unquote(parts.password or "")) as client:
            database = client.get_database_client(parts.path.lstrip("/"))
            yield store, ByHand(*map(database.get_container_client, (MODEL, QUEUE)))
