"""What authors of plugins are told is what is there: hooks, signatures, the table of the rule."""

from __future__ import annotations

import inspect
import re

import pytest

from interstore import hookspecs
from interstore.plugins.composition import BASIS, derived
from interstore.plugins.discovery import HOOKS
from tests.tools.pages import ROOT

GUIDE = (ROOT / "docs/writing-a-plugin.md").read_text(encoding="utf-8")
SPECIFIED = {
    name: function for name, function in vars(hookspecs).items() if name.startswith("interstore_")
}


def signature(name: str) -> str:
    text = str(inspect.signature(SPECIFIED[name]))
    return f"def {name}{text}".replace("'", "")


@pytest.mark.parametrize("name", SPECIFIED)
def test_the_guide_has_its_signature(name: str) -> None:
    told = re.findall(rf"^def {name}\(.*$", GUIDE, re.MULTILINE)
    assert told == [signature(name)]


@pytest.mark.parametrize("name", HOOKS)
def test_it_has_a_test(name: str) -> None:
    tests = (ROOT / "tests/unit/plugins/test_hooks.py").read_text(encoding="utf-8")
    assert re.search(rf"def test_{name}\(", tests)


def test_every_hook_has_one_sentence() -> None:
    for name, function in SPECIFIED.items():
        assert function.__doc__, name
        assert function.__doc__.strip().count(".") >= 1
        assert "\n" not in function.__doc__.strip(), name
    assert set(HOOKS) == set(SPECIFIED) - {"interstore_backend", "interstore_blob_backend"}


def test_the_table_of_the_rule() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (`.+`) \|$", GUIDE, re.MULTILINE)
    assert len(rows) == 6
    for overridden, told in rows:
        assert set(re.findall(r"`(\w+)`", told)) == derived({overridden}, ()), overridden
    assert {name for basis in BASIS.values() for name in basis} == {name for name, _ in rows}
