"""Connection strings and settings, and what the driver is given of them."""

from typing import Any

import pytest

from interstore.errors import ConfigurationError
from interstore.settings import URL, Secret
from interstore_backends.mongodb.options import client_options, connection_string
from interstore_backends.mongodb.settings import MongoDBSettings


def from_url(text: str, **more: Any) -> MongoDBSettings:
    return MongoDBSettings(**{**MongoDBSettings.from_url(URL.parse(text)), **more})


@pytest.mark.parametrize(
    ("url", "driver", "tls"),
    [
        ("mongodb://localhost/app", "mongodb://localhost:27017/", False),
        ("mongodb://127.0.0.1:3000/app", "mongodb://127.0.0.1:3000/", False),
        ("mongodb://[::1]:3000/app", "mongodb://[::1]:3000/", False),
        ("mongodb://db.example/app", "mongodb://db.example:27017/", True),
        ("mongodb://a:1,b/app", "mongodb://a:1,b:27017/", True),
        ("mongodb://localhost:1,b/app", "mongodb://localhost:1,b:27017/", True),
        ("mongodb://localhost.evil.example/app", "mongodb://localhost.evil.example:27017/", True),
        ("mongodb+srv://cluster.example/app", "mongodb+srv://cluster.example/", True),
        ("mongodb://db/app?tls=false", "mongodb://db:27017/?tls=false", None),
        ("mongodb://db/app?compressors=zlib", "mongodb://db:27017/?compressors=zlib", True),
    ],
)
def test_servers_and_tls(url: str, driver: str, tls: bool | None) -> None:
    settings = from_url(url)
    assert connection_string(settings) == driver
    assert client_options(settings).get("tls") is tls
    assert settings.name == "app"


def test_credentials_are_not_in_the_connection_string() -> None:
    settings = from_url("mongodb://ada:c4n%2Fary@db/app?replicaSet=rs")
    assert "c4n" not in connection_string(settings) + repr(settings)
    options = client_options(settings)
    assert options["username"] == "ada"
    assert options["password"] == "c4n/ary"
    assert options["authSource"] == "app"
    assert options["replicaSet"] == "rs"


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("mongodb://ada:x@db/app?authSource=users", "users"),
        ("mongodb://ada:x@db/app", "app"),
        ("mongodb://ada:x@db", "admin"),
        ("mongodb://db/app", "admin"),
    ],
)
def test_where_users_are_known(url: str, source: str) -> None:
    assert from_url(url).auth_source == source


def test_options_of_the_driver_come_before_ours() -> None:
    settings = from_url("mongodb://localhost/app?maxPoolSize=3&connectTimeoutMS=5", timeout=2.5)
    options = client_options(settings)
    assert "maxPoolSize" not in options
    assert "connectTimeoutMS" not in options
    assert options["serverSelectionTimeoutMS"] == 2500


def test_the_timeout_of_a_connection_string_is_ours() -> None:
    assert from_url("mongodb://localhost/app?timeoutMS=2500").timeout == 2.5
    assert from_url("mongodb://localhost/app?timeoutMS=2500", timeout=1.0).timeout == 1.0
    with pytest.raises(ConfigurationError, match="timeoutMS"):
        from_url("mongodb://localhost/app?timeoutMS=soon")


def test_modes_of_tls() -> None:
    remote = MongoDBSettings(host="db")
    assert client_options(remote)["tls"] is True
    required = client_options(MongoDBSettings(host="localhost", ssl="require"))
    assert required["tls"] is required["tlsAllowInvalidCertificates"] is True
    assert client_options(MongoDBSettings(host="db", ssl="disable"))["tls"] is False


@pytest.mark.parametrize(
    "settings",
    [
        {"name": ""},
        {"name": "a.b"},
        {"name": "a b"},
        {"name": "x" * 64},
        {"host": ""},
        {"password": Secret("x")},
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        MongoDBSettings(**settings)
