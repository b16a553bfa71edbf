"""What a test lets go wrong in the account."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterable, Mapping
from http.client import HTTPConnection, HTTPSConnection
from typing import Any, Final, NamedTuple

__all__ = ["Faults", "Usage"]

CONTROL: Final = "/_script"
HOURS: Final = 10_000.0


class Usage(NamedTuple):
    """What requests for items there were.

    Attributes:
        counts: by operation: Create, Read, Replace, Upsert, Patch, Delete, Batch, Query, QueryPlan,
            ReadFeed.
        statuses: how many were answered with each status.
        others: how many requests there were besides, for containers, partitions and the account.
        charge: request units of all of them.
        hits: how many met a fault.
    """

    counts: Mapping[str, int]
    statuses: Mapping[int, int]
    others: int
    charge: float
    hits: int


class Faults:
    """Of one account, until `clear`.

    Where a fault takes `operations`, it is for these only (named as in `Usage`); `times` is how
    often (-1: always), `skip` how many are let through before, `database` where, `contains` what
    the body of the request must have in it, `resource` of what kind of thing (`docs`: items).
    The first fault that a request meets is the one that it gets.
    """

    def __init__(self, port: int, *, tls: bool = False) -> None:
        self._port = port
        self._tls = tls

    def fail(
        self,
        status: int,
        *operations: str,
        substatus: int = 0,
        committed: bool = False,
        headers: Mapping[str, str] | None = None,
        **where: Any,
    ) -> None:
        """Answer with a status, if `committed` after the operation was carried out."""
        self._fault(
            operations,
            status=status,
            substatus=substatus,
            committed=committed,
            headers=dict(headers or {}),
            **where,
        )

    def reset(self, *operations: str, committed: bool = False, **where: Any) -> None:
        """Break the connection in place of an answer, if `committed` after carrying it out."""
        self._fault(operations, reset=True, committed=committed, **where)

    def delay(self, seconds: float, *operations: str, late: bool = False, **where: Any) -> None:
        """Be slow: before it is carried out, or `late` with the answer."""
        self._fault(operations, **{"late" if late else "delay": seconds}, **where)

    def hang(self, *operations: str, committed: bool = False, **where: Any) -> None:
        """Never answer."""
        self.delay(HOURS, *operations, late=committed, **where)

    def throttle(self, rate: float, database: str = "") -> None:
        """Of every container (in a database) so many request units a second; beyond them, 429.

        Each of its physical partitions has an equal share.
        """
        self._do("throttle", {"rate": rate, "database": database})

    def partition(self, database: str, count: int) -> None:
        """Give the containers that will be made in a database so many physical partitions."""
        self._do("partitions", {"database": database, "count": count})

    def split(self, database: str, container: str, partition: str | None = None) -> None:
        """Split a physical partition, by default the fullest: who names it from now on gets 410."""
        self._do("split", {"database": database, "container": container, "partition": partition})

    def split_at(self, *operations: str, **where: Any) -> None:
        """Split the fullest partition of a container as soon as such a request comes for it."""
        self._fault(operations, split=True, **where)

    def clear(self) -> None:
        """Let everything go well again."""
        self._do("clear")

    def usage(self) -> Usage:
        """Since the last `forget`."""
        found = self._send([])
        statuses = {int(status): count for status, count in found["statuses"].items()}
        return Usage(found["counts"], statuses, found["others"], found["charge"], found["hits"])

    def forget(self) -> None:
        """Begin to count anew."""
        self._do("forget")

    def _fault(self, operations: Iterable[str], **fields: Any) -> None:
        self._do("fault", {"operations": list(operations), **fields})

    def _do(self, what: str, value: Any = None) -> None:
        self._send([{"do": what, "value": value}])

    def _connection(self) -> HTTPConnection:
        if not self._tls:
            return HTTPConnection("127.0.0.1", self._port, timeout=10)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return HTTPSConnection("127.0.0.1", self._port, timeout=10, context=context)

    def _send(self, steps: list[dict[str, Any]]) -> Any:
        connection = self._connection()
        try:
            connection.request("POST", CONTROL, json.dumps(steps))
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise ValueError(f"the account refused {steps}: {answer.status}")
        return json.loads(body)
