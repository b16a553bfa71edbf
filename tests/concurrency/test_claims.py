"""Processes that drain one queue: each job is claimed once, in the order of priorities."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import partial
from itertools import pairwise

import pytest

from interstore import Document
from tests.concurrency.processes import Claim, claims
from tests.differential.engines import ENGINES, Place, Subject, place_of

SIZES = [
    pytest.param(4, 400, id="small"),
    pytest.param(8, 10_000, id="large", marks=[pytest.mark.long, pytest.mark.timeout(1200)]),
]


@pytest.fixture(scope="module", params=ENGINES, ids=lambda engine: engine.name)
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """Also where each claim is several requests."""
    with place_of(request.param, request, tmp_path_factory) as found:
        yield found


@pytest.fixture(scope="module")
def processes() -> Iterator[Executor]:
    """Children for all tests; those that are not needed do not start."""
    with ProcessPoolExecutor(8, multiprocessing.get_context("spawn")) as pool:
        yield pool


def _jobs(count: int) -> list[dict[str, object]]:
    # 7 and 10 have no common divisor, so priorities are spread over the ids.
    return [
        {"id": f"{n:05}", "state": "new", "priority": 7 * n % 10, "work": "x" * 50}
        for n in range(count)
    ]


def _check(expected: Sequence[Document], taken: list[list[Claim]], by_id: bool) -> None:
    """Args: by_id says whether jobs of the same priority come in the order of their ids, too."""
    ids = [id for each in taken for id, _, _ in each]
    assert len(ids) == len(set(ids)), "a job was claimed twice"
    assert set(ids) == {job.id for job in expected}, "None was said although jobs were left"
    place = {job.id: (-job["priority"], number * by_id) for number, job in enumerate(expected)}
    for each in taken:
        order = [place[id] for id, _, _ in each]
        assert all(one <= other for one, other in pairwise(order)), "not in the order of priorities"


@pytest.mark.parametrize(("workers", "count"), SIZES)
@pytest.mark.parametrize("deleting", [False, True], ids=["updating", "deleting"])
def test_a_queue_is_drained(
    subject: Subject, processes: Executor, workers: int, count: int, deleting: bool
) -> None:
    store, model = subject.store, "jobs"
    if not store.capabilities.persistent:
        pytest.skip("capability persistent is not declared")
    if count <= 400:
        count //= (2 if deleting else 1) * min(4, subject.place.engine.one_in)
    store.delete_many(model, {})
    store.ensure_index(model, "state", "priority", type=["string", "number"])
    store.create_many(model, _jobs(count))
    expected = list(store.find(model, sort="-priority"))
    start = time.monotonic_ns() + 10**9 // 2
    drain = partial(claims, subject.place, model, start=start, deleting=deleting)
    taken = list(processes.map(drain, range(workers)))
    # On Cosmos DB, who loses one goes on with any that is sorted equal.
    _check(expected, taken, by_id=subject.place.engine.name != "cosmosdb")
    if deleting:
        assert store.count(model) == 0
    else:
        assert all(version == 2 for each in taken for _, version, _ in each)
        assert all(worker == n for n, each in enumerate(taken) for _, _, worker in each)
        assert store.count(model, {"state": "taken"}) == count
    store.delete_many(model, {})
