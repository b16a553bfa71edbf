"""The change feed: the latest version of each item that was written since.

Facts: the pages "Change feed in Azure Cosmos DB" (latest versions only, no deletes, in the order of
changes within a partition key), "List documents" (A-IM, If-None-Match, 304, etag) and
"ChangeFeedRequestOptions.PageSizeHint" (what a transaction wrote is not parted, so a page may be
longer), and the Python client's source.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime

from tests.servers.cosmosdb.gateway import charges
from tests.servers.cosmosdb.gateway.errors import bad_request
from tests.servers.cosmosdb.gateway.feeds import Scope, Spend, page_size, scope_of
from tests.servers.cosmosdb.gateway.numbers import dumps
from tests.servers.cosmosdb.gateway.request import Answer, Request
from tests.servers.cosmosdb.gateway.resources import Container, Item
from tests.servers.cosmosdb.gateway.rid import Rids

__all__ = ["change_feed"]


def change_feed(container: Container, request: Request, spend: Spend) -> Answer:
    """One page of what has changed in one partition; 304 if nothing has."""
    if request.headers["A-IM"].lower() != "incremental feed":
        raise bad_request("Only the latest versions are kept here, not all of them")
    scope = scope_of(container, request)
    if scope is None:
        raise bad_request("The change feed is read by partitions: name one")
    spend(scope.partition, 0)
    found = _changed(scope, request)
    page = found[: page_size(request)]
    page += [item for item in found[len(page) :] if item.lsn == page[-1].lsn]
    # What was seen is all, unless there is more than a page.
    lsn = page[-1].lsn if len(found) > len(page) else scope.partition.lsn
    headers = {
        "etag": f'"{lsn}"',
        "x-ms-item-count": str(len(page)),
        "x-ms-documentdb-partitionkeyrangeid": scope.partition.id,
        "x-ms-session-token": f"{scope.partition.id}:-1#{scope.partition.lsn}",
    }
    body = {
        "_rid": Rids.text(container.rid),
        "Documents": [{**item.body, "_lsn": item.lsn} for item in page],
        "_count": len(page),
    }
    text = dumps(body) if page else b""
    charge = charges.query(len(text), len(text))
    spend(scope.partition, charge)
    return Answer(200 if page else 304, text, charge, headers)


def _changed(scope: Scope, request: Request) -> list[Item]:
    known = request.headers.get("If-None-Match")
    since = request.headers.get("If-Modified-Since")
    found = list(scope.items(0))
    if known == "*":
        found = []
    elif known is not None:
        found = [item for item in found if item.lsn > _number(known)]
    elif since is not None:
        first = parsedate_to_datetime(since).timestamp()
        found = [item for item in found if item.body["_ts"] >= first]
    return sorted(found, key=lambda item: item.lsn)


def _number(etag: str) -> int:
    try:
        return int(etag.strip('"'))
    except ValueError:
        raise bad_request(f"Invalid Continuation Token: {etag[:100]}") from None
