"""URLs, connection strings, and what libpq is told."""

from __future__ import annotations

import re
from typing import Any

import pytest

from interstore.errors import ConfigurationError
from interstore.settings import URL, Secret
from interstore_backends.postgresql.conninfo import connect_arguments, session_statements
from interstore_backends.postgresql.settings import PostgreSQLSettings


def settings(url: str, **more: Any) -> PostgreSQLSettings:
    given = PostgreSQLSettings.from_url(URL.parse(url))
    if "password" in given and not isinstance(given["password"], Secret):
        given["password"] = Secret(given["password"])
    return PostgreSQLSettings(**{**given, **more})


def test_a_url() -> None:
    made = settings("postgresql://me:p%40ss@db.example.com:6432/app?application_name=shop")
    assert (made.username, made.host, made.port, made.name) == ("me", "db.example.com", 6432, "app")
    assert made.password == Secret("p@ss")
    assert made.application_name == "shop"
    assert "p@ss" not in repr(made)


@pytest.mark.parametrize(
    "text",
    [
        "host=db user=me dbname=app password=secret",
        "host = db  user=me\ndbname='app' password = 'secret'",
        r"host=db user=me dbname=app password='sec\ret'",
    ],
)
def test_a_connection_string(text: str) -> None:
    made = settings(text)
    assert (made.username, made.host, made.name) == ("me", "db", "app")
    assert made.password == Secret("secret")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("host=db service=x", "'service', which is not supported"),
        ("host=db nonsense", "neither a URL nor"),
        ("host=db sslmode=allow", "sslmode=allow is not supported"),
        ("postgresql://x/app?sslmode=prefer", "sslmode=prefer is not supported"),
    ],
)
def test_what_is_not_understood(text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(problem)):
        settings(text)


@pytest.mark.parametrize("name", ["", "x" * 64, "pg_own", "a\0b"])
def test_a_schema_that_cannot_be(name: str) -> None:
    with pytest.raises(ConfigurationError, match="schema"):
        PostgreSQLSettings(schema=name)


@pytest.mark.parametrize(
    ("host", "mode"),
    [
        ("localhost", "prefer"),
        ("127.0.0.1", "prefer"),
        ("::1", "prefer"),
        ("/run/postgresql", "prefer"),
        ("db.example.com", "verify-full"),
        ("10.0.0.1", "verify-full"),
        ("localhost.example.com", "verify-full"),
        ("127.example.com", "verify-full"),
        ("localhost,db.example.com:5433", "verify-full"),
    ],
)
def test_tls_is_verified_to_other_machines(host: str, mode: str) -> None:
    arguments = connect_arguments(PostgreSQLSettings(host=host))
    assert arguments["sslmode"] == mode
    assert ("sslrootcert" in arguments) is (mode == "verify-full")


def test_tls_as_it_is_set() -> None:
    assert connect_arguments(settings("postgresql://db/x", ssl="disable"))["sslmode"] == "disable"
    assert connect_arguments(settings("host=db sslmode=require"))["sslmode"] == "require"
    verified = connect_arguments(settings("host=db sslmode=verify-full sslrootcert=/a.pem"))
    assert verified["sslrootcert"] == "/a.pem"


def test_several_hosts() -> None:
    arguments = connect_arguments(PostgreSQLSettings(host="a:1,b:2"))
    assert (arguments["host"], arguments["port"]) == ("a,b", "1,2")


def test_a_pooler_gets_no_options() -> None:
    made = PostgreSQLSettings(prepare=False)
    arguments = connect_arguments(made)
    assert "options" not in arguments
    assert arguments["prepare_threshold"] is None
    assert "SET TimeZone = 'UTC'" in (session_statements(made) or "")


@pytest.mark.parametrize("host", ["postgresql://u:CANARY@h/app", "u:CANARY@h", "h:6432", ""])
def test_a_host_that_is_none(host: str) -> None:
    with pytest.raises(ConfigurationError, match=r"DATABASE_(HOST|PORT)") as caught:
        PostgreSQLSettings(host=host)
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize("host", ["h", "::1", "/run/postgresql", "@abstract", "a:1,b:2"])
def test_hosts_of_every_kind(host: str) -> None:
    assert PostgreSQLSettings(host=host).host == host
