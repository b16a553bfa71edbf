"""Settings, URLs, drivers and formats."""

import pickle
import sqlite3
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from interstore.errors import ConfigurationError, MissingDriverError
from interstore.settings import URL
from interstore_backends.sqlite import interstore_backend
from interstore_backends.sqlite.database import SQLiteDatabase
from interstore_backends.sqlite.settings import SQLiteSettings
from tests.engines.sqlite.support import Open, write


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///data/a.db", "data/a.db"),
        ("sqlite:////var/a.db", "/var/a.db"),
        ("sqlite:///:memory:", ":memory:"),
        ("sqlite:a.db", "a.db"),
        ("sqlite:/var/a.db", "/var/a.db"),
        ("sqlite::memory:", ":memory:"),
        ("sqlite://", None),
    ],
)
def test_url(url: str, path: str | None) -> None:
    assert SQLiteSettings.from_url(URL.parse(url)).get("path") == path


def test_url_with_a_host_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="sqlite:///name"):
        SQLiteSettings.from_url(URL.parse("sqlite://host/a.db"))


def test_path_that_is_none() -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_PATH"):
        SQLiteSettings(path="")


def test_path_in_the_home_folder(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert opened(path="~/a/b.db").stats().details["file"] == str(tmp_path / "a" / "b.db")


def test_registration() -> None:
    backend = interstore_backend()
    assert backend.name == "sqlite"
    assert backend.database is not None
    made = backend.database(SQLiteSettings(path="a.db"))
    assert made.capabilities is backend.capabilities
    in_memory = backend.database(SQLiteSettings(path=":memory:"))
    assert in_memory.capabilities == replace(
        backend.capabilities, transaction=False, snapshot=False
    )


def test_missing_driver_says_what_to_install() -> None:
    with pytest.raises(MissingDriverError, match="pip install sqlean9"):
        SQLiteDatabase(SQLiteSettings(driver="sqlean9"))


def test_module_that_is_no_driver() -> None:
    with pytest.raises(ConfigurationError, match="driver='json' is no driver"):
        SQLiteDatabase(SQLiteSettings(driver="json"))


def test_library_that_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    old = SimpleNamespace(
        connect=None, Error=Exception, sqlite_version_info=(3, 37, 2), sqlite_version="3.37.2"
    )
    monkeypatch.setitem(sys.modules, "oldsqlite", old)
    with pytest.raises(ConfigurationError, match=r"has SQLite 3\.37\.2; Interstore needs 3\.38"):
        SQLiteDatabase(SQLiteSettings(driver="oldsqlite"))


@pytest.mark.skipif(sqlite3.sqlite_version_info >= (3, 45), reason="the library has JSONB")
def test_jsonb_needs_a_newer_library(opened: Open) -> None:
    with pytest.raises(ConfigurationError, match=r"jsonb=True needs SQLite 3\.45"):
        opened(jsonb=True)
    pytest.importorskip("pysqlite3")
    newer = opened(driver="pysqlite3", jsonb=True)
    newer.create("new", write("a"))
    newer.disconnect()
    old = opened()
    old.create("old", write("a"))
    said = r"'new', stored as jsonb, needs SQLite 3\.45"
    with pytest.raises(ConfigurationError, match=said):
        old.find_by_id("new", "a")
    with pytest.raises(ConfigurationError, match=said):
        old.create("new", write("b"))


def test_models_keep_their_format(opened: Open) -> None:
    pytest.importorskip("pysqlite3")
    old = opened()
    old.create("text", write("a", {"n": 1}))
    old.disconnect()
    newer = opened(driver="pysqlite3", jsonb=True)
    newer.create("text", write("b", {"n": 2}))
    newer.create("binary", write("a", {"n": 3}))
    types = "SELECT typeof(doc) FROM text UNION SELECT typeof(doc) FROM binary"
    assert newer.native.execute(types).fetchall() == [("blob",), ("text",)]
    newer.disconnect()
    assert opened().find_by_id("text", "b") == {"id": "b", "n": 2}


def test_layout_of_a_newer_interstore(opened: Open, path: str) -> None:
    opened().native.execute("UPDATE interstore_meta SET value = '2' WHERE key = 'layout'")
    with pytest.raises(ConfigurationError, match=r"layout 2 of a newer Interstore.* upgrade"):
        opened()


def test_tables_of_others_are_left_alone(opened: Open, path: str) -> None:
    Path(path).parent.mkdir()
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE Users (name TEXT)")
    other.close()
    database = opened()
    assert database.find_by_id("users", "a") is None
    with pytest.raises(ConfigurationError, match="a table 'users' that Interstore did not make"):
        database.create("users", write("a"))
    database.create("people", write("a"))
    assert database.models() == ["people"]


def test_database_in_utf16_is_refused(opened: Open, path: str) -> None:
    Path(path).parent.mkdir()
    other = sqlite3.connect(path)
    other.execute("PRAGMA encoding = 'UTF-16'")
    other.execute("CREATE TABLE t (x)")
    other.close()
    with pytest.raises(ConfigurationError, match="UTF-16le"):
        opened()


@pytest.mark.parametrize(("durability", "level"), [("fsync", 2), ("os", 1)])
def test_durability(opened: Open, durability: str, level: int) -> None:
    native = opened(durability=durability).native
    assert native.execute("PRAGMA synchronous").fetchall() == [(level,)]
    assert native.execute("PRAGMA journal_mode").fetchall() == [("wal",)]


def test_the_default_survives_a_power_loss() -> None:
    assert SQLiteSettings().durability == "fsync"


def test_errors_cross_processes(opened: Open) -> None:
    opened().create("m", write("a"))
    with pytest.raises(Exception, match="already") as caught:
        opened().create("m", write("a"))
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (type(copy), copy.id) == (type(caught.value), "a")
