"""From what a caller hands to `update` to `Changes`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

from interstore.changes import Change, Changes, KeyPath
from interstore.errors import InvalidDocumentError, InvalidQueryError
from interstore.expiry import KEEP, changed_expiry
from interstore.filters.references import parse_path
from interstore.paths import Envelope, show_path
from interstore.values import MAX_DEPTH, MAX_INTEGER, canonical_fields, canonical_value

__all__ = ["parse_changes"]

MAX_CHANGES: Final = 500


def parse_changes(id: str | None, changes: Any, updated: str, expires_at: Any = KEEP) -> Changes:
    """The changes that a mapping asks for.

    A plain mapping replaces top-level fields whole; one of operators (``$set``,
    ``$unset``, ``$inc``, ``$push``) addresses paths.

    Args:
        id: the document's id, which a plain mapping may repeat; ``None`` where many
            documents are changed.
        changes: the caller's mapping; it is not changed.
        updated: the time of the write, as canonical text.
        expires_at: what becomes of the document's expiry, as the caller says it.

    Raises:
        InvalidDocumentError: `changes` is not of the language, or a value not portable.
        InvalidQueryError: `expires_at` is not of its type.
    """
    expires = changed_expiry(expires_at, updated)
    if not isinstance(changes, Mapping):
        raise InvalidDocumentError(
            f"changes are a mapping of fields or of $set, $unset, $inc, $push, not {changes!r:.80}"
        )
    operators = [key for key in changes if isinstance(key, str) and key.startswith("$")]
    if not operators:
        return Changes(tuple(_plain(id, changes)), updated, expires=expires)
    if len(operators) < len(changes):
        plain = next(key for key in changes if key not in operators)
        raise InvalidDocumentError(
            f"changes mix the operator {operators[0]} with the plain key {plain!r}; put the "
            f"plain keys under $set"
        )
    parsed = [change for key in operators for change in _operator(key, changes[key])]
    if len(parsed) > MAX_CHANGES:
        raise InvalidDocumentError(
            f"{len(parsed)} changes in one update; the limit is {MAX_CHANGES}"
        )
    _check_overlap(parsed)
    return Changes(tuple(parsed), updated, expires=expires)


def _plain(id: str | None, changes: Mapping[Any, Any]) -> Iterator[Change]:
    fields = canonical_fields(changes)
    if "id" in fields and (fields.pop("id") != id or id is None):
        raise InvalidDocumentError("the id of a document cannot change", path="id", id=id)
    if len(fields) > MAX_CHANGES:
        raise InvalidDocumentError(
            f"{len(fields)} changes in one update; the limit is {MAX_CHANGES}"
        )
    for key, value in fields.items():
        if "." in key or "[" in key:
            raise InvalidDocumentError(
                f"the key {key!r} looks like a path; use $set for a path, or "
                f"{{'$set': {{({key!r},): ...}}}} for a key with that name",
                path=key,
            )
        yield Change("set", (key,), value)


def _operator(name: str, operand: Any) -> Iterator[Change]:
    parse = _OPERATORS.get(name)
    if parse is None:
        raise InvalidDocumentError(
            f"{name!r} is not an operator of updates; there are {', '.join(_OPERATORS)}"
        )
    if name == "$unset" and isinstance(operand, list):
        operand = dict.fromkeys(_hashable(operand), True)
    if not isinstance(operand, Mapping):
        needed = "a list of paths" if name == "$unset" else "a mapping of paths to values"
        raise InvalidDocumentError(f"{name} needs {needed}, not {operand!r:.80}")
    for key, value in operand.items():
        yield parse(_key_path(name, key), value)


def _hashable(paths: list[Any]) -> list[Any]:
    return [tuple(path) if isinstance(path, list) else path for path in paths]


def _key_path(operator: str, key: Any) -> KeyPath:
    try:
        path = parse_path(key)
    except InvalidQueryError as error:
        raise InvalidDocumentError(f"{operator}: {error}") from None
    if path is Envelope.ID:
        raise InvalidDocumentError("the id of a document cannot change", path="id")
    if isinstance(path, Envelope):
        raise InvalidDocumentError(
            f"{operator}: {path.value} is kept by Interstore; a field of your own with that "
            f"name is {(path.value,)!r}",
            path=path.value,
        )
    keys = tuple(step for step in path if isinstance(step, str))
    shown = show_path(path)
    if len(keys) < len(path):
        raise InvalidDocumentError(
            f"{operator}: {shown!r} addresses an element of an array; set the whole array",
            path=shown,
        )
    if len(keys) > MAX_DEPTH:
        raise InvalidDocumentError(
            f"{operator}: {shown:.80} is nested deeper than {MAX_DEPTH} levels", path=shown
        )
    for step in keys:
        canonical_value(step)
    return keys


def _set(path: KeyPath, value: Any) -> Change:
    return Change("set", path, canonical_value(value, depth=len(path) + 1, path=path))


def _unset(path: KeyPath, value: Any) -> Change:
    if value is not True and value not in ("", 1):
        raise InvalidDocumentError(
            f"$unset takes a list of paths, or a mapping of paths to true; {show_path(path)!r} "
            f"has {value!r:.80}",
            path=show_path(path),
        )
    return Change("unset", path)


def _inc(path: KeyPath, value: Any) -> Change:
    number = canonical_value(value, path=path)
    if type(number) not in (int, float) or not -MAX_INTEGER <= number <= MAX_INTEGER:
        raise InvalidDocumentError(
            f"$inc needs a number within ±(2**53 - 1) for {show_path(path)!r}, not {value!r:.80}",
            path=show_path(path),
        )
    return Change("inc", path, number)


def _push(path: KeyPath, value: Any) -> Change:
    return Change("push", path, canonical_value(value, depth=len(path) + 2, path=path))


_OPERATORS: Final[dict[str, Callable[[KeyPath, Any], Change]]] = {
    "$set": _set,
    "$unset": _unset,
    "$inc": _inc,
    "$push": _push,
}


def _check_overlap(changes: list[Change]) -> None:
    """Refuse two changes of which one lies within the other: their order would matter."""
    paths = sorted(change.path for change in changes)
    for path, following in pairwise(paths):
        if following[: len(path)] == path:
            raise InvalidDocumentError(
                f"two changes overlap: {show_path(path)!r} and {show_path(following)!r}",
                path=show_path(following),
            )
