"""Which engine is meant, when several things say so."""

from __future__ import annotations

import pytest

from interstore.errors import ConfigurationError
from interstore.settings.choose import choose
from interstore.settings.environment import Environment
from tests.unit.settings.engines import SERVER, register


@pytest.fixture(autouse=True)
def _server(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, SERVER)


URL = "DATABASE_URL"
TYPE = "DATABASE_TYPE"


@pytest.mark.parametrize(
    ("url", "type", "variables", "name", "origin", "url_origin"),
    [
        (None, None, {}, "json", "default", ""),
        (None, None, {TYPE: "sqlite"}, "sqlite", TYPE, ""),
        (None, None, {TYPE: "", URL: ""}, "json", "default", ""),
        (None, None, {URL: "srv://h"}, "server", "URL", URL),
        (None, None, {"DATABASE_CONNECTION_STRING": "srv://h"}, "server", "URL", "DATABASE_CO"),
        (None, None, {URL: "srv://h", TYPE: "s"}, "server", TYPE, URL),
        (None, None, {URL: "host=h", TYPE: "server"}, "server", TYPE, URL),
        ("memory:", None, {}, "memory", "URL", "argument"),
        ("memory:", None, {URL: "srv://h", TYPE: "server"}, "memory", "URL", "argument"),
        ("memory:", None, {TYPE: "no such"}, "memory", "URL", "argument"),
        ("host=h", None, {TYPE: "server"}, "server", TYPE, "argument"),
        (None, "memory", {URL: "srv://h", TYPE: "server"}, "memory", "argument", ""),
        (None, "s", {URL: "srv://h"}, "server", "argument", URL),
        ("srv://h", "server", {URL: "memory:"}, "server", "argument", "argument"),
    ],
)
def test_precedence(
    url: str | None,
    type: str | None,
    variables: dict[str, str],
    name: str,
    origin: str,
    url_origin: str,
) -> None:
    choice = choose(url, type, Environment(variables))
    assert choice.backend.name == name
    assert choice.origin == origin
    assert choice.url_origin.startswith(url_origin)
    assert bool(choice.url_origin) == bool(url_origin)


@pytest.mark.parametrize(
    ("url", "type", "variables", "message"),
    [
        ("memory:", "sqlite", {}, "the URL is one for 'memory', but type='sqlite' says 'sqlite'"),
        (
            None,
            None,
            {URL: "memory:", TYPE: "sqlite"},
            "DATABASE_URL is one for 'memory', but DATABASE_TYPE says 'sqlite'",
        ),
        (
            None,
            None,
            {URL: "memory:", "DATABASE_CONNECTION_STRING": "sqlite:"},
            "two names of one setting and differ",
        ),
        (None, None, {TYPE: "sqlit"}, "DATABASE_TYPE: the engine 'sqlit' is unknown; did you mean"),
        (None, None, {URL: "mysql://h"}, "the scheme of DATABASE_URL 'mysql' is unknown"),
        ("nothing", None, {}, "the URL does not begin with a scheme"),
        (None, "", {}, "type does not hold the name of an engine"),
        (5, None, {}, "the URL is a text, not of type int"),
        (None, None, {URL: "a://h:x/"}, "DATABASE_URL: the port in the URL"),
    ],
)
def test_refusals(
    url: str | None, type: str | None, variables: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        choose(url, type, Environment(variables))
    assert message in str(caught.value)


def test_a_url_in_the_wrong_variable_is_not_quoted() -> None:
    with pytest.raises(ConfigurationError, match="a URL belongs into DATABASE_URL") as caught:
        choose(None, None, Environment({TYPE: "srv://user:CANARY@h"}))
    assert "CANARY" not in str(caught.value)


def test_the_process_goes_before_dotenv() -> None:
    environment = Environment({TYPE: "memory"}, {TYPE: "sqlite", "DATABASE_TIMEOUT": "5"})
    assert choose(None, None, environment).origin == TYPE
    assert str(environment.get(["DATABASE_TIMEOUT"])) == "DATABASE_TIMEOUT (in .env)"
    hidden = Environment({URL: ""}, {URL: "srv://h", TYPE: "memory"})
    assert choose(None, None, hidden).backend.name == "memory"
