"""What else a query is given: the sort, the fields, the limit, the skip."""

from __future__ import annotations

from typing import Any, Final

from interstore.errors import InvalidQueryError
from interstore.filters.references import parse_path, shown
from interstore.paths import Envelope, Path, show_path
from interstore.prepared import SortKey

__all__ = ["MAX_SORT_KEYS", "check_limit", "check_skip", "parse_fields", "parse_sort"]

MAX_SORT_KEYS: Final = 8


def parse_sort(sort: Any) -> tuple[SortKey, ...]:
    """The keys of a sort order.

    Args:
        sort: ``"age"``, ``"-age"`` (descending), ``("age", -1)``, a list of such, or
            ``None``. A nested tuple is a path: ``(("a", 1), -1)``. Keys after the id
            are dropped: the id decides already.

    Raises:
        InvalidQueryError: `sort` is of another form, names a path twice, or has more
            than 8 keys.
    """
    if sort is None:
        return ()
    if isinstance(sort, str) or _is_pair(sort):
        return (_sort_key(sort),)
    if not isinstance(sort, (list, tuple)):
        raise _not_a_sort(sort)
    keys: dict[Any, SortKey] = {}
    if len(sort) > MAX_SORT_KEYS:
        raise InvalidQueryError(f"sort has {len(sort):,} keys; the limit is {MAX_SORT_KEYS}")
    for item in sort:
        key = _sort_key(item)
        if key.path in keys:
            raise InvalidQueryError(f"sort names {show_path(key.path)!r} twice")
        keys[key.path] = key
    order = tuple(keys.values())
    for count, key in enumerate(order, 1):
        if key.path is Envelope.ID:
            return order[:count]
    return order


def parse_fields(fields: Any) -> tuple[Path, ...] | None:
    """The paths that a projection keeps; ``None`` for whole documents.

    The envelope and the id always come, so their names are dropped, as is a path that
    lies below another one of the list.

    Raises:
        InvalidQueryError: `fields` is no list of paths, or a path holds an index.
    """
    if fields is None:
        return None
    if not isinstance(fields, (list, tuple, set, frozenset)):
        raise InvalidQueryError(
            f"fields is a list of paths, as in ['name', 'address.city'], not {shown(fields)}"
        )
    paths: set[Path] = set()
    for field in fields:
        path = parse_path(field)
        if isinstance(path, Envelope):
            continue
        if any(type(step) is int for step in path):
            raise InvalidQueryError(
                f"fields: {shown(field)} holds an index; fields are chosen by keys, so ask for "
                f"the whole array"
            )
        paths.add(path)
    return tuple(
        sorted(path for path in paths if not any(path[:end] in paths for end in range(len(path))))
    )


def check_limit(limit: Any) -> int | None:
    """`limit`, if it is ``None`` (no limit) or an integer from 0.

    Raises:
        InvalidQueryError: it is not.
    """
    return None if limit is None else _natural(limit, "limit", "an integer from 0, or None")


def check_skip(skip: Any) -> int:
    """`skip`, if it is an integer from 0.

    Raises:
        InvalidQueryError: it is not.
    """
    return _natural(skip, "skip", "an integer from 0")


def _natural(value: Any, name: str, needed: str) -> int:
    if type(value) is not int or not 0 <= value <= 2**53 - 1:
        raise InvalidQueryError(f"{name} is {needed}, not {shown(value)}")
    return value


def _is_pair(item: Any) -> bool:
    """Whether `item` is ``(path, 1 | -1)``; a list of two paths never is."""
    return (
        isinstance(item, tuple)
        and len(item) == 2
        and type(item[1]) is int
        and isinstance(item[0], (str, tuple))
    )


def _sort_key(item: Any) -> SortKey:
    if isinstance(item, str):
        if item[:1] == "-":
            return SortKey(parse_path(item[1:]), descending=True)
        return SortKey(parse_path(item))
    if not _is_pair(item):
        raise _not_a_sort(item)
    path, direction = item
    if direction not in (1, -1):
        raise InvalidQueryError(
            f"sort: the direction of {shown(path)} is 1 or -1, not {shown(direction)}"
        )
    return SortKey(parse_path(path), descending=direction == -1)


def _not_a_sort(item: Any) -> InvalidQueryError:
    return InvalidQueryError(
        f"sort: {shown(item)} is none of 'path', '-path', (path, 1), (path, -1), or a list of these"
    )
