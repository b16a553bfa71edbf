"""The engines as fixtures: one after the other, or all at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.differential.engines import ENGINES, Place, Subject, place_of

__all__ = ["place", "subject", "subjects"]


@pytest.fixture(scope="module", params=ENGINES, ids=lambda engine: engine.name)
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """Where the documents of one engine lie, for the tests of a module: each engine in turn."""
    with place_of(request.param, request, tmp_path_factory) as found:
        yield found


@pytest.fixture(scope="module")
def subject(place: Place) -> Iterator[Subject]:
    """The same with a connected store."""
    with place.store() as store:
        yield Subject(place.name, place, store)


@pytest.fixture(scope="module")
def subjects(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Subject]]:
    """All engines that can run here."""
    with ExitStack() as stack:
        found: list[Subject] = []
        for engine in ENGINES:
            try:
                place = stack.enter_context(place_of(engine, request, tmp_path_factory))
            except pytest.skip.Exception:  # its own tests tell why
                continue
            store = stack.enter_context(place.store())
            found.append(Subject(engine.name, place, store))
        yield found
