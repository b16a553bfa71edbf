"""Values that must not be seen, and the scrubbing of texts that may hold them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NoReturn
from urllib.parse import quote, quote_plus

__all__ = ["HIDDEN", "Secret", "redact"]

HIDDEN: Final = "***"
"""What stands in place of a secret."""


class Secret:
    """A text that hides itself: `repr`, `str` and formatting show ``***``.

    It is equal to a `Secret` of the same text and to nothing else. It is not pickled,
    so that it does not land in a cache or a journal by accident: who wants to send it
    elsewhere sends what `reveal` returns.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret('{HIDDEN}')"

    def __str__(self) -> str:
        return HIDDEN

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return self._text == other._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled: send what reveal() returns, if you mean to")


def redact(text: str, secrets: Iterable[str | Secret | None]) -> str:
    """`text` without the secrets, also where they are percent-encoded or quoted.

    Drivers quote connection strings in their messages, each in its own way.
    """
    forms: set[str] = set()
    for secret in secrets:
        plain = secret.reveal() if isinstance(secret, Secret) else secret
        if plain:
            forms |= _forms(plain)
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, HIDDEN)
    return text


def _forms(plain: str) -> set[str]:
    utf8 = plain.encode("utf-8", "surrogatepass")
    encoded = {quote(utf8), quote(utf8, safe=""), quote_plus(utf8)}
    lower = {_lower_escapes(form) for form in encoded}
    return {plain, repr(plain)[1:-1], plain.replace("'", "''"), *encoded, *lower}


def _lower_escapes(text: str) -> str:
    first, *rest = text.split("%")
    return first + "".join("%" + part[:2].lower() + part[2:] for part in rest)
