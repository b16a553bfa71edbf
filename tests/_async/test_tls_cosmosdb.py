"""TLS to an account, verified; and who shows a token of Microsoft Entra ID instead of a key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from azure.cosmos import CosmosClient, PartitionKey

from interstore._async.store import AsyncStore
from interstore._compat_async import ASYNC
from interstore.errors import ConfigurationError, PermissionDeniedError, UnavailableError
from tests.databases import cosmosdb_async
from tests.servers import cosmosdb as account
from tests.servers.certificates import write_authority
from tests.servers.cosmosdb import CosmosDB
from tests.servers.cosmosdb.server import trust
from tests.servers.identity import managed_identity

if ASYNC:
    from azure.core.credentials_async import AsyncTokenCredential as Credential
    from azure.identity.aio import AzureCliCredential, ManagedIdentityCredential
else:
    from azure.core.credentials import TokenCredential as Credential
    from azure.identity import AzureCliCredential, ManagedIdentityCredential


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


async def try_out(url: str, **settings: Any) -> None:
    async with AsyncStore(cosmosdb_async(url, timeout=3.0, **settings)) as store:
        await store.put("m", {"id": "a", "text": "x" * 100_000})
        assert len((await store.get("m", "a"))["text"]) == 100_000
        assert await store.count("m", {"text": {"$startsWith": "x"}}) == 1


async def test_verified(server: CosmosDB, url: str) -> None:
    known = str(server.authority)
    await try_out(url, ssl_root_cert=known)
    await try_out(url, ssl="verify", ssl_root_cert=known)
    await try_out(url, ssl="require")


async def test_another_authority(url: str, tmp_path: Path) -> None:
    unknown = str(write_authority(tmp_path, authority="Unknown"))
    for settings in ({}, {"ssl": "verify"}, {"ssl_root_cert": unknown}):
        with pytest.raises(ConfigurationError, match="ssl_root_cert"):
            await try_out(url, **settings)


async def test_another_host(server: CosmosDB, url: str) -> None:
    """By another of its addresses, which the certificate does not name."""
    other = url.replace("127.0.0.2", "127.0.0.1")
    with pytest.raises(ConfigurationError, match="ssl_root_cert"):
        await try_out(other, ssl_root_cert=str(server.authority))
    with pytest.raises(ConfigurationError, match="ssl_root_cert"):
        await try_out(other, ssl="verify")
    await try_out(other)  # an emulator, to the driver


async def test_only_one_side_speaks_it(url: str, cosmosdb_url: str) -> None:
    with pytest.raises(UnavailableError, match="DATABASE_SSL"):
        await try_out(cosmosdb_url, ssl="require")
    with pytest.raises(UnavailableError):
        await try_out(url, ssl="disable")


async def test_an_authority_that_is_not_there(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nosuch\.pem"):
        await try_out(url, ssl_root_cert=str(tmp_path / "nosuch.pem"))


# Who comes with a token.


def without_key(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


async def with_token(server: CosmosDB, url: str, **settings: Any) -> None:
    await try_out(without_key(url), ssl_root_cert=str(server.authority), **settings)


async def test_identity(server: CosmosDB, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As azure-identity finds it on the machine."""
    assert server.token is not None
    with managed_identity(server.token) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        await with_token(server, url, identity=True)


async def test_credential(server: CosmosDB, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object of azure-identity's, which stays the caller's to close."""
    assert server.token is not None
    with managed_identity(server.token) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        async with ManagedIdentityCredential() as credential:
            given: Credential = credential
            await with_token(server, url, credential=given)
            await with_token(server, url, credential=given)


async def test_what_an_identity_may_not(
    server: CosmosDB, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server.token is not None
    with managed_identity(server.token) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        database = cosmosdb_async(
            without_key(url), identity=True, ssl_root_cert=str(server.authority)
        )
        async with AsyncStore(database) as store:
            with pytest.raises(PermissionDeniedError, match="data plane"):
                await store.create("other", {"id": "a"})
            with pytest.raises(PermissionDeniedError, match="data plane"):
                await store.ensure_index("m", "n", type="number")
            assert await store.models() == ["m"]


async def test_a_token_that_is_not_accepted(
    server: CosmosDB, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with managed_identity("a-token-of-somebody-else") as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(PermissionDeniedError) as refused:
            await with_token(server, url, identity=True)
        assert "somebody" not in str(refused.value)


async def test_no_identity_is_found(
    server: CosmosDB, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no program that could be asked."""
    monkeypatch.setenv("PATH", "")
    async with AzureCliCredential() as credential:
        given: Credential = credential
        with pytest.raises(PermissionDeniedError, match="check the credential"):
            await with_token(server, url, credential=given)
