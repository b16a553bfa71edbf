"""Stores to move data between, for every engine of this machine."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from interstore import BlobStore, Store, StoreWithBlobs, connect, open_blobs
from interstore.migration import Report, migrate
from interstore.migration.live import beginning, handover, move, steps, verifying

INTERSTORE = str(Path(sys.executable).with_name("interstore"))
"""The command."""

ENGINES = ["memory", "json", "sqlite"]

SERVERS = ["postgresql", "mongodb"]

MakeStore = Callable[[str, str], Store]
Migrate = Callable[..., Report]
Call = Callable[..., list[dict[str, Any]]]

ODD_IDS = [
    "a",
    "A",
    "å",
    "Å",
    "e\u0301",
    "é",
    "x" * 255,
    "x" * 254,
    "\u00df" * 127,
    "\uffff",
    "\uff5e",
    "\U00010000",
    "\U0001f600",
    "\U0001f600\U0001f600",
    "%",
    "%25",
    "it's",
    '"quoted"',
    "back\\slash",
    "a b",
    "a/b?c#d",
    "0",
    "00",
    "10",
    "9",
    "-1",
    "null",
    "x\u00a0y",
]
"""Ids that engines are apt to sort, fold, cut or quote in ways of their own."""


def url_of(engine: str, folder: Path, name: str) -> str:
    return {
        "memory": "memory:",
        "json": f"json:{folder / name}",
        "sqlite": f"sqlite:{folder / name}.db",
    }[engine]


def server_url(engine: str, request: pytest.FixtureRequest) -> str:
    """An empty database of a server, for this test."""
    url: str = request.getfixturevalue(f"{engine}_url")
    return url


def creating(url: str) -> str:
    """Of an account, with leave to make containers."""
    return f"{url}{'&' if '?' in url else '?'}auto_create=true"


def fill(store: Store, model: str, count: int, first: int = 0) -> None:
    """Documents of several versions, shapes and ages."""
    rows = [
        {
            "id": f"{model}-{index:06d}",
            "n": index,
            "text": "é" * (index % 7),
            "deep": {"f": index / 8},
        }
        for index in range(first, first + count)
    ]
    store.create_many(model, rows)
    for index in range(first, first + count, 97):
        store.update(model, f"{model}-{index:06d}", {"again": True})


def contents(store: Store, model: str) -> dict[str, Any]:
    """All documents of a model with their envelopes, by id."""
    return {
        document.id: (dict(document), document.version, document.created, document.updated)
        for document in store.find(model)
    }


@contextmanager
def moving(store: Store) -> Generator[list[int]]:
    """Meanwhile, one moves amounts between the first and the last document, one at a time."""
    stop = Event()
    moves = [0]

    def move() -> None:
        while not stop.is_set():
            with store.transaction() as tx:
                tx.update("first", "a", {"$inc": {"n": -1}})
                tx.update("last", "z", {"$inc": {"n": 1}})
            moves[0] += 1

    store.create("first", {"id": "a", "n": 0})
    store.create("last", {"id": "z", "n": 0})
    thread = threading.Thread(target=move)
    thread.start()
    try:
        yield moves
    finally:
        stop.set()
        thread.join()


class Places:
    """Blob stores in a folder, opened by name."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self._stack = stack

    def url(self, name: str) -> str:
        return f"local:{self.folder / name}?durability=os"

    def blobs(self, folder: str, **options: Any) -> BlobStore:
        return self._stack.enter_context(open_blobs(self.url(folder), **options))

    def file(self, name: str, key: str) -> Path:
        return self.folder / name / key


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Places]:
    with ExitStack() as stack:
        yield Places(tmp_path, stack)


def with_photos(store: Store, blobs: BlobStore) -> StoreWithBlobs:
    """Thirty users, each with a photo; those whose number can be divided by three, with a scan."""
    owning = store.with_blobs(blobs)
    for number in range(30):
        id = f"u{number:02d}"
        owning.create("users", {"id": id, "n": number})
        owning.attach("users", id, "photo", b"\x89PNG\r\n\x1a\n" + bytes([number]) * 1_000)
        if number % 3 == 0:
            text = f"scan {number}".encode()
            owning.attach("users", id, "files", text, append=True, metadata={"by": "Ada"})
    return owning


@pytest.fixture
def make_store(tmp_path: Path) -> Iterator[MakeStore]:
    """Opens stores by engine and name; the same name is the same place."""
    with ExitStack() as stack:
        yield lambda engine, name: stack.enter_context(connect(url_of(engine, tmp_path, name)))


@pytest.fixture
def run(tmp_path: Path) -> Migrate:
    """`migrate` with its state in a folder of the test's."""

    def call(source: Any, target: Any, **options: Any) -> Report:
        return migrate(source, target, state=tmp_path / "state", **options)

    return call


@pytest.fixture
def call(tmp_path: Path) -> Call:
    """Calls `interstore` in a folder of the test's; gives the lines that it prints."""

    def interstore(*arguments: str, exit_code: int = 0) -> list[dict[str, Any]]:
        done = subprocess.run(
            [INTERSTORE, *arguments], capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert done.returncode == exit_code, done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return interstore


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where an archive may be."""
    return tmp_path / "archive"


@pytest.fixture
def bucket(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a bucket in the words of fsspec, with credentials in the environment."""
    found = urlsplit(s3_url)
    query = dict(parse_qsl(found.query))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", found.username or "")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", found.password or "")
    monkeypatch.setenv("AWS_ENDPOINT_URL", query["endpoint"])
    monkeypatch.setenv("AWS_DEFAULT_REGION", query.get("region", "us-east-1"))
    return f"s3://{found.hostname}{found.path.rstrip('/')}"


@pytest.fixture
def short_margin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of a live move wait less for leases that lapse."""
    for module in (beginning, handover, move, steps):
        monkeypatch.setattr(module, "MARGIN", 0.2)


@pytest.fixture
def short_patience(short_margin: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """And for differences that stay."""
    for module in (handover, verifying):
        monkeypatch.setattr(module, "PATIENCE", 1.0)
