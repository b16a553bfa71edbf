"""The engine that the documentation writes out is one: it passes the conformance kit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from interstore.testing import Conformance
from tests.tools.pages import blocks


def documented() -> Any:
    """The class, from the first block of Python of the page."""
    source = next(
        block for block in blocks(Path("docs/writing-a-backend.md")) if block.language == "python"
    )
    names: dict[str, Any] = {"__name__": "documented"}
    exec(source.text, names)
    return names["DictDatabase"]


class TestDocumented(Conformance):
    @pytest.fixture
    def database(self) -> Any:
        return documented()()
