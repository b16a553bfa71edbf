"""MongoEngine, as its documentation shows it: a class of typed fields."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from tests.benchmarks.contenders import Durability
from tests.benchmarks.contenders.raw_pymongo import name_of
from tests.benchmarks.data import Document

__all__ = ["NUMBERS", "TEXTS", "MongoEngine", "with_concern"]

TEXTS: Final = ("icao", "iata", "name", "city", "subd", "country", "tz", "lid")
NUMBERS: Final = ("elevation", "lat", "lon")


def with_concern(url: str, durability: Durability) -> str:
    """The URL that asks for writes as durable."""
    concern = "w=majority&journal=true" if durability == "fsync" else "w=1"
    return f"{url}{'&' if '?' in url else '?'}{concern}"


class MongoEngine:
    def __init__(self, url: str, durability: Durability) -> None:
        self.engine: Any = import_module("mongoengine")
        self.alias = name_of(url)
        self.engine.connect(
            host=with_concern(url, durability), alias=self.alias, uuidRepresentation="standard"
        )
        fields: dict[str, Any] = {
            "id": self.engine.StringField(primary_key=True),
            "version": self.engine.IntField(default=1),
            **{name: self.engine.StringField() for name in TEXTS},
            **{name: self.engine.FloatField() for name in NUMBERS},
            "meta": {"db_alias": self.alias, "collection": "airport", "indexes": ["tz"]},
        }
        self.airport: Any = type("Airport", (self.engine.Document,), fields)

    def create(self, document: Document) -> None:
        self.airport(**document).save(force_insert=True)

    def put(self, document: Document) -> None:
        self.airport(**document).save()

    def update(self, id: str, changes: Document) -> Any:
        values = {f"set__{name}": value for name, value in changes.items()}
        return self.airport.objects(id=id).modify(new=True, inc__version=1, **values)

    def delete(self, id: str) -> bool:
        return bool(self.airport.objects(id=id).delete())

    def create_many(self, documents: list[Document]) -> None:
        airports = [self.airport(**document) for document in documents]
        self.airport.objects.insert(airports, load_bulk=False)

    def find_by_id(self, id: str) -> Any:
        return self.airport.objects(id=id).first()

    def find_by_ids(self, ids: list[str]) -> list[Any]:
        found = self.airport.objects.in_bulk(ids)
        return [found.get(id) for id in ids]

    def find_range(self, first: str, before: str) -> list[Any]:
        return list(self.airport.objects(id__gte=first, id__lt=before).order_by("id"))

    def find(self, country: str) -> list[Any]:
        return list(self.airport.objects(country=country).order_by("id"))

    def find_indexed(self, zone: str) -> list[Any]:
        return list(self.airport.objects(tz=zone).order_by("id"))

    def count(self, country: str) -> int:
        return int(self.airport.objects(country=country).count())

    def scan(self) -> None:
        for _ in self.airport.objects.order_by("id").batch_size(1000).no_cache():
            pass

    def read_all(self) -> list[Any]:
        return list(self.airport.objects.order_by("id").batch_size(1000))

    def pages(self, size: int, number: int) -> None:
        after = ""
        for _ in range(number):
            page = list(self.airport.objects(id__gt=after).order_by("id").limit(size + 1))
            if len(page) <= size:
                return
            after = page[size - 1].id

    def close(self) -> None:
        self.engine.disconnect(alias=self.alias)
