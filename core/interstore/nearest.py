"""Suggestions for names with a typo."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["did_you_mean", "nearest"]


def nearest(word: str, words: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """The one of `words` that `word` most likely meant; ``None`` if none is like it."""
    from difflib import get_close_matches  # only where something is wrong already

    folded = {each.lower(): each for each in words}
    found = get_close_matches(word[:80].lower(), folded, n=1, cutoff=likeness)
    return folded[found[0]] if found else None


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """``"; did you mean 'x'?"``, or nothing."""
    found = nearest(word, words)
    return f"; did you mean {found!r}?" if found else ""
