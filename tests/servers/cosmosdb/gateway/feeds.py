"""Queries and feeds of items: which partitions they are about, and one page of the answer.

Facts: the pages "Query Documents" and "Querying Azure Cosmos DB resources using the REST API" (what
the gateway serves itself, 400 for the rest, pages of 100 and of 4 MB), the Python client's source
(1004, ranges of effective partition keys, 410 with 1002), and for the messages, what users quote.
That a page is never of more than one physical partition, and may be empty, is from memory.
That groups, and aggregates, of one partition are parted by pages, so that whoever asks must put
them together, is said in the .NET client ("GroupByQueryPipelineStage": "groups groupings across
continuations and pages"); after how many items is not.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from tests.servers.cosmosdb.gateway import charges
from tests.servers.cosmosdb.gateway.errors import ServiceError, bad_request
from tests.servers.cosmosdb.gateway.hashing import END, effective_key
from tests.servers.cosmosdb.gateway.numbers import dumps
from tests.servers.cosmosdb.gateway.request import Answer, Request
from tests.servers.cosmosdb.gateway.resources import Container, Item, Partition
from tests.servers.cosmosdb.gateway.rid import Rids
from tests.servers.cosmosdb.gateway.sql.lexer import SqlError
from tests.servers.cosmosdb.gateway.sql.plan import needs_plan, partition_keys, query_plan
from tests.servers.cosmosdb.gateway.sql.run import Position, Prepared, Row, prepare

__all__ = ["Scope", "Spend", "page_size", "plan", "query", "read_feed", "scope_of"]

PAGE: Final = 100
UNLIMITED_PAGE: Final = 1000
PAGE_BYTES: Final = 4 * 1024 * 1024
GROUPED_ITEMS: Final = 100
"""Items that one page of groups or aggregates is about."""
LONGEST_POSITION: Final = 1000
LONGEST_QUERY: Final = 512 * 1024

NOT_SERVED: Final = (
    "The provided cross partition query can not be directly served by the gateway. This is a "
    "first chance (internal) exception that all newer clients will know how to handle gracefully. "
    "This exception is traced, but unless you see it bubble up as an exception (which only happens "
    "on older SDK clients), then you can safely ignore this message."
)
DISABLED: Final = (
    "Cross partition query is required but disabled. Please set "
    "x-ms-documentdb-query-enablecrosspartition to true, specify x-ms-documentdb-partitionkey, or "
    "revise your query to avoid this exception."
)

Spend = Callable[[Partition, float], None]
"""Takes request units of a partition, or raises ServiceError (429)."""


@dataclass(slots=True)
class Scope:
    """What one page is about: of one partition, the items with keys from `low` to `high`.

    Attributes:
        exact: only those with this effective partition key, or that begin with it.
        rest: whether partitions behind `high` are wanted as well.
    """

    partition: Partition
    low: str
    high: str
    exact: str | None = None
    rest: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether it is about the whole partition."""
        ends = (self.low, self.high) == (self.partition.low, self.partition.high)
        return self.exact is None and ends

    def items(self, after: int) -> Iterator[Item]:
        found = self.partition.scan(after)
        exact, low, high = self.exact, self.low, self.high
        if exact is not None:
            return (item for item in found if item.where.startswith(exact))
        if self.is_whole:
            return found
        return (item for item in found if low <= item.where < high)


@dataclass(slots=True)
class Token:
    """A continuation: where in which range the next page begins.

    Attributes:
        after: the position of the last row, if it is known.
        given: how many rows were.
    """

    low: str
    high: str
    after: Position | None = None
    given: int = 0

    def text(self) -> str:
        fields = [self.low, self.high, self.after, self.given]
        return base64.b64encode(json.dumps(fields).encode()).decode()


def _token(request: Request) -> Token | None:
    text = request.headers.get("x-ms-continuation")
    if not text:
        return None
    try:
        return Token(*json.loads(base64.b64decode(text, validate=True)))
    except (ValueError, TypeError):
        raise bad_request(f"Invalid Continuation Token: {text[:100]}") from None


def _read(request: Request) -> tuple[str, dict[str, Any]]:
    """The text of a query, and its parameters by name."""
    body = request.json()
    if isinstance(body, str):
        return body, {}
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        raise bad_request("The query is missing")
    text = body["query"]
    if len(text.encode("utf-8", "surrogatepass")) > LONGEST_QUERY:
        raise bad_request("The SQL query text exceeded the maximum limit of 524288 characters")
    return text, {one["name"]: one.get("value") for one in body.get("parameters") or []}


