# Generated from tests/_async/test_repository.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 9b4bf403ef454c2fef92d0fd

"""Typed views: what goes in comes out, with its types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, NotRequired, TypedDict
from uuid import UUID

import msgspec
import pydantic
import pytest

from interstore._sync.store import Store
from interstore.errors import (
    ConfigurationError,
    ConflictError,
    InvalidDocumentError,
    InvalidQueryError,
    NotFoundError,
)
from interstore.paths import Envelope
from tests.tiny import tiny


class Colour(Enum):
    RED = "red"


@dataclass
class Address:
    city: str
    since: date


@dataclass
class Person:
    name: str
    born: datetime
    key: UUID
    score: float
    balance: Decimal
    colour: Colour
    wait: timedelta
    address: Address
    tags: list[str] = field(default_factory=list)
    id: str | None = None
    version: Annotated[int, Envelope.VERSION] = 0
    changed: Annotated[datetime | None, Envelope.UPDATED_AT] = None


class PersonModel(pydantic.BaseModel):
    name: str
    born: datetime
    balance: Decimal
    wait: timedelta
    address: Address
    id: str | None = None
    version: Annotated[int, Envelope.VERSION] = 0


class PersonStruct(msgspec.Struct):
    name: str
    born: datetime
    id: str = ""
    version: Annotated[int, Envelope.VERSION] = 0


class PersonDict(TypedDict):
    id: NotRequired[str]
    name: str
    age: int


BORN = datetime(1990, 5, 17, 6, 30, tzinfo=UTC)


def person() -> Person:
    return Person(
        name="Ada",
        born=BORN,
        key=UUID(int=7),
        score=2.0,
        balance=Decimal("10.50"),
        colour=Colour.RED,
        wait=timedelta(minutes=1),
        address=Address("Zürich", date(2020, 1, 1)),
        tags=["x"],
    )


@pytest.fixture
def store() -> Iterator[Store]:
    with Store(tiny()) as store:
        yield store


def test_a_dataclass_comes_back_with_its_types(store: Store) -> None:
    people = store.repository(Person)
    created = people.create(person())
    assert created.id is not None
    assert (created.version, type(created.changed)) == (1, datetime)
    found = people.get(created.id)
    assert found == created
    expected = person()
    expected.id, expected.version, expected.changed = found.id, 1, found.changed
    assert found == expected
    assert type(found.score) is float
    raw = store.get("Person", created.id)
    assert raw["born"] == "1990-05-17T06:30:00.000000Z"
    assert raw["wait"] == 60_000_000
    assert "version" not in raw


def test_a_pydantic_model(store: Store) -> None:
    people = store.repository(PersonModel, "people")
    created = people.create(
        PersonModel(
            name="Ada",
            born=BORN,
            balance=Decimal("1.10"),
            wait=timedelta(seconds=90),
            address=Address("Bern", date(2021, 2, 3)),
        )
    )
    assert created.id is not None
    assert created.version == 1
    assert created.wait == timedelta(seconds=90)
    assert people.find_one({"born": {"$gte": BORN}}) == created


def test_a_struct_and_a_typed_dict(store: Store) -> None:
    structs = store.repository(PersonStruct)
    created = structs.create(PersonStruct("Ada", BORN))
    assert structs.find_by_id(created.id) == PersonStruct("Ada", BORN, created.id, 1)
    dicts = store.repository(PersonDict, "dicts")
    dicts.create({"id": "a", "name": "Ada", "age": 36})
    assert dicts.find_one({"age": 36}) == {"id": "a", "name": "Ada", "age": 36}


def test_every_operation(store: Store) -> None:
    people = store.repository(PersonDict, "people")
    result = people.create_many([{"id": str(n), "name": f"n{n}", "age": n} for n in range(25)])
    assert result.created == 25
    assert [each["age"] for each in people.find({"age": {"$lt": 3}}, sort="-age")] == [
        2,
        1,
        0,
    ]
    assert people.update("1", {"age": 100})["age"] == 100
    with pytest.raises(ConflictError):
        people.put({"id": "1", "name": "x", "age": 1}, if_version=1)
    assert people.put({"id": "1", "name": "x", "age": 1}, if_version=2)["name"] == "x"
    assert [each and each["name"] for each in people.find_by_ids(["2", "zz"])] == ["n2", None]
    assert people.put_many([{"id": "2", "name": "y", "age": 2}]).replaced == 1
    assert people.update_many({"age": {"$gt": 20}}, {"$inc": {"age": 100}}).updated == 4
    claimed = people.find_one_and_update({"age": {"$gt": 100}}, {"age": 0}, sort="age")
    assert claimed is not None
    assert claimed["name"] == "n21"
    assert people.count({"age": {"$gt": 100}}) == 3
    assert people.delete_many({"age": {"$gt": 100}}).deleted == 3
    assert not people.exists({"age": {"$gt": 100}})
    assert people.delete("2")
    assert people.find_by_id("2") is None
    assert people.find({"age": 3}).first() == {"id": "3", "name": "n3", "age": 3}
    assert len(people.find().to_list()) == 21
    with pytest.raises(NotFoundError):
        people.get("2")


def test_what_does_not_fit_is_named(store: Store) -> None:
    store.create("PersonStruct", {"id": "bad", "name": 5, "born": "soon"})
    people = store.repository(PersonStruct)
    with pytest.raises(InvalidDocumentError, match=r"'bad' does not fit PersonStruct"):
        people.get("bad")
    wrong: Any = {"name": "Ada"}
    with pytest.raises(InvalidDocumentError, match="takes instances of it, not dict"):
        people.create(wrong)


@dataclass
class Priced:
    price: int
    id: str = ""


class PricedModel(pydantic.BaseModel):
    price: int
    id: str = ""


class PricedDict(TypedDict):
    id: NotRequired[str]
    price: int


def priced(kind: Any, price: Any, id: str) -> Any:
    if kind is PricedModel:
        return PricedModel.model_construct(price=price, id=id)
    return kind(price=price, id=id)


@pytest.mark.parametrize("kind", [Priced, PricedModel, PricedDict])
def test_what_does_not_fit_is_not_written(store: Store, kind: Any) -> None:
    things = store.repository(kind, "things")
    things.create(priced(kind, 1, "a"))
    misfit = f"does not fit {kind.__name__}, so it was not written: .*price"
    for write in (things.create, things.put):
        with pytest.raises(InvalidDocumentError, match=r"(?s)" + misfit):
            write(priced(kind, "many", "b"))
    batch = [priced(kind, 2, "c"), priced(kind, "many", "d"), priced(kind, 3, "e")]
    for write_many, status in ((things.create_many, "created"), (things.put_many, "replaced")):
        result = write_many(batch, on_error="report")
        assert [(each.id, each.status) for each in result.outcomes] == [
            ("c", status),
            ("d", "failed"),
            ("e", status),
        ]
    assert sorted([each.id for each in store.find("things")]) == ["a", "c", "e"]
    with pytest.raises(InvalidDocumentError, match="'a', as it was just written, does not fit"):
        things.update("a", {"price": "many"})


def test_what_is_no_model(store: Store) -> None:
    with pytest.raises(ConfigurationError, match="pydantic model, a dataclass"):
        store.repository(int)
    with pytest.raises(InvalidQueryError, match="model name"):
        store.repository(Person, "no/name")
