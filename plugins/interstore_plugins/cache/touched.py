"""What a transaction wrote, to be forgotten when it has ended."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Touched"]

MANY = 10_000
"""Beyond so many documents, everything of their models is forgotten instead."""


class Touched:
    """Keys and scopes. Used by one transaction, one operation at a time."""

    def __init__(self) -> None:
        self._keys: set[str] = set()
        self._scopes: set[str] = set()

    def add(self, keys: Iterable[str], scopes: Iterable[str]) -> None:
        """They were written."""
        self._keys.update(keys)
        self._scopes.update(scopes)
        if len(self._keys) > MANY:
            # "d:model:id" belongs to the scope "d:model".
            self._scopes.update(":".join(key.split(":", 2)[:2]) for key in self._keys)
            self._keys.clear()

    @property
    def any(self) -> bool:
        """Whether there is anything."""
        return bool(self._keys or self._scopes)

    @property
    def keys(self) -> list[str]:
        """The keys."""
        return list(self._keys)

    @property
    def scopes(self) -> list[str]:
        """The scopes."""
        return list(self._scopes)
