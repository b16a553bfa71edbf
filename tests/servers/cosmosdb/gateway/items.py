"""Items: create, read, replace, upsert, delete; what they may be, and under which conditions.

Facts: the pages "Create a document", "Get a document", "Replace a document", "Delete a document"
of the REST reference, and "Azure Cosmos DB service quotas" (2 MB, ids of 1,023 bytes, 128 levels).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.servers.cosmosdb.gateway import charges
from tests.servers.cosmosdb.gateway.errors import ServiceError, bad_request
from tests.servers.cosmosdb.gateway.numbers import depth, dumps
from tests.servers.cosmosdb.gateway.request import Answer
from tests.servers.cosmosdb.gateway.resources import Container, Item, Key
from tests.servers.cosmosdb.gateway.sql.values import UNDEFINED

__all__ = ["SYSTEM", "check_condition", "create", "delete", "read", "replace", "require", "upsert"]

LARGEST: Final = 2 * 1024 * 1024
LONGEST_ID: Final = 1023
DEEPEST: Final = 128
SYSTEM: Final = ("_rid", "_self", "_etag", "_attachments", "_ts")

MISMATCH: Final = (
    "PartitionKey extracted from document doesn't match the one specified in the header"
)
MISSING_ID: Final = (
    "The input content is invalid because the required properties - 'id; ' - are missing"
)
CONFLICT: Final = "Entity with the specified id already exists in the system."
PRECONDITION: Final = (
    "Operation cannot be performed because one of the specified precondition is not met."
)
NO_KEY: Final = "PartitionKey value must be supplied for this operation."

Conditions = Mapping[str, str]
"""The headers If-Match and If-None-Match, of those that there are."""


def require(container: Container, key: Key | None) -> Key:
    """Raises ServiceError (400) unless the key has a value for each path."""
    if key is None:
        raise bad_request(NO_KEY)
    if len(key) != len(container.paths):
        raise bad_request(
            "Partition key provided either doesn't correspond to definition in the collection or "
            "doesn't match partition key field values specified in the document.",
            1001,
        )
    return key


def key_of(container: Container, body: Mapping[str, Any]) -> Key:
    """The partition key that an item has by its properties."""
    found = []
    for path in container.paths:
        value: Any = body
        for step in path:
            value = value.get(step, UNDEFINED) if isinstance(value, dict) else UNDEFINED
        if isinstance(value, (list, dict)):
            value = UNDEFINED
        found.append(value)
    return tuple(found)


def check(container: Container, key: Key, body: Any) -> dict[str, Any]:
    """A body as it may be stored, without what only the system may say.

    Raises:
        ServiceError: 400 or 413.
    """
    if not isinstance(body, dict):
        raise bad_request("The input content is invalid: the item must be an object")
    id = body.get("id")
    if not isinstance(id, str) or not id:
        raise bad_request(MISSING_ID)
    if len(id.encode("utf-8", "surrogatepass")) > LONGEST_ID or set("/\\") & set(id):
        raise bad_request(f"The input name '{id[:100]}' is invalid: too long, or with / or \\")
    ttl = body.get("ttl", -1)
    if type(ttl) is not int or (ttl < 1 and ttl != -1):
        raise bad_request(f"The input ttl '{ttl}' is invalid. Ensure to provide a nonzero integer")
    kept = {name: value for name, value in body.items() if name not in SYSTEM}
    if depth(kept) > DEEPEST:
        raise bad_request("The document is nested deeper than 128 levels")
    size = len(dumps(kept))
    if size > LARGEST:
        raise ServiceError(413, "Request size is too large")
    if not _same_key(key_of(container, kept), key):
        raise bad_request(MISMATCH, 1001)
    return kept


def _same_key(left: Key, right: Key) -> bool:
    return len(left) == len(right) and all(
        (type(one) is bool) == (type(other) is bool) and one == other
        for one, other in zip(left, right, strict=True)
    )


def check_condition(item: Item | None, conditions: Conditions) -> None:
    """Raises ServiceError (412) where If-Match or If-None-Match is not met by a write."""
    wanted = conditions.get("If-Match")
    if wanted is not None and (item is None or wanted not in ("*", item.etag)):
        raise ServiceError(412, PRECONDITION, charge=charges.DENIED)
    unwanted = conditions.get("If-None-Match")
    if unwanted is not None and item is not None and unwanted in ("*", item.etag):
        raise ServiceError(412, PRECONDITION, charge=charges.DENIED)


def find(container: Container, key: Key, id: str) -> Item:
    item = container.find(key, id)
    if item is None:
        raise ServiceError(404, "Entity with the specified id does not exist in the system.")
    return item


def create(container: Container, key: Key | None, body: Any) -> Answer:
    key = require(container, key)
    kept = check(container, key, body)
    if container.find(key, kept["id"]) is not None:
        raise ServiceError(409, CONFLICT, charge=charges.DENIED)
    item = container.new_item(key)
    container.store(item, kept)
    container.partition_of(item.where).add(item)
    return _written(container, item, 201, charges.create(len(item.text), item.body))


def upsert(container: Container, key: Key | None, body: Any, conditions: Conditions) -> Answer:
    key = require(container, key)
    kept = check(container, key, body)
    item = container.find(key, kept["id"])
    check_condition(item, conditions)
    if item is None:
        return create(container, key, kept)
    container.store(item, kept)
    return _written(container, item, 200, charges.replace(len(item.text), item.body))


def replace(
    container: Container, key: Key | None, id: str, body: Any, conditions: Conditions
) -> Answer:
    key = require(container, key)
    item = find(container, key, id)
    check_condition(item, conditions)
    kept = check(container, key, body)
    if kept["id"] != id:
        raise bad_request("The id of an item cannot be changed")
    container.store(item, kept)
    return _written(container, item, 200, charges.replace(len(item.text), item.body))


def read(container: Container, key: Key | None, id: str, conditions: Conditions) -> Answer:
    key = require(container, key)
    item = find(container, key, id)
    headers = _headers(container, item)
    if conditions.get("If-None-Match") == item.etag:
        return Answer(304, b"", 1.0, headers)
    return Answer(200, item.text, charges.read(len(item.text)), headers)


def delete(container: Container, key: Key | None, id: str, conditions: Conditions) -> Answer:
    key = require(container, key)
    item = find(container, key, id)
    check_condition(item, conditions)
    partition = container.partition_of(item.where)
    partition.remove(item)
    partition.lsn += 1
    headers = _headers(container, item)
    del headers["etag"]
    return Answer(204, b"", charges.delete(len(item.text), item.body), headers)


def _written(container: Container, item: Item, status: int, charge: float) -> Answer:
    partition = container.partition_of(item.where)
    partition.lsn += 1
    item.lsn = partition.lsn
    return Answer(status, item.text, charge, _headers(container, item))


def _headers(container: Container, item: Item) -> dict[str, str]:
    partition = container.partition_of(item.where)
    return {
        "etag": item.etag,
        "x-ms-documentdb-partitionkeyrangeid": partition.id,
        "x-ms-session-token": f"{partition.id}:-1#{partition.lsn}",
        "lsn": str(partition.lsn),
    }
