"""The command: `python -m tests.servers postgresql`, or another of `SERVERS`."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Protocol

from tests.servers import azure, cosmosdb, mongodb, postgresql, s3


class Server(Protocol):
    def database(self) -> AbstractContextManager[str]: ...


@contextmanager
def _database(running: Callable[[], AbstractContextManager[Server]]) -> Generator[str]:
    with running() as server, server.database() as url:
        yield url


@contextmanager
def _bucket() -> Generator[str]:
    with s3.running() as server, server.bucket() as url:
        yield url


@contextmanager
def _container() -> Generator[str]:
    with azure.running() as server, server.container() as url:
        yield url


SERVERS: Mapping[str, Callable[[], AbstractContextManager[str]]] = {
    "postgresql": partial(_database, postgresql.running),
    "mongodb": partial(_database, mongodb.running),
    "mongodb-standalone": partial(_database, partial(mongodb.running, replica_set=False)),
    "cosmosdb": partial(_database, cosmosdb.running),
    "s3": _bucket,
    "azure": _container,
}


def main() -> None:
    parser = argparse.ArgumentParser("python -m tests.servers", description="Until Ctrl-C.")
    parser.add_argument("server", choices=SERVERS)
    server = parser.parse_args().server
    stops = {signal.SIGINT, signal.SIGTERM}
    # Before anything is started: a signal waits until everything can be put away.
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    with SERVERS[server]() as url:
        print(url, flush=True)
        signal.sigwait(stops)


if __name__ == "__main__":
    main()
