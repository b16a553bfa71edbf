# Generated from tests/_async/test_tls_cosmosdb.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: ded43f663f4c31bb8e05dcf9

"""TLS to an account, verified; and who shows a token of Microsoft Entra ID instead of a key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from azure.core.credentials import TokenCredential as Credential
from azure.cosmos import CosmosClient, PartitionKey
from azure.identity import AzureCliCredential, ManagedIdentityCredential

from interstore._sync.store import Store
from interstore.errors import ConfigurationError, PermissionDeniedError, UnavailableError
from tests.databases import cosmosdb
from tests.servers import cosmosdb as account
from tests.servers.certificates import write_authority
from tests.servers.cosmosdb import CosmosDB
from tests.servers.cosmosdb.server import trust
from tests.servers.identity import managed_identity

# Of urllib3: that no proof is asked for, which is what some of them say.
pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")


@pytest.fixture(scope="module")
def server() -> Iterator[CosmosDB]:
    with account.running(tls=True) as server:
        yield server


@pytest.fixture
def url(server: CosmosDB) -> Iterator[str]:
    """A database with one model, `m`."""
    with server.database() as url:
        with CosmosClient(
            server.endpoint, server.key, ssl_config=trust(server.authority)
        ) as client:
            database = client.get_database_client(urlsplit(url).path.lstrip("/"))
            database.create_container("m", PartitionKey("/id"))
        yield url


def try_out(url: str, **settings: Any) -> None:
    with Store(cosmosdb(url, timeout=3.0, **settings)) as store:
        store.put("m", {"id": "a", "text": "x" * 100_000})
        assert len(store.get("m", "a")["text"]) == 100_000
        assert store.count("m", {"text": {"$startsWith": "x"}}) == 1


def test_verified(server: CosmosDB, url: str) -> None:
    known = str(server.authority)
    try_out(url, ssl_root_cert=known)
    try_out(url, ssl="verify", ssl_root_cert=known)
    try_out(url, ssl="require")


def test_another_authority(url: str, tmp_path: Path) -> None:
    unknown = str(write_authority(tmp_path, authority="Unknown"))
    for settings in ({}, {"ssl": "verify"}, {"ssl_root_cert": unknown}):
        with pytest.raises(ConfigurationError, match="ssl_root_cert"):
            try_out(url, **settings)


def test_another_host(server: CosmosDB, url: str) -> None:
    """By another of its addresses, which the certificate does not name."""
    other = url.replace("127.0.0.2", "127.0.0.1")
    with pytest.raises(ConfigurationError, match="ssl_root_cert"):
        try_out(other, ssl_root_cert=str(server.authority))
    with pytest.raises(ConfigurationError, match="ssl_root_cert"):
        try_out(other, ssl="verify")
    try_out(other)  # an emulator, to the driver


def test_only_one_side_speaks_it(url: str, cosmosdb_url: str) -> None:
    with pytest.raises(UnavailableError, match="DATABASE_SSL"):
        try_out(cosmosdb_url, ssl="require")
    with pytest.raises(UnavailableError):
        try_out(url, ssl="disable")


def test_an_authority_that_is_not_there(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nosuch\.pem"):
        try_out(url, ssl_root_cert=str(tmp_path / "nosuch.pem"))


# Who comes with a token.


def without_key(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def with_token(server: CosmosDB, url: str, **settings: Any) -> None:
    try_out(without_key(url), ssl_root_cert=str(server.authority), **settings)


def test_identity(server: CosmosDB, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As azure-identity finds it on the machine."""
    assert server.token is not None
    with managed_identity(server.token) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        with_token(server, url, identity=True)


def test_credential(server: CosmosDB, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object of azure-identity's, which stays the caller's to close."""
    assert server.token is not None
    with managed_identity(server.token) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        with ManagedIdentityCredential() as credential:
            given: Credential = credential
            with_token(server, url, credential=given)
            with_token(server, url, credential=given)


def test_what_an_identity_may_not(
    server: CosmosDB, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server.token is not None
    with managed_identity(server.token) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        database = cosmosdb(without_key(url), identity=True, ssl_root_cert=str(server.authority))
        with Store(database) as store:
            with pytest.raises(PermissionDeniedError, match="data plane"):
                store.create("other", {"id": "a"})
            with pytest.raises(PermissionDeniedError, match="data plane"):
                store.ensure_index("m", "n", type="number")
            assert store.models() == ["m"]


def test_a_token_that_is_not_accepted(
    server: CosmosDB, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with managed_identity("a-token-of-somebody-else") as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(PermissionDeniedError) as refused:
            with_token(server, url, identity=True)
        assert "somebody" not in str(refused.value)


def test_no_identity_is_found(server: CosmosDB, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no program that could be asked."""
    monkeypatch.setenv("PATH", "")
    with AzureCliCredential() as credential:
        given: Credential = credential
        with pytest.raises(PermissionDeniedError, match="check the credential"):
            with_token(server, url, credential=given)
