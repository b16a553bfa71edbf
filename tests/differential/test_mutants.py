"""The tests have teeth: whatever rule is removed, named cases notice it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from importlib import import_module
from typing import Any

import pytest

from interstore.changes_parse import parse_changes
from interstore.errors import InvalidDocumentError
from interstore.filters.arguments import parse_sort
from interstore.filters.parse import parse_filter
from interstore.filters.select import select
from interstore.prepared import Query
from interstore.testing.checks import ids
from interstore.testing.strategies import changes, fields, filters, sorts
from interstore.values import canonical_fields
from tests.differential import counts
from tests.differential.case import AT
from tests.differential.corpus import corpus, drawn, stored
from tests.differential.engines import ENGINES, Place, place_of
from tests.differential.judge import Program
from tests.differential.mutants import MUTANTS, QUICK
from tests.differential.mutation import Mutant, mutated


@pytest.fixture(scope="module")
def program() -> Program:
    """Random questions, and what the reference answers."""
    plain = corpus(7)
    documents = stored(plain)
    asked = drawn(filters(), 300, 7)
    orders = drawn(sorts(), 40, 7)
    steps = drawn(changes(), 60, 7)
    return Program(
        plain,
        [(each, ids(select(documents, Query(parse_filter(each))))) for each in asked],
        [(each, ids(select(documents, Query(sort=parse_sort(each))))) for each in orders],
        [
            (start, step, _after(start, step))
            for start, step in zip(drawn(fields(), 60, 7), steps, strict=False)
        ],
    )


def _after(start: dict[str, Any], step: Any) -> dict[str, Any] | None:
    try:
        return parse_changes("a", step, AT).apply_to(canonical_fields(start))
    except InvalidDocumentError:
        return None


@pytest.fixture(scope="module")
def places(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """Gives the place of an engine by its name; the same one each time."""
    with ExitStack() as stack:
        known: dict[str, Place] = {"core": Place("core", None)}

        def get(name: str) -> Place:
            if name not in known:
                [engine] = [each for each in ENGINES if each.name == name]
                known[name] = stack.enter_context(place_of(engine, request, tmp_path_factory))
            return known[name]

        yield get


def test_every_rule_is_found_in_the_code() -> None:
    for mutant in MUTANTS:
        mutant.source()


@pytest.mark.long
@pytest.mark.parametrize("name", ["core", *[engine.name for engine in ENGINES]])
def test_what_is_sound_passes(name: str, program: Program, places: Any) -> None:
    """Or nothing that notices a mutant would say anything."""
    verdict = _judged(name, places(name), program)
    assert (verdict.cases, verdict.random) == ([], 0)


@pytest.mark.parametrize("mutant", QUICK, ids=lambda mutant: f"{mutant.engine}: {mutant.rule}")
def test_a_removed_rule_is_noticed(mutant: Mutant, places: Any) -> None:
    place = places(mutant.engine)
    with mutated(mutant):
        assert _judged(mutant.engine, place, None).cases  # of which the first is enough


@pytest.mark.long
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.engine}: {mutant.rule}")
def test_every_removed_rule_is_noticed(mutant: Mutant, program: Program, places: Any) -> None:
    place = places(mutant.engine)
    with mutated(mutant):
        verdict = _judged(mutant.engine, place, program)
    shown = f"{', '.join(verdict.cases[:2])}, {verdict.random} of {len(program)} random questions"
    if mutant.equivalent:
        assert (verdict.cases, verdict.random) == ([], 0), f"it is noticed by {shown}: say so"
        counts.count(mutant.engine, "equivalent mutants")
        return
    counts.count(mutant.engine, "mutants noticed by named cases", bool(verdict.cases))
    counts.count(mutant.engine, "by random questions", bool(verdict.random))
    assert verdict.cases, f"no named case notices; {verdict.random} random questions do"


def _judged(name: str, place: Place, program: Program | None) -> Any:
    """By the copy of the judge that is imported now, with plain data."""
    judge = import_module("tests.differential.judge")
    told = program and judge.Program(
        program.documents, program.filters, program.sorts, program.updates
    )
    return judge.judged(name, place.where, told)
