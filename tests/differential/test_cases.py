"""Every divergence ever found, tried on every engine, and on the reference itself."""

from __future__ import annotations

import pytest

from interstore._sync.operations import Operations
from tests.differential.case import Case, problems
from tests.differential.cases import CASES, TABLES
from tests.differential.counts import count
from tests.differential.engines import Subject
from tests.tiny import TinyDatabase


@pytest.fixture(scope="module")
def prepared(subject: Subject) -> Subject:
    """The engine with a model that others have made, if they can."""
    subject.place.engine.prepare(subject.store, "cases")
    return subject


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(prepared: Subject, case: Case) -> None:
    assert list(problems(prepared.store.database, "cases", case)) == []
    count(prepared.name, "named cases")


@pytest.mark.parametrize("case", [*CASES, *TABLES], ids=lambda case: case.name)
def test_the_reference(case: Case) -> None:
    assert list(problems(Operations(TinyDatabase()), "cases", case)) == []


def test_names_are_names() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
