"""The reference says what docstrings and declarations say."""

from __future__ import annotations

import re

import pytest

from tests.tools import api_reference
from tests.tools.api_markdown import entry, prose


def example(path: str, *names: str, limit: int | None = None, **options: object) -> list[str]:
    """Do ``something`` with a path.

    Shown so::

        one
        two

    Args:
        path: where,
            and more.
        **options: the rest.

    Returns:
        What was done.

    Raises:
        KeyError, ValueError: it cannot be done.
    """
    return [path, *names, str(limit), *options]


class Fields:
    """Some.

    Attributes:
        a: the first.
    """

    a: int
    b: str = "x"

    @property
    def both(self) -> str:
        """Both."""
        return f"{self.a}{self.b}"

    def _hidden(self) -> None:
        """Hidden."""

    def undocumented(self) -> None: ...


def text(name: str, thing: object, module: str = "interstore") -> str:
    return "\n".join(entry(name, thing, module))


def test_a_function() -> None:
    shown = text("example", example)
    assert "path: str, *names: str, limit: int | None = None, **options: object" in shown
    assert "Do `something` with a path." in shown
    assert "Shown so:\n\n```text\none\ntwo\n```" in shown
    assert "- `path`: where, and more.\n- `**options`: the rest." in shown
    assert "**Returns** What was done." in shown
    assert "- `KeyError`, `ValueError`: it cannot be done." in shown


def test_a_class() -> None:
    shown = text("Fields", Fields, "somewhere")
    assert "`from somewhere import Fields`" in shown
    assert "class Fields:\n    a: int\n    b: str = 'x'\n" in shown
    assert "- `a`: the first." in shown
    assert "### `both`\n\nBoth." in shown
    assert "hidden" not in shown
    assert "undocumented" not in shown


def test_no_docstring() -> None:
    assert list(prose(None)) == []


def test_an_unknown_region_is_an_error() -> None:
    match = re.search(api_reference._REGION, "<!-- generated: x -->\n<!-- end of x -->")
    assert match is not None
    with pytest.raises(ValueError, match="nothing makes the region 'x'"):
        api_reference._region(match)
