"""TLS before servers that have none: certificates are verified by those who ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pymongo.errors
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

    @pytest.mark.parametrize("authority", ["Known", "Unknown"])
    def test_verified(self, url: str, tmp_path: Path, authority: str) -> None:
        file = write_authority(tmp_path, authority=authority)
        with MongoClient[dict[str, object]](
            url, tls=True, tlsCAFile=str(file), serverSelectionTimeoutMS=1000
        ) as client:
            if authority == "Known":
                client.admin.command("ping")
            else:
                with pytest.raises(
                    pymongo.errors.ServerSelectionTimeoutError, match="CERTIFICATE_VERIFY_FAILED"
                ):
                    client.admin.command("ping")
