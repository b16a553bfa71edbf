"""Filters on foreign data: what of them an engine looks up, and what core decides.

An engine narrows a filter down to a condition that every matching document meets, which its
indexes serve. Core's evaluator then decides, of the documents as they are presented.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from interstore.document import Document
from interstore.errors import InvalidQueryError, UnsupportedError
from interstore.filters.evaluate import compile_filter, document_getter
from interstore.filters.intervals import succ
from interstore.filters.tree import And, Bound, Eq, In, Node, Not, Or, Range, Text
from interstore.foreign import IdType, native_id
from interstore.paths import Envelope, Path, Reference
from interstore.prepared import SortKey

__all__ = [
    "ID_NUMBER", "as_range", "integer_ids", "matcher", "narrowed", "on_column", "refuse_envelope",
    "references",
]  # fmt: skip

C = TypeVar("C")
K = TypeVar("K")

ID_NUMBER: Final[Path] = ("id", "as a number")
"""Stands for integer ids in ranges: told apart by identity."""


def references(tree: Node) -> Iterator[Reference]:
    """What the leaves of a filter refer to."""
    if isinstance(tree, (And, Or)):
        for node in tree.nodes:
            yield from references(node)
    elif isinstance(tree, Not):
        yield from references(tree.node)
    else:
        yield tree.path


def refuse_envelope(name: str, tree: Node, sort: Sequence[SortKey] = ()) -> None:
    """Refuse what asks foreign data for an envelope.

    Raises:
        UnsupportedError: it does.
    """
    for reference in (*references(tree), *(key.path for key in sort)):
        if isinstance(reference, Envelope) and reference is not Envelope.ID:
            raise UnsupportedError(
                f"{name!r} is foreign data: other programs write it, so its documents have no "
                f"{reference.value}; use a field of their own",
                model=name,
            )


def matcher(tree: Node, kind: IdType) -> Callable[[Document], bool]:
    """Whether a document, as presented, satisfies `tree`; ranges of integer ids are numeric.

    Raises:
        InvalidQueryError: a range of integer ids ends at what is no integer.
    """
    if kind == "int":
        tree = integer_ids(tree)
    return compile_filter(tree, _getter)


def _getter(reference: Reference) -> Callable[[Document], Any]:
    if reference is ID_NUMBER:
        return lambda document: int(document["id"])
    return document_getter(reference)


def integer_ids(tree: Node) -> Node:
    """`tree` with ranges on the id as ranges of integers on `ID_NUMBER`."""
    if isinstance(tree, And):
        return And(tuple(map(integer_ids, tree.nodes)))
    if isinstance(tree, Or):
        return Or(tuple(map(integer_ids, tree.nodes)))
    if isinstance(tree, Not):
        return Not(integer_ids(tree.node))
    if isinstance(tree, Range) and tree.path is Envelope.ID:
        return Range(ID_NUMBER, _integer(tree.lower), _integer(tree.upper))
    return tree


def _integer(bound: Bound | None) -> Bound | None:
    if bound is None:
        return None
    number = native_id("int", str(bound.value))
    if not isinstance(number, int):
        raise InvalidQueryError(
            f"filter on 'id': the ids are integers, and {bound.value!r} is not the digits of one"
        )
    return replace(bound, value=number)


def narrowed(
    tree: Node,
    leaf: Callable[[Node], C | None],
    every: Callable[[list[C]], C],
    some: Callable[[list[C]], C],
) -> C | None:
    """A condition that every document meets that satisfies `tree`; ``None`` for all documents.

    Args:
        tree: the filter.
        leaf: such a condition for a leaf, or ``None``.
        every: the conjunction of conditions, at least one.
        some: the disjunction of conditions; of none, what nothing meets.
    """
    if isinstance(tree, And):
        found = [narrowed(node, leaf, every, some) for node in tree.nodes]
        known = [condition for condition in found if condition is not None]
        return every(known) if known else None
    if isinstance(tree, Or):
        alternatives: list[C] = []
        for node in tree.nodes:
            condition = narrowed(node, leaf, every, some)
            if condition is None:
                return None
            alternatives.append(condition)
        return some(alternatives)
    return None if isinstance(tree, Not) else leaf(tree)


def on_column(node: Node, columns: Mapping[str, K]) -> tuple[K, Eq | In | Range] | None:
    """The column that a leaf asks about, and what it asks; ``None`` if it is not that simple.

    A prefix is a range of texts. Comparisons with whole arrays are left aside.

    Args:
        node: the leaf.
        columns: by their names in documents.
    """
    if not isinstance(node, (Eq, In, Range, Text)) or isinstance(node.path, Envelope):
        return None
    column = columns.get(str(node.path[0])) if len(node.path) == 1 else None
    test = as_range(node) if isinstance(node, Text) else node
    if column is None or test is None or (isinstance(test, Eq) and isinstance(test.value, tuple)):
        return None
    return column, test


def as_range(node: Text) -> Range | None:
    """A prefix as a range of texts; ``None`` for what is none."""
    if node.kind != "startsWith" or not node.value:
        return None
    end = succ(node.value)
    return Range(node.path, Bound(node.value, True), None if end is None else Bound(end, False))
