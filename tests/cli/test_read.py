"""`models`, `find`, `get`, `count`, `drop`."""

from __future__ import annotations

from pathlib import Path

import pytest

import interstore
from tests.cli.running import Run, run, run_terminal


@pytest.mark.parametrize(
    ("url", "said"), [("sqlite:ap.db", "no file"), ("json:dta", "no JSON files")]
)
@pytest.mark.parametrize(
    "command",
    [("models",), ("count", "a"), ("find", "a"), ("get", "a", "1"), ("export", "a"), ("drop", "a")],
)
def test_a_store_that_is_not_there_is_an_error_and_not_made(
    command: tuple[str, ...], url: str, said: str
) -> None:
    found = run(*command, "-u", url, *(("--yes",) if command[0] == "drop" else ()))
    assert (found.code, found.out) == (1, "")
    assert said in found.err
    assert not Path(url.partition(":")[2]).exists()


def test_models(cities: Run) -> None:
    assert run("models").rows == [{"model": "city"}]
    assert run("models", "--count").rows == [{"model": "city", "documents": 3}]


def test_find(cities: Run) -> None:
    assert [row["id"] for row in run("find", "city").rows] == ["bergen", "lima", "oslo"]
    found = run(
        "find", "city", "--where", '{"country":"NO"}', "--sort", "-people", "--fields", "id"
    )
    assert found.rows == [{"id": "oslo"}, {"id": "bergen"}]
    assert run("find", "city", "-n", "1", "-s", "country,-people", "-f", "people,at.lat").rows == [
        {"id": "oslo", "people": 717710}
    ]
    assert run("find", "city", "--limit", "0").rows == []


def test_nothing_found_says_why(cities: Run) -> None:
    found = run("find", "citty")
    assert (found.code, found.out) == (0, "")
    assert found.err == "note: there is no model 'citty'; did you mean 'city'? (there are city)\n"
    assert run("find", "city", "-w", '{"a":1}').err == ""
    assert run("count", "town").out == "0\n"


def test_get(cities: Run) -> None:
    assert run("get", "city", "lima").rows == [{"id": "lima", "country": "PE", "people": None}]
    missing = run("get", "city", "rome")
    assert (missing.code, missing.err) == (1, "interstore: city has no document 'rome'\n")
    shown = run_terminal("get", "city", "bergen")
    assert '"lat": 60.4' in shown.out
    assert shown.err.startswith("version 1, created 20")


def test_count(cities: Run) -> None:
    assert run("count", "city").out == "3\n"
    assert run("count", "city", "-w", '{"people":{"$gte":291940}}').out == "2\n"


def test_drop_asks(cities: Run) -> None:
    assert "say --yes" in run("drop", "city").err
    refused = run_terminal("drop", "city", stdin="n\n")
    assert (refused.code, "not done" in refused.err) == (1, True)
    assert "Remove city and its 3 documents" in refused.out + refused.err
    with interstore.connect() as store:
        assert store.count("city") == 3
    assert run_terminal("drop", "city", stdin="y\n").code == 0
    assert run("models").rows == []
    assert "there is no model 'city' (the store is empty)" in run("drop", "city", "--yes").err


def test_drop_with_yes(cities: Run) -> None:
    assert run("drop", "city", "--yes").code == 0
    assert run("models").rows == []
