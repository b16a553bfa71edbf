"""What the account holds: databases, containers, their physical partitions, items."""

from __future__ import annotations

import bisect
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from tests.servers.cosmosdb.gateway.budget import Budget
from tests.servers.cosmosdb.gateway.errors import ServiceError, not_found
from tests.servers.cosmosdb.gateway.hashing import bounds, effective_key, middle
from tests.servers.cosmosdb.gateway.numbers import dumps
from tests.servers.cosmosdb.gateway.ordering import Order, Ordered, Paths
from tests.servers.cosmosdb.gateway.policy import IndexingPolicy
from tests.servers.cosmosdb.gateway.rid import Rids

__all__ = ["Account", "Container", "Database", "Item", "Key", "Partition", "new_etag"]

Key = tuple[Any, ...]
"""The values of an item's partition key."""

DEFAULT_PARTITIONS: Final = 4
MOST_ORDERS: Final = 8
"""Of a partition that are kept: each makes writes slower."""

_etags = itertools.count(1)


def new_etag() -> str:
    """Quoted, as every etag of the service is."""
    number = next(_etags)
    return f'"{number >> 32:08x}-0000-0000-0000-{number & 0xFFFFFFFF:08x}0000"'


class Item:
    """One item.

    Attributes:
        number: the last 8 bytes of its `_rid`: items are scanned in the order of it.
        key: its partition key.
        body: all its properties, those of the system too.
        text: the same as JSON.
        expires: when, in seconds since the epoch; ``None``: never.
        lsn: of its last change: that of its partition then.
    """

    __slots__ = ("body", "expires", "key", "lsn", "number", "text", "where")

    def __init__(self, number: int, key: Key, where: str) -> None:
        self.number = number
        self.key = key
        self.where = where
        self.body: dict[str, Any] = {}
        self.text = b""
        self.expires: float | None = None
        self.lsn = 0

    @property
    def id(self) -> str:
        return str(self.body["id"])

    @property
    def etag(self) -> str:
        return str(self.body["_etag"])


class Partition:
    """A physical partition: the items whose effective partition keys lie in a range."""

    def __init__(self, id: str, low: str, high: str, parents: tuple[str, ...] = ()) -> None:
        self.id = id
        self.low = low
        self.high = high
        self.parents = parents
        self.etag = new_etag()
        self.made = int(time.time())
        self.items: dict[tuple[str, str], Item] = {}
        self.lsn = 1
        self._numbers: list[int] = []
        self._by_number: dict[int, Item] = {}
        self._orders: dict[Paths, Order] = {}

    def add(self, item: Item) -> None:
        self.items[item.where, item.id] = item
        self._by_number[item.number] = item
        self._numbers.append(item.number)
        self.changed(item)

    def changed(self, item: Item) -> None:
        """An item of it has another body."""
        if item.number in self._by_number:
            for order in self._orders.values():
                order.put(item.number, item.body)

    def remove(self, item: Item) -> None:
        del self.items[item.where, item.id]
        del self._by_number[item.number]
        for order in self._orders.values():
            order.remove(item.number)
        if len(self._numbers) > 100 + 2 * len(self.items):
            self._numbers = [one for one in self._numbers if one in self._by_number]

    def in_order(self, wanted: Ordered) -> Iterator[Item]:
        """Those that have not expired, in an order of which there is an index from now on."""
        order = self._orders.get(wanted.paths)
        if order is None:
            if len(self._orders) >= MOST_ORDERS:
                self._orders.clear()
            bodies = ((number, item.body) for number, item in self._by_number.items())
            order = self._orders[wanted.paths] = Order(wanted.paths, bodies)
        now = time.time()
        found = map(self._by_number.__getitem__, order.numbers(wanted))
        return (item for item in found if item.expires is None or item.expires > now)

    def scan(self, after: int = 0) -> Iterator[Item]:
        """Those that have not expired, from a number on, in the order of their numbers."""
        now = time.time()
        for number in self._numbers[bisect.bisect_right(self._numbers, after) :]:
            item = self._by_number.get(number)
            if item is not None and (item.expires is None or item.expires > now):
                yield item

    def size_of(self, number: int) -> int:
        """The bytes of an item."""
        item = self._by_number.get(number)
        return 0 if item is None else len(item.text)

    def covers(self, where: str) -> bool:
        return self.low <= where < self.high


