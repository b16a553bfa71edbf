"""The process: `python -m tests.servers.cosmosdb.gateway --port 8081`; the key is in COSMOS_KEY.

With `--certificate` it speaks TLS, and listens on `--host` as well: to the azure-cosmos client,
127.0.0.1 is an emulator whose certificate it does not look at.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import ssl
import sys
from collections.abc import Sequence

from tests.servers.cosmosdb.gateway.auth import Guard
from tests.servers.cosmosdb.gateway.http import serve
from tests.servers.cosmosdb.gateway.resources import DEFAULT_PARTITIONS, Account
from tests.servers.cosmosdb.gateway.script import Script
from tests.servers.cosmosdb.gateway.service import Service


async def run(
    service: Service, port: int, hosts: Sequence[str], tls: ssl.SSLContext | None
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serve(service, port, hosts, tls):
        await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser("python -m tests.servers.cosmosdb.gateway")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--partitions", type=int, default=DEFAULT_PARTITIONS)
    parser.add_argument("--certificate")
    parser.add_argument("--host", action="append", default=["127.0.0.1"])
    arguments = parser.parse_args()
    tls = None
    if arguments.certificate:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(arguments.certificate)
    # A long condition is a deep tree.
    sys.setrecursionlimit(50_000)
    guard = Guard(os.environ["COSMOS_KEY"], os.environ.get("COSMOS_TOKEN"))
    service = Service(Account(arguments.partitions), guard, Script())
    asyncio.run(run(service, arguments.port, arguments.host, tls))


if __name__ == "__main__":
    main()
