"""Orders, plans and reports hold no secret; places are told apart."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from interstore import connect
from interstore.connection import open_existing
from interstore.errors import ConfigurationError
from interstore.migration.ends import reference_for
from interstore.migration.references import (
    OpenStores,
    UrlResolver,
    expand,
    has_secret,
    hidden,
    identity_of,
    place_of,
)
from interstore.settings import URL
from tests.migration.conftest import ENGINES, MakeStore, url_of

CANARY = "c4n4ry-p4ssw0rd"


def test_a_url_with_a_password_is_passed_on_by_a_variable() -> None:
    url = f"postgresql://me:{CANARY}@db.example/app"
    with ExitStack() as stack:
        reference = reference_for(url, "source", "children", stack)
        assert reference == "${env:INTERSTORE_MIGRATION_SOURCE_URL}"
        assert expand(reference) == url
    assert "INTERSTORE_MIGRATION_SOURCE_URL" not in os.environ


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:data.db",
        "postgresql://me@db.example/app",
        "postgresql://me:${env:PW}@db.example/app",
    ],
)
def test_a_url_without_secrets_is_passed_on_as_it_is(url: str) -> None:
    with ExitStack() as stack:
        assert reference_for(url, "target", "children", stack) == url


def test_a_native_connection_string_is_secret_as_a_whole() -> None:
    text = f"AccountEndpoint=https://a.example:443/;AccountKey={CANARY}=="
    with ExitStack() as stack:
        assert CANARY not in reference_for(text, "target", "children", stack)


def test_a_place_shows_no_password(make_store: MakeStore) -> None:
    store = make_store("memory", "any")
    place = place_of(store, f"postgresql://me:{CANARY}@db.example/app?sslkey={CANARY}")
    assert CANARY not in repr(place)
    assert place.shown == "postgresql://me:***@db.example/app?sslkey=***"


def test_a_secret_beside_a_variable_is_still_hidden() -> None:
    url = f"postgresql://me:{CANARY}@${{env:HOST}}/app"
    assert hidden(url) == "postgresql://me:***@${env:HOST}/app"
    assert has_secret(url)
    assert hidden("${env:URL}") == "${env:URL}"


def test_a_variable_within_a_url_may_hold_any_character() -> None:
    url = expand("postgresql://me:${env:PW}@db.example/app", {"PW": "a@b:c/d?e#f%"})
    password = URL.parse(url).password
    assert password is not None
    assert password.reveal() == "a@b:c/d?e#f%"
    assert expand("${env:URL}", {"URL": "sqlite:a b"}) == "sqlite:a b"


@pytest.mark.parametrize("engine", ENGINES)
def test_places_are_told_apart(engine: str, tmp_path: Path) -> None:
    one, other = url_of(engine, tmp_path, "one"), url_of(engine, tmp_path, "other")
    with connect(one) as a, connect(other) as b:
        assert place_of(a).identity == place_of(a).identity != place_of(b).identity


def test_databases_in_memory_are_places_of_their_own() -> None:
    with (
        connect(type="sqlite", path=":memory:") as a,
        connect(type="sqlite", path=":memory:") as b,
    ):
        assert place_of(a).identity != place_of(b).identity


def test_references_that_lead_nowhere_say_so(make_store: MakeStore) -> None:
    with pytest.raises(ConfigurationError, match="NOT_SET is not set"):
        expand("sqlite:${env:NOT_SET}")
    with pytest.raises(ConfigurationError, match="only the process that made it"):
        UrlResolver().open("store:source")
    with pytest.raises(ConfigurationError, match="store:target"):
        OpenStores({"store:source": make_store("memory", "a")}).open("store:target")


def test_a_place_of_others_is_the_same_wherever_the_command_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: set[str] = set()
    for folder in (tmp_path, Path(__file__).parent):
        monkeypatch.chdir(folder)
        with open_existing("archive:memory://backups/monday") as store:
            found.add(identity_of(store.database))
    assert found == {"archive:path=memory://backups/monday"}
