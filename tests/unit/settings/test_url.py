"""URLs taken apart, and what is shown of them."""

from __future__ import annotations

import pytest

from interstore.errors import ConfigurationError
from interstore.settings import URL, Secret


def test_all_parts() -> None:
    url = URL.parse("PostgreSQL://us%40er:p%3Aw%20d@db.example.org:5433/my%2Fname?timeout=5&x=%26")
    assert url.scheme == "postgresql"
    assert url.username == "us@er"
    assert url.password == Secret("p:w d")
    assert (url.host, url.port) == ("db.example.org", 5433)
    assert url.path == "/my/name"
    assert dict(url.query) == {"timeout": "5", "x": "&"}


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("a://", None, None),
        ("a:///path", None, None),
        ("a://h", "h", None),
        ("a://h:/x", "h", None),
        ("a://[::1]:5/x", "::1", 5),
        ("a://[::1]", "::1", None),
        ("a://u@:5", None, 5),
        ("a://h1:1,h2:2/x", "h1:1,h2:2", None),
    ],
)
def test_hosts(text: str, host: str | None, port: int | None) -> None:
    url = URL.parse(text)
    assert (url.host, url.port) == (host, port)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("sqlite://", ""),
        ("sqlite:", ""),
        ("sqlite:///x.db", "x.db"),
        ("sqlite:x.db", "x.db"),
        ("sqlite:///../a/x.db", "../a/x.db"),
        ("sqlite:////a/x.db", "/a/x.db"),
        ("sqlite:/a/x.db", "/a/x.db"),
        ("sqlite:///:memory:", ":memory:"),
        ("sqlite:///a%20b%23c@d.db", "a b#c@d.db"),
    ],
)
def test_paths_of_files(text: str, path: str) -> None:
    assert URL.parse(text).file_path == path


def test_a_slash_too_few() -> None:
    with pytest.raises(ConfigurationError, match="write sqlite:///name"):
        _ = URL.parse("sqlite://x.db").file_path


@pytest.mark.parametrize("text", ["", "x.db", "/a/b", "AccountEndpoint=https://h/;AccountKey=k=="])
def test_what_is_no_url_is_kept_whole(text: str) -> None:
    url = URL.parse(text)
    assert (url.scheme, url.raw.reveal(), str(url)) == ("", text, "***")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a://u:CANARY/x@h/db", "'@' after its first"),
        ("a://u:12#CANARY@h/db", "'@' after its first"),
        ("a://u:12?CANARY@h/db", "'@' after its first"),
        ("a://u:x@CANARY/y@h/db", "'@' after its first"),
        ("a://u:x@h?CANARY@h/db", "'@' in the name of a parameter"),
        ("a://u:CAN@ARY@h/db", "more than one user or password"),
        ("a://u:CAN:ARY@h/db", "more than one user or password"),
        ("a:///x#CANARY", "write %23"),
        ("a://h:CANARY/db", "port"),
        ("a://h:99999/db", "port"),
        ("a://[::1/db", "IPv6"),
        ("a://h/db?x=CANARY&x=CANARY", "'x' twice"),
    ],
)
def test_what_could_only_be_guessed_is_refused_and_not_quoted(text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as caught:
        URL.parse(text)
    assert "CAN" not in str(caught.value)
    assert "99999" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a://u:CANARY@h:1/db?timeout=5", "a://u:***@h:1/db?timeout=5"),
        ("a://u@[::1]:1/db", "a://u@[::1]:1/db"),
        ("a://u:@h", "a://u:***@h"),
        ("a://h?password=CANARY&AccountKey=CANARY", "a://h?password=***&AccountKey=***"),
        ("a:///x%20y.db", "a:///x%20y.db"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    url = URL.parse(text)
    assert str(url) == shown
    assert repr(url) == f"URL({shown!r})"


def test_secrets_of_a_native_connection_string() -> None:
    url = URL.parse("AccountEndpoint=https://h/;AccountKey=CANARY==;")
    assert Secret("CANARY==") in url.secrets()
    assert "CANARY" not in repr(url)