@dataclass
class Container:
    """A container.

    Attributes:
        paths: of its partition key, each as its keys.
        budget: of request units; ``None``: unlimited, unless the account has a limit.
    """

    database: Database
    id: str
    rid: bytes
    properties: dict[str, Any]
    throughput: int | None
    autoscale: int | None = None
    partitions: list[Partition] = field(default_factory=list)
    _item_numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _partition_ids: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.budgets: dict[str, Budget] = {}
        self.replace(self.properties)

    def replace(self, properties: dict[str, Any]) -> None:
        """Take other properties, of which the partition key is the same."""
        self.properties = {
            **properties,
            "_rid": Rids.text(self.rid),
            "_self": f"{self.database.link}colls/{Rids.text(self.rid)}/",
            "_etag": new_etag(),
            "_ts": int(time.time()),
            "_docs": "docs/",
            "_sprocs": "sprocs/",
            "_triggers": "triggers/",
            "_udfs": "udfs/",
            "_conflicts": "conflicts/",
        }
        definition = properties["partitionKey"]
        self.paths = [path.strip("/").split("/") for path in definition["paths"]]
        self.policy = IndexingPolicy(properties["indexingPolicy"])
        ttl = properties.get("defaultTtl")
        self.default_ttl = ttl if isinstance(ttl, int) else None

    def start(self, partitions: int) -> None:
        ends = bounds(partitions)
        self.partitions = [
            Partition(str(next(self._partition_ids)), low, high)
            for low, high in itertools.pairwise(ends)
        ]

    @property
    def link(self) -> str:
        return str(self.properties["_self"])

    @property
    def name(self) -> str:
        return f"dbs/{self.database.id}/colls/{self.id}"

    def partition_of(self, where: str) -> Partition:
        return next(one for one in self.partitions if one.covers(where))

    def partition(self, id: str) -> Partition:
        """By its id, which may be preceded by the container's.

        Raises:
            ServiceError: 410 with 1002: it was split, or there never was one.
        """
        id = id.rpartition(",")[2]
        found = next((one for one in self.partitions if one.id == id), None)
        if found is None:
            raise ServiceError(
                410, "The requested resource is no longer available at the server.", substatus=1002
            )
        return found

    def new_item(self, key: Key) -> Item:
        return Item(next(self._item_numbers), key, effective_key(key))

    def find(self, key: Key, id: str) -> Item | None:
        """One that has not expired; one that has is removed."""
        where = effective_key(key)
        partition = self.partition_of(where)
        item = partition.items.get((where, id))
        if item is not None and item.expires is not None and item.expires <= time.time():
            partition.remove(item)
            return None
        return item

    def split(self, id: str | None = None) -> Partition:
        """Divide a partition, by default the fullest, into two with new ids; returns the old."""
        old = max(self.partitions, key=lambda one: len(one.items))
        if id is not None:
            old = self.partition(id)
        between = middle(old.low, old.high)
        parents = (*old.parents, old.id)
        children = [
            Partition(str(next(self._partition_ids)), low, high, parents)
            for low, high in ((old.low, between), (between, old.high))
        ]
        for item in old.scan():
            children[not children[0].covers(item.where)].add(item)
        for child in children:
            child.lsn = old.lsn
        at = self.partitions.index(old)
        self.partitions[at : at + 1] = children
        return old

    def store(self, item: Item, body: dict[str, Any]) -> None:
        """Give an item a body, with new properties of the system."""
        rid = Rids.text(Rids.item(self.rid, item.number))
        now = time.time()
        item.body = {
            **body,
            "_rid": rid,
            "_self": f"{self.link}docs/{rid}/",
            "_etag": new_etag(),
            "_attachments": "attachments/",
            "_ts": int(now),
        }
        item.text = dumps(item.body)
        ttl = body.get("ttl", self.default_ttl)
        item.expires = None
        if self.default_ttl is not None and isinstance(ttl, int) and ttl != -1:
            item.expires = now + ttl
        self.partition_of(item.where).changed(item)


@dataclass
class Database:
    """A database.

    Attributes:
        partitions: how many a new container has; ``None``: as many as the account says.
    """

    id: str
    rid: bytes
    throughput: int | None = None
    partitions: int | None = None
    containers: dict[str, Container] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.etag = new_etag()
        self.made = int(time.time())

    @property
    def link(self) -> str:
        return f"dbs/{Rids.text(self.rid)}/"

    def properties(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "_rid": Rids.text(self.rid),
            "_self": self.link,
            "_etag": self.etag,
            "_colls": "colls/",
            "_users": "users/",
            "_ts": self.made,
        }


class Account:
    """All of it.

    Attributes:
        partitions: how many a new container has, unless its database says otherwise.
    """

    def __init__(self, partitions: int = DEFAULT_PARTITIONS) -> None:
        self.partitions = partitions
        self.databases: dict[str, Database] = {}
        self._rids = Rids()

    def database(self, id: str) -> Database:
        """By name or `_rid`; raises ServiceError (404)."""
        found = self.databases.get(id)
        if found is None:
            found = next((one for one in self.databases.values() if Rids.text(one.rid) == id), None)
        if found is None:
            raise not_found()
        return found

    def container(self, database: str, id: str) -> Container:
        """By names or `_rid`s; raises ServiceError (404)."""
        containers = self.database(database).containers
        found = containers.get(id)
        if found is None:
            found = next((one for one in containers.values() if Rids.text(one.rid) == id), None)
        if found is None:
            raise not_found()
        return found

    def new_database(self, id: str, throughput: int | None) -> Database:
        if id in self.databases:
            raise ServiceError(409, "Entity with the specified id already exists in the system.")
        self.databases[id] = Database(id, self._rids.database(), throughput)
        return self.databases[id]

    def new_container(
        self, database: Database, properties: dict[str, Any], throughput: int | None
    ) -> Container:
        id = properties["id"]
        if id in database.containers:
            raise ServiceError(409, "Entity with the specified id already exists in the system.")
        rid = self._rids.container(database.rid)
        container = Container(database, id, rid, properties, throughput)
        container.start(database.partitions or self.partitions)
        database.containers[id] = container
        return container
