"""Random data, the same in every run: documents that odd filters match, and what to ask them."""

from __future__ import annotations

from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from interstore.document import Document
from interstore.prepared import Write
from interstore.testing import truth
from interstore.testing.samples import ODD_IDS, ODD_VALUES
from interstore.testing.strategies import fields
from interstore.values import canonical_fields

__all__ = ["SIZE", "corpus", "drawn", "stored", "written"]

T = TypeVar("T")

SIZE = 200
"""Documents in a corpus."""

_TIMES = [f"2026-01-31T12:00:00.{micros:06d}Z" for micros in (0, 1, 500_000)]


def drawn(strategy: SearchStrategy[T], count: int, number: int) -> list[T]:
    """`count` examples of a strategy: always the same for a number."""
    found: list[T] = []

    @seed(number)
    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(strategy)
    def collect(value: T) -> None:
        found.append(value)

    collect()
    return found


def corpus(number: int) -> list[dict[str, Any]]:
    """Random documents, those of the truth table, and one for each odd value."""
    made = [
        *[dict(each) for each in truth.DOCUMENTS.values()],
        *[{"a": value, "b": [value, {"a": value}]} for value in ODD_VALUES if _small(value)],
        *drawn(fields(), SIZE, number),
    ][:SIZE]
    ids = [*ODD_IDS, *[f"d{place:03d}" for place in range(len(made))]]
    return [{**document, "id": id} for document, id in zip(made, ids, strict=False)]


def _small(value: Any) -> bool:
    return len(str(value)) < 50


def written(documents: list[dict[str, Any]]) -> list[Write]:
    """The documents as they are to be stored, in several versions."""
    writes = []
    for place, document in enumerate(documents):
        fields = canonical_fields(document)
        id = fields.pop("id")
        created, updated = _TIMES[place % 2], _TIMES[place % 3]
        writes.append(Write(id, fields, version=1 + place % 3, created=created, updated=updated))
    return writes


def stored(documents: list[dict[str, Any]]) -> list[Document]:
    """The same as callers see them."""
    return [write.document() for write in written(documents)]
