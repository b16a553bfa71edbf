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


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("mongodb://h/app?w=0", "w=0 would have no effect, since durability='majority' says"),
        ("mongodb://h/app?journal=false", "journal=false would have no effect"),
        (
            "mongodb://h/app?w=majority&readconcernlevel=linearizable",
            "since reads are the primary's",
        ),
        ("mongodb://h/app?readconcernlevel=snapshot", "since reads are the primary's"),
    ],
)
def test_options_that_the_settings_decide_are_not_ignored(url: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        from_url(url)


def test_what_hosting_services_give() -> None:
    made = from_url("mongodb+srv://u:x@c.example/app?retryWrites=true&w=majority&appName=Cluster0")
    assert made.driver_options == {"retryWrites": "true", "w": "majority", "appName": "Cluster0"}
    assert from_url("mongodb://h/app?w=1", durability="primary").driver_options == {"w": "1"}


def test_names_of_options_in_lower_case() -> None:
    made = from_url("mongodb://h/app?replicaset=rs0&maxpoolsize=3")
    assert made.replica_set == "rs0"
    assert made.driver_options == {"maxPoolSize": "3"}


def test_an_option_that_the_driver_does_not_know() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'maxPoolSize'") as caught:
        MongoDBSettings(options=Secret("maxPolSize=3"))
    assert "maxPolSize" not in str(caught.value)


@pytest.mark.filterwarnings("error")
def test_a_value_that_the_driver_does_not_take() -> None:
    settings = from_url("mongodb://h/app?maxPoolSize=many")
    with pytest.raises(ConfigurationError, match="maxpoolsize must be an integer"):
        connection_string(settings)


@pytest.mark.parametrize("host", ["mongodb://u:CANARY@h/app", "u:CANARY@h", "http://h", ""])
def test_a_host_that_is_none(host: str) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_HOST") as caught:
        MongoDBSettings(host=host)
    assert "CANARY" not in str(caught.value)
