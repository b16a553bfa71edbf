"""Credentials belong to one store, and are shown nowhere."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

import interstore
from interstore import BlobStore, InterstoreError, PermissionDeniedError, open_blobs
from interstore.blobs.opening import blob_settings_in_force
from tests.blob_servers import through
from tests.servers.azure import Azure
from tests.servers.proxy import Proxy
from tests.servers.s3 import S3

WRONG = "Y2FuYXJ5LW9mLXRoZS10ZXN0cw=="
"""A canary, in base 64 as keys of Azure are."""


@pytest.fixture(params=["s3", "azure"])
def right(request: pytest.FixtureRequest) -> str:
    """The URL of a bucket or container."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def server(right: str, request: pytest.FixtureRequest) -> S3 | Azure:
    found: S3 | Azure = request.getfixturevalue(f"{right.partition(':')[0]}_server")
    return found


def secret_of(server: S3 | Azure) -> str:
    return server.secret if isinstance(server, S3) else server.key


def options(url: str) -> dict[str, Any]:
    return {"keys": "flat"} if url.startswith("s3") else {}


def test_each_store_has_its_own(right: str, server: S3 | Azure) -> None:
    """Neither fsspec nor a driver gives one store what another was let in with."""
    wrong = right.replace(quote(secret_of(server), safe=""), quote(WRONG, safe=""))
    assert wrong != right
    for _ in range(2):
        with open_blobs(right, **options(right)) as store:
            store.put("a", b"1")
            assert store.native.exists("/")
            assert type(store.native)._cache == {}
            with pytest.raises(PermissionDeniedError):
                open_blobs(wrong, **options(right))
            assert store.get("a") == b"1"


def test_they_are_shown_nowhere(
    right: str, server: S3 | Azure, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = secret_of(server)
    seen: list[str] = []
    with Proxy(*server.address) as proxy:
        url = through(right, proxy.port)
        with open_blobs(url, timeout=2, **options(right)) as store:
            seen += [*everything(store), repr(blob_settings_in_force(url)), repr(store.native)]
            seen += [shown(call) for call in calls(store)]
            proxy.lie(b"200 OK", b"500 NO")
            seen += [shown(call) for call in calls(store)[:2]]
    seen += [record.getMessage() for record in caplog.records]
    assert len(seen) > 10
    for form in {secret, quote(secret, safe="")}:
        assert not [text for text in seen if form in text]


def everything(store: BlobStore) -> Iterator[str]:
    """What whoever debugs would look at."""
    engine: Any = store._engine
    inner = engine._engine
    for each in (store, engine, inner, inner._settings, vars(store), vars(inner)):
        yield repr(each)


def calls(store: BlobStore) -> list[Callable[[], object]]:
    """One of each, of which half fail."""
    return [
        lambda: store.get("nothing"),
        lambda: store.put("a", b"x", if_match="none"),
        lambda: store.put("a", b"x" * 2_000_000),
        lambda: store.put("a", b"x", if_absent=True),
        lambda: store.copy("a", "b"),
        lambda: store.copy("nothing", "b"),
        lambda: list(store.list()),
        lambda: store.delete("a", if_match="none"),
        lambda: store.delete_many(prefix=""),
        lambda: store.open("nothing").read(),
    ]


def shown(call: Callable[[], object]) -> str:
    try:
        return repr(call())
    except InterstoreError as error:
        causes = [error, error.__cause__, error.__context__]
        return " ".join(f"{cause!r} {cause}" for cause in causes)


@pytest.mark.parametrize(
    ("variables", "canary"),
    [
        ({"STORAGE_URL": "s3://key:canary@bucket?endpoint=http://127.0.0.1:1"}, "canary"),
        (
            {
                "STORAGE_BACKEND": "s3",
                "AWS_S3_BUCKET": "b",
                "AWS_ACCESS_KEY_ID": "k",
                "AWS_SECRET_ACCESS_KEY": "canary",
                "AWS_S3_TIMEOUT": "soon",
            },
            "canary",
        ),
        ({"STORAGE_URL": "azure://a:canary!@c"}, "canary"),
        (
            {
                "STORAGE_BACKEND": "azure",
                "AZURE_STORAGE_CONTAINER_NAME": "c",
                "AZURE_STORAGE_CONNECTION_STRING": "AccountKey=canary",
            },
            "canary",
        ),
        ({"STORAGE_URL": "local:///x?secret=canary"}, "canary"),
        ({"STORAGE_URL": "ftp://user:canary@127.0.0.1:1/x"}, "canary"),
        ({"STORAGE_URL": "nonsense://user:canary@host/x"}, "canary"),
    ],
)
def test_what_is_wrong_does_not_show_them(
    variables: dict[str, str], canary: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InterstoreError) as raised:
        interstore.open_blobs()
    error = raised.value
    assert canary not in f"{error!r} {error} {error.__cause__!r}"