def _prepare(text: str) -> Prepared:
    try:
        return prepare(text)
    except SqlError as error:
        raise bad_request(f"Message: {error.body()}") from None


def plan(container: Container, request: Request) -> Answer:
    """What a client needs to know in order to run a query over several partitions."""
    text, parameters = _read(request)
    prepared = _prepare(text)
    features = request.headers.get("x-ms-cosmos-supported-query-features", "")
    keys = partition_keys(prepared.query, parameters, container.paths)
    known = frozenset(feature.strip() for feature in features.split(","))
    return Answer(200, dumps(_plan(prepared, parameters, keys, known)), charges.METADATA)


def _plan(
    prepared: Prepared,
    parameters: Mapping[str, Any],
    keys: list[tuple[Any, ...]] | None,
    known: frozenset[str],
) -> dict[str, Any]:
    try:
        return query_plan(prepared.query, parameters, keys, known)
    except SqlError as error:
        raise bad_request(f"Message: {error.body()}") from None


def query(container: Container, request: Request, spend: Spend) -> Answer:
    """One page of a query's answer."""
    text, parameters = _read(request)
    prepared = _prepare(text)
    token = _token(request)
    scope = scope_of(container, request)
    if scope is None:
        scope = _gateway_scope(container, request, prepared, parameters, token)
    drop = container.policy.serve(prepared.query)
    return _page(container, request, scope, prepared, parameters, drop, token, spend)


def read_feed(container: Container, request: Request, spend: Spend) -> Answer:
    """One page of all items."""
    token = _token(request)
    prepared = prepare("SELECT * FROM c")
    scope = scope_of(container, request) or _next_scope(container, token, "", END)
    return _page(container, request, scope, prepared, {}, False, token, spend)


def scope_of(container: Container, request: Request) -> Scope | None:
    """That which the headers name."""
    key = request.key
    if key is not None:
        if len(key) > len(container.paths):
            raise bad_request("Partition key has more values than the container has paths", 1001)
        return _exact(container, effective_key(key))
    id = request.headers.get("x-ms-documentdb-partitionkeyrangeid")
    if id is None:
        return None
    partition = container.partition(id)
    low = request.headers.get("x-ms-start-epk", partition.low)
    high = request.headers.get("x-ms-end-epk", partition.high)
    return Scope(partition, max(low, partition.low), min(high, partition.high))


def _exact(container: Container, where: str) -> Scope:
    # Of a hierarchy, the first values alone name what begins with them.
    partition = container.partition_of(where)
    return Scope(partition, partition.low, partition.high, exact=where)


def _gateway_scope(
    container: Container,
    request: Request,
    prepared: Prepared,
    parameters: Mapping[str, Any],
    token: Token | None,
) -> Scope:
    """That which the query itself names, if the gateway can serve it."""
    keys = partition_keys(prepared.query, parameters, container.paths)
    if keys is not None and len(keys) == 1:
        return _exact(container, effective_key(keys[0]))
    if not request.is_set("x-ms-documentdb-query-enablecrosspartition"):
        raise bad_request(DISABLED)
    if needs_plan(prepared.query):
        info = json.dumps(_plan(prepared, parameters, keys, ALL_FEATURES), separators=(",", ":"))
        raise ServiceError(400, NOT_SERVED, substatus=1004, extra={"additionalErrorInfo": info})
    if keys is None:
        return _next_scope(container, token, "", END)
    places = sorted(map(effective_key, keys))
    if not places:
        return Scope(container.partitions[0], "", "")
    return _next_scope(container, token, places[0], places[-1] + END)


FEATURES: Final = """
    Aggregate CompositeAggregate Distinct GroupBy MultipleOrderBy NonValueAggregate OffsetAndLimit
    OrderBy Top
"""
ALL_FEATURES: Final = frozenset(FEATURES.split())


def _next_scope(container: Container, token: Token | None, low: str, high: str) -> Scope:
    """Of what is left of a range, that which lies in one partition."""
    if token is not None:
        low = token.low
    partition = container.partition_of(low)
    end = partition.high if token is None or not token.high else min(token.high, partition.high)
    return Scope(partition, low, min(end, high), rest=partition.high < high)


