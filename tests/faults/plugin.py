"""The fixture `served`, for each engine in turn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.databases import (
    cosmosdb,
    cosmosdb_async,
    mongodb,
    mongodb_async,
    postgresql,
    postgresql_async,
)
from tests.faults.served import Engine, Served
from tests.servers.proxy import Proxy

ENGINES = {
    engine.name: engine
    for engine in (
        Engine("postgresql", postgresql, postgresql_async, {}),
        Engine("mongodb", mongodb, mongodb_async, {}),
        Engine("cosmosdb", cosmosdb, cosmosdb_async, {}, many=1_200, lasting=False, encrypts=False),
    )
}


@pytest.fixture(params=ENGINES)
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    """An engine before an empty database; everything is healed, and nothing left open, after it."""
    name: str = request.param
    server = request.getfixturevalue(f"{name}_server")
    url = request.getfixturevalue(f"{name}_url")
    with Proxy(*server.address) as proxy:
        served = Served(ENGINES[name], server, url, proxy)
        yield served
        served.heal()
        served.check_no_connection_left()
