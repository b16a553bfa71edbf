"""TLS before servers that have none: certificates are verified by those who ask."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from pymongo import MongoClient

from tests.servers.certificates import certify, write_authority
from tests.servers.databases import PostgreSQL
from tests.servers.mongodb import MongoDB
from tests.servers.proxy import Proxy


class TestPostgreSQL:
    @pytest.fixture
    def url(self, postgresql_server: PostgreSQL, postgresql_url: str) -> Iterator[str]:
        name = postgresql_url.rpartition("/")[2]
        with Proxy(*postgresql_server.address, tls=certify("db.test"), asked=True) as proxy:
            yield postgresql_server.url(name, port=proxy.port)

    def connect(self, url: str, host: str, authority: Path) -> psycopg.Connection:
        # The address stays that of the proxy.
        return psycopg.connect(
            url,
            host=host,
            hostaddr="127.0.0.1",
            sslmode="verify-full",
            sslrootcert=str(authority),
            channel_binding="disable",
        )

    def test_verified(self, url: str, tmp_path: Path) -> None:
        with self.connect(url, "db.test", write_authority(tmp_path)) as connection:
            assert connection.pgconn.ssl_in_use
            size = 1_000_000
            found = connection.execute("SELECT repeat('x', %s)", [size]).fetchall()
            assert len(found[0][0]) == size

    def test_another_host(self, url: str, tmp_path: Path) -> None:
        with pytest.raises(psycopg.OperationalError, match="does not match host name"):
            self.connect(url, "other.test", write_authority(tmp_path))

    def test_another_authority(self, url: str, tmp_path: Path) -> None:
        with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
            self.connect(url, "db.test", write_authority(tmp_path, authority="Unknown"))

    def test_not_wanted(self, url: str) -> None:
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url, sslmode="disable")


class TestMongoDB:
    @pytest.fixture
    def url(self, mongodb_server: MongoDB) -> Iterator[str]:
        with Proxy(*mongodb_server.address, tls=certify("127.0.0.1")) as proxy:
            yield mongodb_server.url("any", port=proxy.port)

    def test_verified(self, url: str, tmp_path: Path) -> None:
        file = str(write_authority(tmp_path))
        with MongoClient[dict[str, object]](url, tls=True, tlsCAFile=file) as client:
            client.admin.command("ping")

    def test_another_authority(self, url: str, tmp_path: Path) -> None:
        # Not by the driver: it would leave open a socket that it could not verify.
        parts = urlsplit(url)
        assert parts.hostname
        context = ssl.create_default_context(cafile=write_authority(tmp_path, authority="Unknown"))
        with (
            socket.create_connection((parts.hostname, parts.port or 0)) as client,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            context.wrap_socket(client, server_hostname=parts.hostname)
