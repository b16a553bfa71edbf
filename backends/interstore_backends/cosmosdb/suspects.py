"""The query for stored items that an index may not allow. Pure; who reads them judges exactly."""

from __future__ import annotations

from interstore.indexes import Index, IndexType
from interstore.paths import Path
from interstore_backends.cosmosdb.compile import Statement
from interstore_backends.cosmosdb.keys import value_expression

__all__ = ["compile_suspects"]

_TESTS: dict[IndexType, str] = {"number": "IS_NUMBER", "string": "IS_STRING", "bool": "IS_BOOL"}


def compile_suspects(index: Index) -> Statement | None:
    """Items that have something at a path that the index may refuse.

    ``None`` if it demands nothing of the user's fields.
    """
    terms = [_suspect(index, path, kind) for path, kind in index.user_paths]
    if not terms:
        return None
    return Statement(f"SELECT * FROM c WHERE {' OR '.join(terms)}", [])


def _suspect(index: Index, path: Path, kind: IndexType | None) -> str:
    value = value_expression("c", path)
    if index.list:
        within = _misfit("e", kind, index.text_bytes)
        test = f"NOT IS_ARRAY({value}) OR EXISTS(SELECT VALUE 1 FROM e IN {value} WHERE {within})"
        return f"(IS_DEFINED({value}) AND NOT IS_NULL({value}) AND ({test}))"
    return f"(IS_DEFINED({value}) AND {_misfit(value, kind, index.text_bytes)})"


def _misfit(value: str, kind: IndexType | None, text_bytes: int) -> str:
    # A character has four bytes at most.
    long = f"(IS_STRING({value}) AND LENGTH({value}) > {text_bytes // 4})"
    if kind is None:
        container = f"IS_ARRAY({value}) OR IS_OBJECT({value})"
        return f"({long} OR {container})"
    return f"(NOT IS_NULL({value}) AND (NOT {_TESTS[kind]}({value}) OR {long}))"
