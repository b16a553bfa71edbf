"""Pages of a listing, for engines that have all their keys in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

__all__ = ["fold", "folded"]


def fold(
    keys: Iterable[str], prefix: str, after: str, limit: int, delimiter: str | None
) -> list[tuple[str, bool]]:
    """The first `limit` keys or common prefixes after `after`; see `AsyncBlobs.page`.

    Args:
        keys: in order; those that do not count are passed over.
        prefix, after, limit, delimiter: as an engine's `page` gets them.

    Returns:
        Each with whether it is a common prefix.
    """
    return list(islice(folded(keys, prefix, after, delimiter), limit))


def folded(
    keys: Iterable[str], prefix: str, after: str, delimiter: str | None
) -> Iterator[tuple[str, bool]]:
    """`fold` without a limit, as it comes."""
    last = after if delimiter and after.endswith(delimiter) and len(after) > len(prefix) else None
    for key in keys:
        if key <= after or not key.startswith(prefix):
            continue
        if last is not None and key.startswith(last):
            continue
        cut = key.find(delimiter, len(prefix)) if delimiter else -1
        if delimiter is None or cut < 0:
            yield key, False
        else:
            last = key[: cut + len(delimiter)]
            yield last, True
