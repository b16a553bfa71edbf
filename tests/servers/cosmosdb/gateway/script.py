"""What is to go wrong, and when: rules that the tests hand in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.servers.cosmosdb.gateway.request import Answer, Request

__all__ = ["Rule", "Script"]


@dataclass(slots=True)
class Rule:
    """One fault.

    Attributes:
        operations: of these only, as `Request.operation` names them; all if empty.
        resource: of this kind only: `docs`, `colls`, `pkranges` …; all if empty.
        database: in this one only; in all if empty.
        contains: only where the body has this text.
        skip: this many that it would meet are let through before.
        times: how often; -1: until it is taken away.
        status: what is answered; 0: as usual.
        substatus: of the answer.
        headers: of the answer.
        committed: the operation is carried out before.
        reset: the connection is broken in place of an answer.
        delay: seconds before anything is done.
        late: seconds between what is done and its answer.
        split: a physical partition is split before anything is done.
    """

    operations: list[str] = field(default_factory=list)
    resource: str = "docs"
    database: str = ""
    contains: str = ""
    skip: int = 0
    times: int = 1
    status: int = 0
    substatus: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    committed: bool = False
    reset: bool = False
    delay: float = 0.0
    late: float = 0.0
    split: bool = False

    def meets(self, request: Request) -> bool:
        return (
            (not self.operations or request.operation in self.operations)
            and (not self.resource or request.resource == self.resource)
            and (not self.database or request.path[1:2] == [self.database])
            and (not self.contains or self.contains.encode() in request.body)
        )


class Script:
    """The rules in force, and what they have met.

    Attributes:
        limits: request units per second of every container in a database; "": in any.
        counts: how many requests for items were of each operation, since `forget`.
        statuses: how many were answered with each status.
        others: how many requests there were for containers, partitions and the account.
        charge: request units of all of them.
        hits: how many met a rule.
    """

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.limits: dict[str, float] = {}
        self.forget()

    def forget(self) -> None:
        """Begin to count anew."""
        self.counts: dict[str, int] = {}
        self.statuses: dict[int, int] = {}
        self.others = 0
        self.charge = 0.0
        self.hits = 0

    def add(self, fields: Mapping[str, Any]) -> None:
        self.rules.append(Rule(**fields))

    def clear(self) -> None:
        """Everything goes well again."""
        self.rules.clear()
        self.limits.clear()

    def choose(self, request: Request) -> Rule | None:
        """The first rule that a request meets and that is due."""
        for rule in self.rules:
            if rule.times and rule.meets(request):
                if rule.skip:
                    rule.skip -= 1
                    continue
                rule.times -= rule.times > 0
                self.hits += 1
                return rule
        return None

    def limit(self, database: str) -> float | None:
        return self.limits.get(database, self.limits.get(""))

    def count(self, request: Request, answer: Answer) -> None:
        if request.resource == "docs":
            name = request.operation
            self.counts[name] = self.counts.get(name, 0) + 1
            self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
            self.charge += answer.charge
        else:
            self.others += 1
