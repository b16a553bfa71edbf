"""The command: `python -m tests.servers postgresql|mongodb|mongodb-standalone|cosmosdb`."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial

from tests.servers import cosmosdb, mongodb, postgresql
from tests.servers.cosmosdb import CosmosDB
from tests.servers.databases import PostgreSQL
from tests.servers.mongodb import MongoDB

SERVERS: Mapping[str, Callable[[], AbstractContextManager[PostgreSQL | MongoDB | CosmosDB]]] = {
    "postgresql": postgresql.running,
    "mongodb": mongodb.running,
    "mongodb-standalone": partial(mongodb.running, replica_set=False),
    "cosmosdb": cosmosdb.running,
}


def main() -> None:
    parser = argparse.ArgumentParser("python -m tests.servers", description="Until Ctrl-C.")
    parser.add_argument("server", choices=SERVERS)
    server = parser.parse_args().server
    stops = {signal.SIGINT, signal.SIGTERM}
    # Before anything is started: a signal waits until everything can be put away.
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    with SERVERS[server]() as running, running.database() as url:
        print(url, flush=True)
        signal.sigwait(stops)


if __name__ == "__main__":
    main()
