"""The fixture `served`: blobs in S3 and in Azure in turn, with a proxy before the server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.blobs.served import ServedBlobs
from tests.servers.proxy import Proxy


@pytest.fixture(params=["s3", "azure"])
def served(request: pytest.FixtureRequest) -> Iterator[ServedBlobs]:
    """A server with an empty bucket or container; all is healed after the test."""
    name: str = request.param
    server = request.getfixturevalue(f"{name}_server")
    url: str = request.getfixturevalue(f"{name}_url")
    with Proxy(*server.address) as proxy:
        yield ServedBlobs(name, server, url, proxy)
        proxy.restore()
        if server.process is not None:
            server.process.heal()
