"""The state machine, on every engine."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from interstore.testing._sync.differential import compared
from tests.differential.engines import Subject
from tests.differential.machine import StoreMachine


def test_whatever_is_done_in_whatever_order(
    subject: Subject, request: pytest.FixtureRequest
) -> None:
    class OnSubject(StoreMachine):
        pass

    OnSubject.subject = subject
    long = request.config.getoption("--long")
    chosen = settings(compared, max_examples=300 if long else 8, stateful_step_count=30)
    run_state_machine_as_test(OnSubject, settings=chosen)
