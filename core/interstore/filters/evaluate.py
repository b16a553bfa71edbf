"""What a filter means: the reference that every engine must equal.

A tree is compiled to closures once; a document then costs a few calls.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import ge, gt, le, lt
from typing import Any, Final, TypeAlias, TypeVar, overload

from interstore.document import Document
from interstore.filters.tree import (
    And,
    ElemMatch,
    Eq,
    Exists,
    Has,
    In,
    Node,
    Not,
    Or,
    Range,
    Regex,
    Scalar,
    Size,
    Text,
    Type,
)
from interstore.paths import MISSING, Envelope, Path, Reference, resolve

__all__ = ["CLASSES", "Fetch", "compile_filter", "document_getter"]

T = TypeVar("T")
Test: TypeAlias = Callable[[Any], bool]
Get: TypeAlias = Callable[[Any], Any]
Fetch: TypeAlias = Callable[[Reference], Callable[[T], Any]]
"""How to get at what a reference names: given once, when a filter is compiled."""

CLASSES: Final[dict[type, str]] = {
    type(None): "null",
    bool: "bool",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}
"""The class of a portable value by its Python type."""


@overload
def compile_filter(tree: Node) -> Callable[[Document], bool]: ...
@overload
def compile_filter(tree: Node, root: Fetch[T]) -> Callable[[T], bool]: ...
def compile_filter(tree: Node, root: Fetch[Any] | None = None) -> Test:
    """A function that tells whether a document satisfies `tree`.

    Args:
        tree: the filter.
        root: gives, for a reference, the function that gets its value (or `MISSING`)
            from whatever the result is then called with. The default takes a `Document`.
    """
    return _compile(tree, document_getter if root is None else root)


def document_getter(reference: Reference) -> Callable[[Document], Any]:
    """A function that gets from a document what `reference` names, or `MISSING`."""
    if isinstance(reference, Envelope):
        return _ENVELOPE[reference]
    if len(reference) == 1 and type(reference[0]) is str:
        key = reference[0]
        return lambda document: document.get(key, MISSING)
    return lambda document: resolve(document, reference)


_ENVELOPE: Final[dict[Envelope, Callable[[Document], Any]]] = {
    Envelope.ID: lambda document: document["id"],
    Envelope.VERSION: lambda document: document.version,
    Envelope.CREATED_AT: lambda document: document.created,
    Envelope.UPDATED_AT: lambda document: document.updated,
    Envelope.EXPIRES_AT: lambda document: MISSING if document.expires is None else document.expires,
}


def _element_getter(reference: Reference) -> Get:
    path: Path = reference  # type: ignore[assignment]
    if not path:
        return lambda element: element
    return lambda element: resolve(element, path)


def _compile(node: Node, fetch: Fetch[Any]) -> Test:
    if isinstance(node, And):
        return _all([_compile(child, fetch) for child in node.nodes])
    if isinstance(node, Or):
        return _any([_compile(child, fetch) for child in node.nodes])
    if isinstance(node, Not):
        test = _compile(node.node, fetch)
        return lambda document: not test(document)
    get = fetch(node.path)
    if isinstance(node, Eq) and type(node.value) is str:
        text = node.value
        return lambda document: bool(get(document) == text)
    test = _LEAVES[type(node)](node)
    return lambda document: test(get(document))


def _all(tests: list[Test]) -> Test:
    if len(tests) == 2:
        first, second = tests
        return lambda document: first(document) and second(document)

    def every(document: Any) -> bool:
        for test in tests:  # noqa: SIM110 - a generator would cost more than the tests
            if not test(document):
                return False
        return True

    return every


def _any(tests: list[Test]) -> Test:
    if len(tests) == 2:
        first, second = tests
        return lambda document: first(document) or second(document)

    def some(document: Any) -> bool:
        for test in tests:  # noqa: SIM110
            if test(document):
                return True
        return False

    return some


def _equal_to(operand: Scalar) -> Test:
    """`Eq` of a scalar, without null's kinship to what is missing."""
    if operand is None or operand is True or operand is False:
        return lambda value: value is operand
    if operand == 0 or operand == 1:  # which Python's False and True equal
        return lambda value: value == operand and type(value) is not bool
    return lambda value: bool(value == operand)


def _eq(node: Eq) -> Test:
    operand = node.value
    if operand is None:
        return lambda value: value is None or value is MISSING
    if not isinstance(operand, tuple):
        return _equal_to(operand)
    length = len(operand)
    tests = [_equal_to(item) for item in operand]
    return lambda value: (
        type(value) is list
        and len(value) == length
        and all(test(item) for test, item in zip(tests, value, strict=True))
    )


def _in(node: In) -> Test:
    # One set for each class: True and 1 are equal in Python.
    known = {kind: set[Any]() for kind in ("null", "bool", "number", "string")}
    for operand in node.values:
        known[CLASSES[type(operand)]].add(operand)
    by_type = {kind: known[name] for kind, name in CLASSES.items() if name in known}
    null = bool(known["null"])
    by_type[type(MISSING)] = {MISSING} if null else set()
    none: set[Any] = set()

    def test(value: Any) -> bool:
        values = by_type.get(type(value), none)
        return bool(values) and value in values

    return test


def _range(node: Range) -> Test:
    bounds = []
    if node.lower is not None:
        bounds.append((ge if node.lower.inclusive else gt, node.lower.value))
    if node.upper is not None:
        bounds.append((le if node.upper.inclusive else lt, node.upper.value))
    kinds = (str,) if type(bounds[0][1]) is str else (int, float)
    if len(bounds) == 1:
        compare, end = bounds[0]
        return lambda value: type(value) in kinds and compare(value, end)
    (above, low), (below, high) = bounds
    return lambda value: type(value) in kinds and above(value, low) and below(value, high)


def _exists(_: Exists) -> Test:
    return lambda value: value is not MISSING


def _type(node: Type) -> Test:
    types = frozenset(kind for kind, name in CLASSES.items() if name in node.types)
    return lambda value: type(value) in types


def _text(node: Text) -> Test:
    text = node.value
    match node.kind:
        case "startsWith":
            return lambda value: type(value) is str and value.startswith(text)
        case "endsWith":
            return lambda value: type(value) is str and value.endswith(text)
        case "contains":
            return lambda value: type(value) is str and text in value


def _regex(node: Regex) -> Test:
    search = node.pattern.searcher()
    return lambda value: type(value) is str and search(value)


def _has(node: Has) -> Test:
    test = _equal_to(node.value)
    return lambda value: type(value) is list and any(map(test, value))


def _size(node: Size) -> Test:
    length = node.length
    return lambda value: type(value) is list and len(value) == length


def _elem_match(node: ElemMatch) -> Test:
    test = _compile(node.node, _element_getter)
    if node.as_value:
        return lambda value: type(value) is list and any(map(test, value))
    return lambda value: (
        type(value) is list
        and any(
            test(element) for element in value if type(element) is dict or type(element) is list
        )
    )


_LEAVES: Final[dict[type, Callable[[Any], Test]]] = {
    Eq: _eq,
    In: _in,
    Range: _range,
    Exists: _exists,
    Type: _type,
    Text: _text,
    Regex: _regex,
    Has: _has,
    Size: _size,
    ElemMatch: _elem_match,
}
