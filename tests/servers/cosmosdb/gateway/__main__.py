"""The process: `python -m tests.servers.cosmosdb.gateway --port 8081`; the key is in COSMOS_KEY."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys

from tests.servers.cosmosdb.gateway.auth import Guard
from tests.servers.cosmosdb.gateway.http import serve
from tests.servers.cosmosdb.gateway.resources import DEFAULT_PARTITIONS, Account
from tests.servers.cosmosdb.gateway.script import Script
from tests.servers.cosmosdb.gateway.service import Service


async def run(service: Service, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serve(service, port):
        await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser("python -m tests.servers.cosmosdb.gateway")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--partitions", type=int, default=DEFAULT_PARTITIONS)
    arguments = parser.parse_args()
    # A long condition is a deep tree.
    sys.setrecursionlimit(50_000)
    guard = Guard(os.environ["COSMOS_KEY"], os.environ.get("COSMOS_TOKEN"))
    service = Service(Account(arguments.partitions), guard, Script())
    asyncio.run(run(service, arguments.port))


if __name__ == "__main__":
    main()
