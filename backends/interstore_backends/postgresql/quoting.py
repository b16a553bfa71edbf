"""The one place where names and paths become text of statements. Values never do."""

from __future__ import annotations

from typing import Final

from interstore.paths import Path

__all__ = ["path_expression", "quote_name", "quote_text"]

_FEW: Final = 2


def quote_text(text: str) -> str:
    """`text` as a literal of SQL; connections have ``standard_conforming_strings`` on."""
    if "\0" in text:
        raise ValueError("a literal cannot hold a NUL character")
    return "'" + text.replace("'", "''") + "'"


def quote_name(name: str) -> str:
    """`name` as an identifier of SQL."""
    if "\0" in name:
        raise ValueError("an identifier cannot hold a NUL character")
    return '"' + name.replace('"', '""') + '"'


def path_expression(document: str, path: Path) -> str:
    """The value at `path` of the jsonb expression `document`; NULL if it is missing.

    It stands in the text, not as a parameter, because no index of an expression would be
    found otherwise. An index of an array needs a guard: ``'5'::jsonb -> 0`` is 5.
    """
    expression = document
    indexes = 0
    for step in path:
        if isinstance(step, str):
            expression = f"({expression} -> {quote_text(step)})"
            continue
        indexes += 1
        if indexes > _FEW:  # the guard below doubles the text
            expression = f"jsonb_path_query_first({expression}, 'strict $[{step}]', '{{}}', true)"
        else:
            expression = (
                f"(CASE WHEN jsonb_typeof({expression}) = 'array' THEN {expression} -> {step} END)"
            )
    return expression
