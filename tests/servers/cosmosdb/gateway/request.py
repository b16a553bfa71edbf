"""A request as the service sees it, and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.servers.cosmosdb.gateway.errors import bad_request
from tests.servers.cosmosdb.gateway.numbers import loads
from tests.servers.cosmosdb.gateway.sql.values import UNDEFINED

__all__ = ["Answer", "Request"]

TRUE: Final = "true"


@dataclass(slots=True)
class Request:
    """Method, path and body.

    Attributes:
        path: its segments, decoded.
        headers: by any case.
        account: the URL by which the account was reached.
    """

    method: str
    path: list[str]
    headers: Mapping[str, str]
    body: bytes = b""
    account: str = ""

    def is_set(self, header: str) -> bool:
        return self.headers.get(header, "").lower() == TRUE

    def json(self) -> Any:
        return loads(self.body)

    @property
    def key(self) -> tuple[Any, ...] | None:
        """The partition key of its header; ``None``: there is none.

        Raises:
            ServiceError: 400; it cannot be read.
        """
        text = self.headers.get("x-ms-documentdb-partitionkey")
        if text is None:
            return None
        values = loads(text.encode("latin-1", "replace"))
        if not isinstance(values, list):
            raise bad_request("Partition key provided either doesn't correspond to definition")
        return tuple(UNDEFINED if value == {} else value for value in values)

    @property
    def operation(self) -> str:
        """What is asked for, as the SDK's operation types are called."""
        if self.is_set("x-ms-cosmos-is-query-plan-request"):
            return "QueryPlan"
        if self.is_set("x-ms-documentdb-isquery") or "query+json" in self._type:
            return "Query"
        if self.is_set("x-ms-cosmos-is-batch-request"):
            return "Batch"
        if self.is_set("x-ms-documentdb-is-upsert"):
            return "Upsert"
        if self.method == "GET":
            return "ReadFeed" if len(self.path) % 2 else "Read"
        return {"POST": "Create", "PUT": "Replace", "PATCH": "Patch", "DELETE": "Delete"}.get(
            self.method, self.method
        )

    @property
    def _type(self) -> str:
        return self.headers.get("Content-Type", "")

    @property
    def resource(self) -> str:
        """`dbs`, `colls`, `docs`, `pkranges`, `offers`; empty for the account."""
        return self.path[-1 - (len(self.path) + 1) % 2] if self.path else ""


@dataclass(slots=True)
class Answer:
    """Attributes: charge in request units."""

    status: int
    body: bytes = b""
    charge: float = 1.0
    headers: dict[str, str] = field(default_factory=dict)