def _page(
    container: Container,
    request: Request,
    scope: Scope,
    prepared: Prepared,
    parameters: Mapping[str, Any],
    drop: bool,
    token: Token | None,
    spend: Spend,
) -> Answer:
    spend(scope.partition, 0)
    if prepared.is_parted:
        return _page_of_groups(container, request, scope, prepared, parameters, token, spend)
    after, given = (token.after, token.given) if token else (None, 0)
    start = after[1] - 1 if after is not None and not prepared.query.order_by else 0
    wanted = prepared.ordered(parameters) if scope.is_whole else None
    found = scope.items(start) if wanted is None else scope.partition.in_order(wanted)
    items = ((item.number, item.body) for item in found)
    try:
        rows = prepared.rows(
            items,
            parameters,
            after=after,
            drop_undefined_keys=drop,
            are_sorted=wanted is not None,
        )
        counted = given if after is not None else 0
        finished = prepared.finished(rows, parameters, counted)
        if after is None and given:
            finished = islice(finished, given, None)
        taken, last = _take(finished, page_size(request))
    except SqlError as error:
        raise bad_request(f"Message: {error.body()}") from None
    following = _following(scope, prepared, last, given + len(taken), token)
    values = [text for _, text in taken]
    # Of a row that is of several items, its own length has to do.
    loaded = sum(
        scope.partition.size_of(row.position[1]) if row.position else len(text)
        for row, text in taken
    )
    return _answer(container, scope, values, loaded, following, spend)


def _page_of_groups(
    container: Container,
    request: Request,
    scope: Scope,
    prepared: Prepared,
    parameters: Mapping[str, Any],
    token: Token | None,
    spend: Spend,
) -> Answer:
    """The groups of the next items, whether there are more such items or not."""
    start = token.after[1] if token and token.after else 0
    most = min(GROUPED_ITEMS, page_size(request))
    found = list(islice(scope.items(start), most + 1))
    items = found[:most]
    try:
        rows = prepared.rows([(item.number, item.body) for item in items], parameters)
        values = [dumps(row.value) for row in rows]
    except SqlError as error:
        raise bad_request(f"Message: {error.body()}") from None
    last = Row(None, [[], items[-1].number, 0]) if len(found) > most else None
    following = _following(scope, prepared, last, len(values), token)
    loaded = sum(len(item.text) for item in items)
    return _answer(container, scope, values, loaded, following, spend)


def _answer(
    container: Container,
    scope: Scope,
    values: list[bytes],
    loaded: int,
    following: Token | None,
    spend: Spend,
) -> Answer:
    text = b",".join(values)
    body = b'{"_rid":"%s","Documents":[%s],"_count":%d}' % (
        Rids.text(container.rid).encode(),
        text,
        len(values),
    )
    charge = charges.query(loaded, len(text))
    spend(scope.partition, charge)
    headers = {
        "x-ms-item-count": str(len(values)),
        "x-ms-documentdb-partitionkeyrangeid": scope.partition.id,
        "x-ms-session-token": f"{scope.partition.id}:-1#{scope.partition.lsn}",
    }
    if following is not None:
        headers["x-ms-continuation"] = following.text()
    return Answer(200, body, charge, headers)


def page_size(request: Request) -> int:
    try:
        size = int(request.headers.get("x-ms-max-item-count", PAGE))
    except ValueError:
        raise bad_request("The value of x-ms-max-item-count is no number") from None
    return size if size > 0 else UNLIMITED_PAGE


def _take(rows: Iterator[Row], most: int) -> tuple[list[tuple[Row, bytes]], Row | None]:
    """So many rows, each with its JSON, at most 4 MB; and the last of them, if there are more."""
    taken: list[tuple[Row, bytes]] = []
    size = 0
    for row in rows:
        text = dumps(row.value)
        if len(taken) == most or (taken and size + len(text) > PAGE_BYTES):
            return taken, taken[-1][0] if taken else None
        taken.append((row, text))
        size += len(text)
    return taken, None


def _following(
    scope: Scope, prepared: Prepared, last: Row | None, given: int, token: Token | None
) -> Token | None:
    if last is not None:
        position = last.position if prepared.resumable or prepared.is_parted else None
        if len(json.dumps(position)) > LONGEST_POSITION:
            position = None
        return Token(scope.low, _range_end(scope, token), position, given)
    if not scope.rest:
        return None
    if token is not None and scope.high < token.high:
        # The partition was split on the way: its other half is where this one was.
        return Token(scope.high, token.high, token.after, 0)
    return Token(scope.high, "")


def _range_end(scope: Scope, token: Token | None) -> str:
    return token.high if token is not None and token.high else scope.high
