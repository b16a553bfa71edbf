from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.running import Run, run


@pytest.fixture(autouse=True)
def _nothing_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variables, and an empty working directory."""
    for name in list(os.environ):
        if name.startswith("DATABASE_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=["sqlite:///x.db", "json:///x"])
def url(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store that the environment names."""
    monkeypatch.setenv("DATABASE_URL", request.param)
    return str(request.param)


@pytest.fixture
def cities(url: str) -> Run:
    """A store with three cities."""
    Path("cities.jsonl").write_text(
        '{"id":"oslo","country":"NO","people":717710}\n'
        '{"id":"bergen","country":"NO","people":291940,"at":{"lat":60.4}}\n'
        '{"id":"lima","country":"PE","people":null}\n'
    )
    return run("import", "city", "cities.jsonl")
