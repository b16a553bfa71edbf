"""What the guides state in tables is what the code does."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from typing import Any, get_args

import pytest

import interstore
from interstore import discovery
from interstore.capabilities import Capabilities
from interstore.document import Document
from interstore.filters.evaluate import compile_filter
from interstore.filters.operators import LOGICAL, OPERATORS, RANGES
from interstore.filters.parse import parse_filter
from interstore.filters.tree import Node
from interstore.migration.report import EXIT_CODES
from tests.tools.api_tables import ENGINES
from tests.tools.pages import ROOT


def text(page: str) -> str:
    return (ROOT / "docs" / page).read_text(encoding="utf-8")


def table(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table after a heading, its header first."""
    lines = text(page).partition(f"# {heading}\n")[2].splitlines()
    rows: list[list[str]] = []
    for line in lines:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows:
            break
    return [rows[0], *rows[2:]]


def condition(cell: str) -> Any:
    """What a cell of the truth table's header says of ``a``."""
    quoted = re.sub(r"(\$\w+)", r'"\1"', cell.strip("`"))
    return json.loads(f"{{{quoted}}}" if quoted.startswith('"$') else quoted)


def truth() -> list[tuple[str, str, bool]]:
    header, *rows = table("filters.md", "Truth table")
    return [
        (row[0], filter, cell == "yes")
        for row in rows
        for filter, cell in zip(header[1:], row[1:], strict=True)
    ]


@pytest.mark.parametrize(("value", "filter", "expected"), truth())
def test_truth_table(value: str, filter: str, expected: bool) -> None:
    data = {} if value == "missing" else {"a": json.loads(value.strip("`"))}
    document = Document(data, id="x", version=1, created="", updated="")
    matches = compile_filter(parse_filter({"a": condition(filter)}))
    assert matches(document) is expected


def test_the_truth_table_is_whole() -> None:
    assert len(truth()) == 9 * 12


def test_every_operator_is_explained() -> None:
    page = text("filters.md")
    for operator in (*OPERATORS, *RANGES, *LOGICAL, "$elemMatch", "$not"):
        assert f"`{operator}" in page, operator


def test_every_node_has_a_meaning() -> None:
    page = text("semantics.md")
    for node in get_args(Node):
        assert re.search(rf"`{node.__name__}\(", page), node.__name__


def test_every_error_says_what_to_do() -> None:
    _, *rows = table("errors.md", "Errors")
    described = {row[0].strip("`") for row in rows}
    errors = {name for name in interstore.__all__ if name.endswith("Error")}
    assert described == errors - {"InterstoreError"}


def test_every_capability_is_explained() -> None:
    page = text("capabilities.md").partition("| capability | meaning |")[2]
    for field in fields(Capabilities):
        assert f"`{field.name}`" in page, field.name


def test_what_no_engine_declares_is_said() -> None:
    sentences = re.findall(r"no engine declares (.*?)\.", text("capabilities.md"))
    engines = [discovery.get(name).capabilities for name in ENGINES]
    missing = {
        field.name
        for field in fields(Capabilities)
        if not any(getattr(capabilities, field.name) for capabilities in engines)
    }
    assert set(re.findall(r"`(\w+)`", " ".join(sentences))) == missing


def test_every_exit_code_is_explained() -> None:
    _, *rows = table("moving-data.md", "Exit codes")
    assert {int(row[0]) for row in rows} == {*EXIT_CODES.values(), 1}


def test_every_page_of_an_engine_has_its_settings() -> None:
    for engine in ("json", "sqlite", "postgresql", "mongodb"):
        assert f"<!-- generated: settings {engine} -->" in text(f"engines/{engine}.md")
