"""Which store is opened, and with which settings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import interstore
from interstore import BlobRules, ConfigurationError, InvalidDocumentError
from interstore.blobs.opening import blob_settings_in_force
from interstore.settings.environment import Environment
from tests.blob_engines import memory_blobs


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("STORAGE_BACKEND", "STORAGE_URL", "LOCAL_STORAGE_PATH"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_the_default_is_a_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with interstore.open_blobs() as store:
        store.put("a", b"x")
    assert (folder / "storage/a").read_bytes() == b"x"
    monkeypatch.setenv("LOCAL_STORAGE_PATH", "elsewhere")
    with interstore.open_blobs() as store:
        store.put("a", b"y")
    assert (folder / "elsewhere/a").read_bytes() == b"y"


@pytest.mark.parametrize(
    ("url", "where"),
    [("local:///x/y", "x/y"), ("local:x", "x"), ("local:{tmp}/z", "z"), ("file://{tmp}/z", "z")],
)
def test_urls_of_folders(folder: Path, url: str, where: str) -> None:
    with interstore.open_blobs(url.format(tmp=folder)) as store:
        assert store.backend == "local"
        store.put("a", b"x")
    assert (folder / where / "a").read_bytes() == b"x"


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_BACKEND", "memory")
    with interstore.open_blobs() as store:
        assert store.backend == "memory"
    monkeypatch.setenv("STORAGE_URL", "local:///x")
    with pytest.raises(ConfigurationError, match="STORAGE_BACKEND says 'memory'"):
        interstore.open_blobs()
    with interstore.open_blobs("local:///x") as store:
        assert store.backend == "local"


def test_stores_beside_others(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_BACKEND", "memory")
    monkeypatch.setenv("INTERSTORE_STORAGE_MEDIA_STORAGE_URL", "local:///media")
    monkeypatch.setenv("INTERSTORE_STORAGE_LOGS_STORAGE_BACKEND", "local")
    monkeypatch.setenv("INTERSTORE_STORAGE_LOGS_LOCAL_STORAGE_PATH", "logs")
    for name in ("media", "logs"):
        with interstore.open_blobs(name=name) as store:
            assert store.name == name
            store.put("a", b"x")
        assert (folder / name / "a").exists()
    with pytest.raises(ConfigurationError, match="set INTERSTORE_STORAGE_OTHER_STORAGE_URL"):
        interstore.open_blobs(name="other")
    with pytest.raises(ConfigurationError, match="'No' is not valid"):
        interstore.open_blobs(name="No")


def test_a_filesystem_that_a_third_party_installed() -> None:
    with interstore.open_blobs("memfs://blobs") as store:
        store.put("a/b.txt", b"x")
        assert [entry.key for entry in store.list()] == ["a/b.txt"]
        assert type(store.native).__module__ == "morefs.memory"
    with interstore.open_blobs(backend="memfs", path="/blobs") as store:
        assert store.backend == "memfs"


def test_what_is_not_there() -> None:
    with pytest.raises(ConfigurationError, match="'locale' is unknown; did you mean 'local'"):
        interstore.open_blobs(backend="locale")
    with pytest.raises(ConfigurationError, match="no option 'pfad'"):
        interstore.open_blobs(backend="local", pfad="x")
    with pytest.raises(ConfigurationError, match="does not begin with a scheme"):
        interstore.open_blobs("folder")
    with pytest.raises(ConfigurationError, match="engine= brings"):
        interstore.open_blobs("memory:", engine=memory_blobs())


def test_secrets_stay_hidden() -> None:
    url = "sftp://user:canary@127.0.0.1:1/x"
    resolved = blob_settings_in_force(url, environment=Environment({}))
    assert "canary" not in f"{resolved!r} {resolved.settings!r}"
    with pytest.raises(interstore.InterstoreError) as caught:
        interstore.open_blobs(url)
    assert "canary" not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_rules_and_an_engine_of_ones_own() -> None:
    rules = BlobRules(max_size=3)
    with interstore.open_blobs(engine=memory_blobs(), rules=rules) as store:
        store.put("a", b"123")
        with pytest.raises(InvalidDocumentError, match="more than 3 bytes"):
            store.put("b", b"1234")


def test_importing_is_light() -> None:
    code = (
        "import interstore, sys; interstore.open_blobs('memory:'); print('fsspec' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
