"""From the rows of ``EXPLAIN QUERY PLAN`` to a plan in short. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from interstore.plans import Access, Plan

__all__ = ["read_plan"]

_STEP: Final = re.compile(r"(SEARCH|SCAN) (?:TABLE )?(\S+)(?: USING (?:COVERING )?INDEX (\S+))?")
_PRIMARY_KEY: Final = "sqlite_autoindex_"
_PARTS: Final = re.compile(":(unique|list)$")


def read_plan(rows: Sequence[Sequence[Any]], table: str) -> Plan:
    """The plan that SQLite would follow.

    Args:
        rows: what it says: of each step its number, that of the step it is part of, and a text.
        table: the name of the model's table.
    """
    details = [str(row[3]) for row in rows]
    steps = [match.groups() for match in map(_STEP.match, details) if match]
    own = [(verb, index or "") for verb, name, index in steps if name == table]
    lists = [name for _, name, _ in steps if name.startswith(f"{table}:")]
    used = [index for _, index in own if index and not index.startswith(_PRIMARY_KEY)]
    access: Access = "index"
    if any(verb == "SCAN" for verb, _ in own):
        access = "scan"
    elif not used and not lists:
        access = "ids"
    names = [_PARTS.sub("", name.removeprefix(f"{table}:")) for name in (*used, *lists)]
    sorts = any("B-TREE" in detail and detail.endswith("ORDER BY") for detail in details)
    return Plan(
        engine="sqlite",
        access=access,
        indexes=tuple(dict.fromkeys(names)),
        sort="memory" if sorts else "index",
        steps=tuple(reversed(details)),
        native=[list(row) for row in rows],
    )
