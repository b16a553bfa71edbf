"""The example of a third party's plugin, as somebody who installs it meets it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import interstore
from interstore.plugins.discovery import installed

EXAMPLE = Path(__file__).parents[2] / "docs/examples/interstore-readonly"


def test_it_is_listed() -> None:
    assert dict(installed())["readonly"] == "interstore-readonly 0.1.0"
    assert {"observe", "retry"} <= set(dict(installed()))


def test_by_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INTERSTORE_PLUGINS", "readonly")
    monkeypatch.setenv("READONLY_MODELS", "prices")
    with interstore.connect("memory://") as store:
        store.create("orders", {"id": "a"})
        with pytest.raises(interstore.PermissionDeniedError, match="READONLY_MODELS"):
            store.create("prices", {"id": "a"})


def test_its_own_tests_run() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
         "-k", "test_create or test_it_refuses", EXAMPLE / "tests"],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout
    assert " passed" in run.stdout
