"""The parsed update: what `update` is asked to do to one document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

from interstore.document import Document
from interstore.errors import ConflictError, InvalidDocumentError, NotFoundError
from interstore.expiry import KEEP, Keep
from interstore.paths import show_path
from interstore.prepared import Write
from interstore.values import MAX_INTEGER

__all__ = ["Change", "Changes", "KeyPath"]

KeyPath: TypeAlias = tuple[str, ...]
"""A path of keys only: updates do not address elements of arrays."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `value` is canonical; ``None`` for ``"unset"``.

    set: the value at the path becomes `value`; missing parents are created as objects.
    unset: the key is removed; a missing one, or one below a non-object, is no matter.
    inc: a number grows by `value` (as IEEE doubles); a missing one becomes `value`.
    push: an array gets `value` as its last element; a missing one becomes ``[value]``.
    """

    kind: Literal["set", "unset", "inc", "push"]
    path: KeyPath
    value: Any = None


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes to one document, all judged against the document before any of them.

    No path is a prefix of another, so their order does not matter. Either `changes` or
    `replacement` is used, never both.

    Attributes:
        changes: the changes; empty asks only whether the document exists in that version.
        updated: the time of the write, as canonical text.
        replacement: all of the document's new fields instead (`put` over an existing one).
        expires: when the document is to cease to exist, as canonical text; ``None`` for never.
        created: when the document was created that they are for, as canonical text: another
            that was made anew under its id may have its version. ``None`` for any.
    """

    changes: tuple[Change, ...]
    updated: str
    replacement: dict[str, Any] | None = None
    expires: str | Literal[Keep.KEEP] | None = KEEP
    created: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing would be written."""
        return not self.changes and self.replacement is None and self.expires is KEEP

    @property
    def expiry(self) -> str | None:
        """When documents expire that did not before, as canonical text; ``None`` if none do."""
        return None if self.expires is KEEP else self.expires

    def only_for(self, document: Document) -> Changes:
        """The same for this document, and for none that takes its place."""
        return replace(self, created=document.created)

    def apply(
        self, model: str, id: str, current: Document | None, if_version: int | None = None
    ) -> Write:
        """What to store in place of `current`: the whole of a read-modify-write.

        An engine that holds a lock from its read to its write needs nothing else. If
        `is_empty`, the result has the version of `current` and need not be written.

        Raises:
            NotFoundError: `current` is ``None``, as it is to be where it has expired.
            ConflictError: its version is not `if_version`, or it was not `created` then.
            InvalidDocumentError: a path meets a value of the wrong type, or the result
                leaves the limits of a portable document.
        """
        if current is None:
            raise not_found(model, id)
        check_version(model, current, if_version, self.created)
        if self.is_empty:
            return Write(
                id,
                current.fields(),
                version=current.version,
                created=current.created,
                updated=current.updated,
                expires=current.expires,
            )
        fields = self.replacement
        if fields is None:
            try:
                fields = self.apply_to(current.fields())
            except InvalidDocumentError as error:
                error.model, error.id = model, id
                raise
        return Write(
            id,
            fields,
            version=current.version + 1,
            created=current.created,
            updated=self.updated,
            expires=current.expires if self.expires is KEEP else self.expires,
        )

    def apply_to(self, fields: dict[str, Any]) -> dict[str, Any]:
        """New fields; `fields` and what lies in it are not changed.

        Raises:
            InvalidDocumentError: a path meets a value of the wrong type.
        """
        result = dict(fields)
        for change in self.changes:
            parent = _open(result, change)
            if parent is not None:
                _APPLY[change.kind](parent, change)
        return result


def check_version(
    model: str, current: Document, if_version: int | None, if_created: str | None = None
) -> None:
    """Refuse to go on if the caller expected another version, or another document, than `current`.

    Raises:
        ConflictError: so it is.
    """
    if if_version is not None and current.version != if_version:
        raise conflict(model, current.id, if_version, current.version)
    if if_created is not None and current.created != if_created:
        raise made_anew(model, current)


def conflict(model: str, id: str, expected: int, found: int) -> ConflictError:
    """The error for a document that has another version than the caller expected."""
    return ConflictError(
        f"{model} {id!r} has version {found}, not {expected}: it was written since it was "
        "read. Read it again and repeat the change",
        model=model,
        id=id,
        expected=expected,
        found=found,
    )


def made_anew(model: str, current: Document) -> ConflictError:
    """The error for a document that was deleted and created again since it was read."""
    return ConflictError(
        f"{model} {current.id!r} was deleted and created again since it was read. Read it again "
        "and repeat the change",
        model=model,
        id=current.id,
        expected=current.version,
        found=current.version,
    )


def not_found(model: str, id: str) -> NotFoundError:
    """The error for a document that does not exist."""
    return NotFoundError(f"{model} has no document {id!r}", model=model, id=id)


def type_mismatch(path: KeyPath, found: Any, needed: str, what: str) -> InvalidDocumentError:
    """The error for a change whose path meets a value of another type than it needs."""
    shown = show_path(path)
    return InvalidDocumentError(
        f"{what} needs {needed} at {shown!r}, but the document has {class_name(found)}",
        path=shown,
    )


def class_name(value: Any) -> str:
    """The class of a portable value, with its article, for messages."""
    if value is None:
        return "null"
    return _CLASS_NAMES.get(type(value), "an object")


_CLASS_NAMES: Final = {
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
}


def _open(root: dict[str, Any], change: Change) -> dict[str, Any] | None:
    """The object that holds the change's key, every object on the way copied.

    ``None`` if there is none and the change needs none.
    """
    *parents, _ = change.path
    for depth, step in enumerate(parents):
        child = root.get(step, _ABSENT)
        if child is _ABSENT:
            if change.kind == "unset":
                return None
            child = {}
        elif type(child) is dict:
            child = dict(child)
        elif change.kind == "unset":
            return None
        else:
            raise type_mismatch(change.path[: depth + 1], child, "an object", f"${change.kind}")
        root[step] = child
        root = child
    return root


_ABSENT: Final = object()


def _set(parent: dict[str, Any], change: Change) -> None:
    parent[change.path[-1]] = change.value


def _unset(parent: dict[str, Any], change: Change) -> None:
    parent.pop(change.path[-1], None)


def _inc(parent: dict[str, Any], change: Change) -> None:
    key = change.path[-1]
    old = parent.get(key, 0)
    if type(old) is not int and type(old) is not float:
        raise type_mismatch(change.path, old, "a number", "$inc")
    parent[key] = add_numbers(old, change.value, change.path)


def _push(parent: dict[str, Any], change: Change) -> None:
    key = change.path[-1]
    old = parent.get(key, _ABSENT)
    if old is _ABSENT:
        parent[key] = [change.value]
    elif type(old) is list:
        parent[key] = [*old, change.value]
    else:
        raise type_mismatch(change.path, old, "an array", "$push")


_APPLY: Final[dict[str, Callable[[dict[str, Any], Change], None]]] = {
    "set": _set,
    "unset": _unset,
    "inc": _inc,
    "push": _push,
}


def add_numbers(old: int | float, increment: int | float, path: KeyPath) -> int | float:
    """The canonical sum as IEEE doubles.

    Raises:
        InvalidDocumentError: the sum is an integer beyond 2**53 - 1, or infinite.
    """
    total = float(old) + float(increment)
    if total.is_integer():
        if not -MAX_INTEGER <= total <= MAX_INTEGER:
            # Fractions of that size do not exist, so it can only have been meant exactly.
            raise _out_of_range(total, path)
        return int(total)
    if total != total or total in (float("inf"), float("-inf")):
        raise _out_of_range(total, path)
    return total


def _out_of_range(total: float, path: KeyPath) -> InvalidDocumentError:
    shown = show_path(path)
    return InvalidDocumentError(
        f"$inc would make {shown!r} {total:g}, which is outside ±(2**53 - 1): beyond it, "
        "numbers are no longer exact",
        path=shown,
    )
