"""Transactions of processes: those that are killed leave all or nothing; none loses an update."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

import pytest

from interstore._sync.store import Store
from interstore.errors import UnsupportedError
from tests.concurrency.transfers import transfers, transfers_until_killed
from tests.differential.engines import Place, Subject

ACCOUNTS = [f"account{n}" for n in range(4)]


@pytest.fixture
def store(subject: Subject) -> Iterator[Store]:
    """One that declares transactions, with money in its accounts and an empty book."""
    store = subject.store
    try:
        with store.transaction():
            pass
    except UnsupportedError as error:
        pytest.skip(str(error))
    store.put_many("accounts", [{"id": name, "balance": 100} for name in ACCOUNTS])
    store.put("book", {"id": "first"})
    store.delete_many("book", {})
    yield store
    if store.database.name == "mongodb":
        # A server keeps the locks of a client that was killed for a minute.
        store.native.client.admin.command({"killAllSessions": []})
    store.delete_many("accounts", {})


@contextmanager
def running(place: Place, workers: int) -> Generator[list[BaseProcess]]:
    context = multiprocessing.get_context("spawn")
    processes: list[BaseProcess] = [
        context.Process(target=transfers_until_killed, args=(place, ACCOUNTS, number))
        for number in range(workers)
    ]
    for process in processes:
        process.start()
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.join()


def check(store: Store) -> int:
    """That the balances are what the book says; how many transfers there were."""

    def look(tx: Store) -> int:
        balances = {document.id: document["balance"] for document in tx.find("accounts")}
        expected = dict.fromkeys(ACCOUNTS, 100)
        number = 0
        for entry in tx.find("book"):
            expected[entry["source"]] -= entry["amount"]
            expected[entry["target"]] += entry["amount"]
            number += 1
        assert balances == expected, "part of a transaction is applied, or an update is lost"
        return number

    return store.run_in_transaction(look)


def need_processes(store: Store) -> None:
    if not store.capabilities.persistent:
        pytest.skip("its documents are those of one process")


@pytest.mark.parametrize("rounds", [1, pytest.param(30, marks=pytest.mark.long)])
def test_kills(store: Store, place: Place, rounds: int) -> None:
    need_processes(store)
    for _ in range(rounds):
        with running(place, 2) as processes:
            begun, deadline = check(store), time.monotonic() + 60
            while check(store) < begun + 10:
                assert time.monotonic() < deadline
                assert all(process.is_alive() for process in processes)
                time.sleep(0.01)
            for process in processes:
                time.sleep(random.uniform(0, 0.1))
                process.kill()
                process.join()
                check(store)
        assert check(store) >= begun + 10


def test_processes_at_once(store: Store, place: Place) -> None:
    need_processes(store)
    context = multiprocessing.get_context("spawn")
    workers, each = 3, 15
    with context.Pool(workers) as pool:
        pool.starmap(transfers, [(place, ACCOUNTS, number, each) for number in range(workers)])
    assert check(store) == workers * each
