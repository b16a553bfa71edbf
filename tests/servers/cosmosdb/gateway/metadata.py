"""Databases, containers, their partitions and their throughput.

Facts: the pages "Databases", "Collections", "Offers" and "Get partition key ranges" of the REST
reference, and what the Python client reads of them.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from tests.servers.cosmosdb.gateway import charges
from tests.servers.cosmosdb.gateway.errors import ServiceError, bad_request, not_found
from tests.servers.cosmosdb.gateway.numbers import dumps
from tests.servers.cosmosdb.gateway.policy import DEFAULT_POLICY, IndexingPolicy
from tests.servers.cosmosdb.gateway.request import Answer, Request
from tests.servers.cosmosdb.gateway.resources import Account, Container, Database, Partition
from tests.servers.cosmosdb.gateway.rid import Rids
from tests.servers.cosmosdb.gateway.sql.lexer import SqlError
from tests.servers.cosmosdb.gateway.sql.run import prepare

__all__ = ["account_of", "containers", "databases", "offers", "partition_ranges"]

DEFAULT_THROUGHPUT: Final = 400
MOST_THROUGHPUT: Final = 1_000_000
NAME: Final = re.compile(r"[^/\\?#]{1,255}")


def _answer(status: int, value: Mapping[str, Any]) -> Answer:
    headers = {"etag": value["_etag"]} if "_etag" in value else {}
    return Answer(status, dumps(value), charges.METADATA, headers)


def _feed(name: str, rid: bytes, found: Iterable[Mapping[str, Any]], request: Request) -> Answer:
    """All of them, or what a query says of them."""
    values: list[Any] = list(found)
    if request.method == "POST":
        body = request.json()
        parameters = {one["name"]: one.get("value") for one in body.get("parameters") or []}
        try:
            prepared = prepare(body["query"])
            rows = prepared.rows(enumerate(values), parameters)
            values = [row.value for row in prepared.finished(rows, parameters)]
        except SqlError as error:
            raise bad_request(f"Message: {error.body()}") from None
    text = {"_rid": Rids.text(rid), name: values, "_count": len(values)}
    answer = _answer(200, text)
    answer.headers["x-ms-item-count"] = str(len(values))
    return answer


def account_of(request: Request) -> Answer:
    """The database account: one region, reached as this request reached it."""
    here = [{"name": "Test", "databaseAccountEndpoint": request.account}]
    return _answer(
        200,
        {
            "_self": "",
            "id": "test",
            "_rid": "test.documents.azure.com",
            "media": "//media/",
            "addresses": "//addresses/",
            "_dbs": "//dbs/",
            "writableLocations": here,
            "readableLocations": here,
            "enableMultipleWriteLocations": False,
            "userReplicationPolicy": {"asyncReplication": False, "minReplicaSetSize": 3},
            "userConsistencyPolicy": {"defaultConsistencyLevel": "Session"},
            "systemReplicationPolicy": {"minReplicaSetSize": 3, "maxReplicasetSize": 4},
            "readPolicy": {"primaryReadCoefficient": 1, "secondaryReadCoefficient": 1},
            "queryEngineConfiguration": json.dumps(
                {"maxSqlQueryInputLength": 524288, "maxJoinsPerSqlQuery": 10}
            ),
        },
    )


def _name(body: Any) -> str:
    id = body.get("id") if isinstance(body, dict) else None
    if not isinstance(id, str) or NAME.fullmatch(id) is None:
        raise bad_request("The input name is invalid: 1 to 255 characters without /, \\, ? and #")
    return id


def _throughput(request: Request) -> tuple[int | None, int | None]:
    """What was asked for by hand, and as the most of autoscale."""
    text = request.headers.get("x-ms-offer-throughput")
    if text is not None:
        return _valid_throughput(int(text)), None
    settings = request.headers.get("x-ms-cosmos-offer-autopilot-settings")
    if settings is not None:
        return None, _valid_throughput(int(json.loads(settings)["maxThroughput"]), 1000)
    return None, None


def _valid_throughput(value: int, step: int = 100) -> int:
    least = max(step, DEFAULT_THROUGHPUT)
    if not least <= value <= MOST_THROUGHPUT or value % step:
        raise bad_request(
            f"The offer should have valid throughput values between {least} and "
            f"{MOST_THROUGHPUT} inclusive in increments of {step}."
        )
    return value


def databases(account: Account, request: Request) -> Answer:
    """`/dbs` and `/dbs/name`."""
    if len(request.path) == 2:
        database = account.database(request.path[1])
        if request.method == "GET":
            return _answer(200, database.properties())
        if request.method == "DELETE":
            del account.databases[database.id]
            return Answer(204, b"", charges.METADATA)
    elif request.method == "POST" and request.operation == "Create":
        throughput, autoscale = _throughput(request)
        database = account.new_database(_name(request.json()), throughput or autoscale)
        return _answer(201, database.properties())
    elif request.method in ("GET", "POST"):
        found = (one.properties() for one in account.databases.values())
        return _feed("Databases", b"", found, request)
    raise ServiceError(405, "The requested verb is not supported.")


def containers(account: Account, request: Request) -> Answer:
    """`/dbs/name/colls` and `/dbs/name/colls/name`."""
    database = account.database(request.path[1])
    if len(request.path) == 4:
        container = account.container(database.id, request.path[3])
        if request.method == "GET":
            return _answer(200, container.properties)
        if request.method == "PUT":
            return _replace(container, request.json())
        if request.method == "DELETE":
            del database.containers[container.id]
            return Answer(204, b"", charges.METADATA)
    elif request.method == "POST" and request.operation == "Create":
        return _create(account, database, request)
    elif request.method in ("GET", "POST"):
        found = (one.properties for one in database.containers.values())
        return _feed("DocumentCollections", database.rid, found, request)
    raise ServiceError(405, "The requested verb is not supported.")


def _create(account: Account, database: Database, request: Request) -> Answer:
    body = request.json()
    properties = _properties(_name(body), body)
    throughput, autoscale = _throughput(request)
    if throughput is None and autoscale is None and database.throughput is None:
        throughput = DEFAULT_THROUGHPUT
    container = account.new_container(database, properties, throughput)
    container.autoscale = autoscale
    return _answer(201, container.properties)


def _properties(id: str, body: Mapping[str, Any]) -> dict[str, Any]:
    definition = body.get("partitionKey")
    if not isinstance(definition, dict) or not definition.get("paths"):
        raise bad_request("The partition key definition is missing or has no paths")
    policy = copy.deepcopy(body.get("indexingPolicy") or DEFAULT_POLICY)
    if not policy.get("includedPaths") and not policy.get("excludedPaths"):
        policy = {**DEFAULT_POLICY, **{key: policy[key] for key in policy if policy[key]}}
    IndexingPolicy(policy)
    ttl = body.get("defaultTtl")
    if ttl is not None and (type(ttl) is not int or (ttl < 1 and ttl != -1)):
        raise bad_request(f"The value '{ttl}' specified for the defaultTtl is invalid")
    return {
        "id": id,
        "indexingPolicy": policy,
        # One that names no version is of the first, whose hash is another; here it is not.
        "partitionKey": {"kind": "Hash", "version": 2, **definition},
        **({} if ttl is None else {"defaultTtl": ttl}),
        "conflictResolutionPolicy": {
            "mode": "LastWriterWins",
            "conflictResolutionPath": "/_ts",
            "conflictResolutionProcedure": "",
        },
        "geospatialConfig": {"type": "Geography"},
    }


def _replace(container: Container, body: Mapping[str, Any]) -> Answer:
    properties = _properties(container.id, body)
    before = container.properties["partitionKey"]
    if body.get("id") != container.id or properties["partitionKey"]["paths"] != before["paths"]:
        raise bad_request("The id and the partition key of a container cannot be changed")
    container.replace(properties)
    answer = _answer(200, container.properties)
    answer.headers["x-ms-documentdb-collection-index-transformation-progress"] = "100"
    return answer


def partition_ranges(container: Container, request: Request) -> Answer:
    """The physical partitions: all, or with `A-IM` those that are new since an etag (or 304)."""
    known = request.headers.get("If-None-Match")
    etag = f'"{len(container.partitions)}-{container.partitions[-1].id}-{_newest(container)}"'
    headers = {"etag": etag}
    found = container.partitions
    if request.headers.get("A-IM") and known is not None:
        if known == etag:
            return Answer(304, b"", charges.METADATA, headers)
        seen = int(known.strip('"').rpartition("-")[2])
        found = [one for one in found if int(one.id) > seen]
    ranges = [_range(container, one) for one in found]
    body = {
        "_rid": Rids.text(container.rid),
        "PartitionKeyRanges": ranges,
        "_count": len(ranges),
    }
    headers["x-ms-item-count"] = str(len(ranges))
    return Answer(200, dumps(body), charges.METADATA, headers)


def _newest(container: Container) -> int:
    return max(int(one.id) for one in container.partitions)


def _range(container: Container, partition: Partition) -> dict[str, Any]:
    rid = Rids.text(Rids.item(container.rid, int(partition.id) + (0x5 << 60)))
    return {
        "_rid": rid,
        "id": partition.id,
        "_etag": partition.etag,
        "minInclusive": partition.low,
        "maxExclusive": partition.high,
        "ridPrefix": int(partition.id),
        "_self": f"{container.link}pkranges/{rid}/",
        "throughputFraction": 1 / len(container.partitions),
        "status": "online",
        "parents": list(partition.parents),
        "_ts": partition.made,
    }


def offers(account: Account, request: Request) -> Answer:
    """`/offers`, asked for by a query for one resource, and `/offers/rid`."""
    all_containers = [
        container
        for database in account.databases.values()
        for container in database.containers.values()
        if container.throughput is not None or container.autoscale is not None
    ]
    if len(request.path) == 2:
        container = next((one for one in all_containers if _offer_id(one) == request.path[1]), None)
        if container is None:
            raise not_found()
        if request.method == "PUT":
            _set_throughput(container, request.json()["content"])
        return _answer(200, _offer(container))
    return _feed("Offers", b"", map(_offer, all_containers), request)


def _set_throughput(container: Container, content: Mapping[str, Any]) -> None:
    settings = content.get("offerAutopilotSettings")
    if settings:
        container.throughput = None
        container.autoscale = _valid_throughput(int(settings["maxThroughput"]), 1000)
    else:
        container.throughput = _valid_throughput(int(content["offerThroughput"]))
        container.autoscale = None
    container.budgets.clear()


def _offer_id(container: Container) -> str:
    return container.rid[4:].hex()


def _offer(container: Container) -> dict[str, Any]:
    id = _offer_id(container)
    content: dict[str, Any] = {"offerIsRUPerMinuteThroughputEnabled": False}
    if container.autoscale is not None:
        content["offerThroughput"] = container.autoscale // 10
        content["offerAutopilotSettings"] = {
            "tier": 0,
            "maximumTierThroughput": 0,
            "autoUpgrade": False,
            "maxThroughput": container.autoscale,
        }
    else:
        content["offerThroughput"] = container.throughput
    return {
        "resource": container.link,
        "offerType": "Invalid",
        "offerResourceId": Rids.text(container.rid),
        "offerVersion": "V2",
        "content": content,
        "id": id,
        "_rid": id,
        "_self": f"offers/{id}/",
        "_etag": container.properties["_etag"],
        "_ts": container.properties["_ts"],
    }
