"""Transactional batches: several operations on items of one partition key, all or none.

Facts: the page "Transactional batch operations in Azure Cosmos DB" (at most 100 operations and
2 MB; the failed one has its status, the others 424), and what the Python client sends and reads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tests.servers.cosmosdb.gateway import items
from tests.servers.cosmosdb.gateway.errors import ServiceError, bad_request
from tests.servers.cosmosdb.gateway.numbers import dumps, loads
from tests.servers.cosmosdb.gateway.patch import patch
from tests.servers.cosmosdb.gateway.request import Answer, Request
from tests.servers.cosmosdb.gateway.resources import Container, Key

__all__ = ["batch"]

MOST: Final = 100


def batch(container: Container, request: Request) -> Answer:
    """Raises ServiceError: 400 for more than 100 operations, 413 for more than 2 MB."""
    if len(request.body) > items.LARGEST:
        raise ServiceError(413, "Request size is too large")
    key = items.require(container, request.key)
    operations = request.json()
    if not isinstance(operations, list) or not operations:
        raise bad_request("The batch request has no operations")
    if len(operations) > MOST:
        raise bad_request(f"Batch request has more operations than what is supported: {MOST}")
    partition = container.partition_of(container.new_item(key).where)
    before = partition.lsn
    results: list[dict[str, Any]] = []
    undo: list[Callable[[], None]] = []
    charge = 0.0
    failed: ServiceError | None = None
    for operation in operations:
        try:
            undo.append(_memory(container, key, _id(operation)))
            answer = _run(container, key, operation)
        except ServiceError as error:
            failed = error
            break
        charge += answer.charge
        results.append(_result(answer))
    status = 200
    if failed is not None:
        for revert in reversed(undo):
            revert()
        status = 207
        results = [{"statusCode": 424, "requestCharge": 0} for _ in operations]
        results[len(undo) - 1] = {
            "statusCode": failed.status,
            "subStatusCode": failed.substatus,
            "requestCharge": failed.charge,
        }
        charge += failed.charge
    elif partition.lsn > before:
        partition.lsn = before + 1
        for item in (container.find(key, _id(operation)) for operation in operations):
            if item is not None and item.lsn > before:
                item.lsn = partition.lsn  # what a transaction writes is one change
    headers = {
        "x-ms-documentdb-partitionkeyrangeid": partition.id,
        "x-ms-session-token": f"{partition.id}:-1#{partition.lsn}",
    }
    return Answer(status, dumps(results), charge, headers)


def _id(operation: Any) -> str:
    if not isinstance(operation, dict):
        raise bad_request("An operation of a batch must be an object")
    body = operation.get("resourceBody")
    return str(operation.get("id") or (body.get("id") if isinstance(body, dict) else ""))


def _memory(container: Container, key: Key, id: str) -> Callable[[], None]:
    """What puts an item back to what it is now."""
    item = container.find(key, id)
    kept = None if item is None else (item.body, item.text, item.expires, item.lsn)

    def revert() -> None:
        now = container.find(key, id)
        if now is not None and now is not item:
            container.partition_of(now.where).remove(now)
        if item is not None and kept is not None:
            item.body, item.text, item.expires, item.lsn = kept
            partition = container.partition_of(item.where)
            (partition.changed if now is item else partition.add)(item)

    return revert


def _run(container: Container, key: Key, operation: dict[str, Any]) -> Answer:
    body = operation.get("resourceBody")
    id = str(operation.get("id", ""))
    conditions = {
        header: str(operation[name])
        for name, header in (("ifMatch", "If-Match"), ("ifNoneMatch", "If-None-Match"))
        if operation.get(name) is not None
    }
    match operation.get("operationType"):
        case "Create":
            return items.create(container, key, body)
        case "Upsert":
            return items.upsert(container, key, body, conditions)
        case "Replace":
            return items.replace(container, key, id, body, conditions)
        case "Read":
            return items.read(container, key, id, conditions)
        case "Delete":
            return items.delete(container, key, id, conditions)
        case "Patch":
            return patch(container, key, id, body, conditions)
        case other:
            raise bad_request(f"The operation '{other}' is not known")


def _result(answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = {"statusCode": answer.status, "requestCharge": answer.charge}
    if "etag" in answer.headers:
        found["eTag"] = answer.headers["etag"]
    if answer.body:
        found["resourceBody"] = loads(answer.body)
    return found
