"""What SQLite lacks, as functions of Python on each connection."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from interstore.document import Document
from interstore.filters.evaluate import compile_filter
from interstore.filters.regex import PortableRegex
from interstore.filters.tree import Node
from interstore_backends.sqlite.compile import Compiled
from interstore_backends.sqlite.conditions import REGEX
from interstore_backends.sqlite.rows import read_document

__all__ = ["Filters", "register"]

MATCHES: Final = "interstore_matches"
"""SQL function (name of a filter, columns of a row): whether core says that it matches."""


class Filters:
    """Filters too complex for SQLite's parser, which core evaluates row by row.

    Before version 3.46 the parser has a stack of 100 entries: ``$elemMatch`` in
    ``$elemMatch``, seven times over, is beyond it.
    """

    def __init__(self) -> None:
        # By name, not by tree: trees that ask for 1 and for True are equal in Python.
        self._matches: dict[str, Callable[[Document], bool]] = {}

    def compiled(self, tree: Node) -> Compiled:
        """The condition that stands for the whole tree."""
        name = repr(tree)
        if name not in self._matches:
            if len(self._matches) >= 64:
                self._matches.clear()
            self._matches[name] = compile_filter(tree)
        columns = "id,version,created_at,updated_at,expires_at,json(doc)"
        return Compiled(f"{MATCHES}(?,{columns})", [name])

    def matches(self, name: str, *row: Any) -> bool:
        """Whether the filter of that name matches the document of the row."""
        return self._matches[name](read_document(row))


def register(connection: Any, filters: Filters) -> None:
    """Define the functions that compiled filters use."""
    connection.create_function(REGEX, 3, _regex, deterministic=True)
    connection.create_function(MATCHES, 7, filters.matches)


def _regex(source: str, ignore_case: int, value: Any) -> bool:
    # SQLite may ask about values that the condition around has ruled out.
    return isinstance(value, str) and _searcher(source, bool(ignore_case))(value)


@lru_cache(maxsize=256)
def _searcher(source: str, ignore_case: bool) -> Callable[[str], bool]:
    return PortableRegex(source, ignore_case).searcher()
