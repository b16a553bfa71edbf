# Generated from tests/_async/test_faults_tls.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: c822d382acc0ac3d3f8d318f

"""TLS from end to end: who answers is verified, as it is by default where it matters."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from interstore._sync.store import Store
from interstore.errors import ConfigurationError, InterstoreError, UnavailableError
from tests.faults.served import Served
from tests.servers.certificates import certify, write_authority
from tests.servers.proxy import Proxy

# The driver of MongoDB leaves sockets that it could not verify to the garbage collector.
pytestmark = [pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]

pytestmark.append(pytest.mark.long)


@contextmanager
def encrypted(served: Served, host: str = "127.0.0.1") -> Generator[str]:
    """The URL of the database behind TLS, by a certificate of the authority "Known"."""
    if not served.engine.encrypts:
        pytest.skip("its TLS is tried at the account itself, which tells clients its addresses")
    asked = served.engine.name == "postgresql"
    with Proxy(*served.server.address, tls=certify(host), asked=asked) as proxy:
        yield served.server.url(served.database_name, port=proxy.port)


def try_out(served: Served, url: str, **settings: Any) -> None:
    with Store(served.engine.open(url, timeout=1.0, **settings)) as store:
        store.put("m", {"id": "a", "text": "x" * 100_000})
        assert len(store.get("m", "a")["text"]) == 100_000


def test_verified(served: Served, tmp_path: Path) -> None:
    known = str(write_authority(tmp_path))
    with encrypted(served) as url:
        try_out(served, url, ssl="verify", ssl_root_cert=known)
        try_out(served, url, ssl_root_cert=known)
        try_out(served, url, ssl="require")


def test_another_authority(served: Served, tmp_path: Path) -> None:
    unknown = str(write_authority(tmp_path, authority="Unknown"))
    with encrypted(served) as url:
        for settings in ({"ssl_root_cert": unknown}, {"ssl": "verify"}):
            with pytest.raises(ConfigurationError, match="ssl_root_cert"):
                try_out(served, url, **settings)


def test_another_host(served: Served, tmp_path: Path) -> None:
    known = str(write_authority(tmp_path))
    with encrypted(served, "db.test") as url:
        with pytest.raises(ConfigurationError, match="DATABASE_SSL"):
            try_out(served, url, ssl_root_cert=known)
        try_out(served, url, ssl="require")


def test_only_one_side_speaks_it(served: Served) -> None:
    with pytest.raises(InterstoreError, match="DATABASE_SSL"):
        try_out(served, served.url, ssl="require")
    with encrypted(served) as url, pytest.raises(UnavailableError):
        try_out(served, url, ssl="disable")


def test_verified_by_default_elsewhere(served: Served) -> None:
    """This machine by a name that is not known to be its own: nothing is said in the clear."""
    if served.engine.name == "cosmosdb":
        pytest.skip("its URL here says ssl=disable: test_tls_cosmosdb has the same for it")
    url = served.server.url(served.database_name, port=served.proxy.port)
    remote = url.replace("127.0.0.1", "0.0.0.0")
    with pytest.raises(InterstoreError, match="DATABASE_SSL"):
        try_out(served, remote)
    with encrypted(served) as url, pytest.raises(InterstoreError, match="DATABASE_SSL"):
        try_out(served, url.replace("127.0.0.1", "0.0.0.0"))
