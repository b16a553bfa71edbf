"""What the suites assert with; written once for both flavours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import pytest

from interstore.document import Document
from interstore.errors import InterstoreError

__all__ = [
    "Declares",
    "Refusal",
    "envelope",
    "exact",
    "exact_all",
    "ids",
    "refuses",
    "require",
    "tally",
]

E = TypeVar("E", bound=InterstoreError)

tally: Counter[str] = Counter()
"""How many comparisons the differential part has made in this process, by what was compared."""


class Declares(Protocol):
    """A store or a database: whatever says what it can do."""

    @property
    def capabilities(self) -> object: ...


def require(subject: Declares, capability: str) -> None:
    """Skip the test unless the capability is declared."""
    if not getattr(subject.capabilities, capability):
        pytest.skip(f"capability {capability} is not declared")


@dataclass(slots=True)
class Refusal(Generic[E]):
    """What `refuses` caught, after its block."""

    _error: E | None = None

    @property
    def error(self) -> E:
        """The error."""
        assert self._error is not None, "asked for inside the block"
        return self._error


@contextmanager
def refuses(errors: type[E] | tuple[type[E], ...], what: str) -> Generator[Refusal[E], None, None]:
    """Fail unless one of the errors is raised, with a message; `what` names the bad input."""
    kinds = errors if isinstance(errors, tuple) else (errors,)
    needed = " or ".join(kind.__name__ for kind in kinds)
    refusal = Refusal[E]()
    try:
        yield refusal
    except kinds as error:
        refusal._error = error
    except Exception as error:
        raise AssertionError(f"{what}: raised {error!r}, must raise {needed}") from error
    else:
        raise AssertionError(f"{what}: was accepted, must raise {needed}")
    assert len(str(refusal.error)) > 10, f"{what}: {refusal.error!r} says too little"


def exact(value: Any) -> Any:
    """A value that equals another only if the types do too: 1, 1.0 and True differ.

    A document is compared by its fields, whatever the order of its keys.
    """
    if isinstance(value, Mapping):
        return {key: exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [exact(item) for item in value]
    if value is None or type(value) is str:
        return value
    return f"{type(value).__name__} {value!r}"


def exact_all(documents: Iterable[Document | None]) -> list[Any]:
    """`exact` of each, with its version."""
    return [
        None if document is None else (exact(document), document.version) for document in documents
    ]


def envelope(document: Document) -> tuple[str, int, str, str, str | None]:
    """What Interstore keeps beside the fields."""
    return (
        document.id,
        document.version,
        document.created,
        document.updated,
        document.expires,
    )


def ids(documents: Iterable[Document]) -> list[str]:
    """The ids, in order."""
    return [document.id for document in documents]
