"""Declarations and uniqueness across processes: what one declares, all are held to."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any

import pytest

import interstore
from interstore.errors import DuplicateError, InvalidDocumentError

spawn = multiprocessing.get_context("spawn")

VALUES = 60


def claim(url: str, process: int, wins: Any) -> None:
    """Claim every value: by create, update, put and bulk in turn."""
    with interstore.connect(url) as store:
        own = f"p{process}"
        store.ensure_index("seats", "seat", unique=True)
        store.ensure_index("seats", "row", type="number")
        store.put("seats", {"id": own})
        for value in range(VALUES):
            try:
                if value % 4 == 0:
                    store.create("seats", {"id": f"{own}-{value}", "seat": value})
                elif value % 4 == 1:
                    store.put("seats", {"id": f"{own}-{value}", "seat": value})
                elif value % 4 == 2:
                    store.update("seats", own, {"seat": value})
                else:
                    documents = [{"id": f"{own}-{value}", "seat": value}]
                    store.create_many("seats", documents)
            except (DuplicateError, interstore.BulkError):
                continue
            wins.put((value, process))


def spoil(url: str, ready: Any, declared: Any, results: Any) -> None:
    """Open the store, and write only once another process has declared the index."""
    with interstore.connect(url) as store:
        store.put("users", {"id": "spoiler", "age": 1, "name": "a"})
        ready.set()
        assert declared.wait(60)
        try:
            store.update("users", "spoiler", {"age": "old"})
        except InvalidDocumentError as error:
            results.put(error.path)
        try:
            store.create("users", {"name": "taken"})
        except DuplicateError as error:
            results.put(error.index)


@pytest.fixture(params=["json", "sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty database."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql_url"))
    return f"{request.param}:///{tmp_path / 'data'}" + (".db" if request.param == "sqlite" else "")


def test_one_winner_for_each_value(url: str) -> None:
    wins = spawn.Queue()
    processes = [spawn.Process(target=claim, args=(url, n, wins)) for n in range(3)]
    for process in processes:
        process.start()
    found: list[tuple[int, int]] = []
    while any(process.is_alive() for process in processes) or not wins.empty():
        if not wins.empty():
            found.append(wins.get())
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 3
    with interstore.connect(url) as store:
        seats = [document.get("seat") for document in store.find("seats")]
        taken = [seat for seat in seats if seat is not None]
        assert len(taken) == len(set(taken))
    for value in range(VALUES):
        winners = [process for each, process in found if each == value]
        # An update frees the process's former seat; elsewhere the first to come stays.
        assert len(winners) >= 1 if value % 4 == 2 else len(winners) == 1, value


def test_a_declaration_holds_at_once(url: str) -> None:
    ready, declared, results = spawn.Event(), spawn.Event(), spawn.Queue()
    process = spawn.Process(target=spoil, args=(url, ready, declared, results))
    process.start()
    assert ready.wait(60)
    with interstore.connect(url) as store:
        store.ensure_index("users", "age", type="number")
        names = store.ensure_index("users", "name", unique=True)
        store.create("users", {"name": "taken"})
        declared.set()
        assert [results.get(timeout=60), results.get(timeout=60)] == ["age", names.name]
        process.join(60)
        assert process.exitcode == 0
        assert store.count("users", {"name": "taken"}) == 1
