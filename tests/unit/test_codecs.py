"""Fields that JSON cannot hold as they are: stored, read back, filtered, sorted, changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstore import Store, field
from interstore.codecs import Int64, Scaled
from interstore.errors import InvalidDocumentError, InvalidQueryError
from tests.tiny import tiny


@dataclass
class Video:
    id: str
    views: Annotated[int, Int64()]
    price: Annotated[Decimal | None, Scaled(2)]
    tags: list[str]


BIG = 2**62


@pytest.fixture
def store() -> Iterator[Store]:
    with Store(tiny()) as store:
        videos = store.repository(Video)
        videos.create(Video("a", -5, Decimal("1.50"), ["x"]))
        videos.create(Video("b", BIG, Decimal(12), []))
        videos.create(Video("c", BIG + 1, None, ["x", "y"]))
        yield store


def ids(store: Store, filter: Any, **options: Any) -> list[str]:
    return [video.id for video in store.repository(Video).find(filter, **options)]


def test_what_is_stored_and_read_back(store: Store) -> None:
    raw = store.get("Video", "b")
    assert raw["views"] == "13835058055282163712"
    assert raw["price"] == 1200
    assert store.repository(Video).get("b") == Video("b", BIG, Decimal("12.00"), [])
    assert store.repository(Video).get("c").price is None


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ({"views": BIG + 1}, ["c"]),
        ({"views": {"$gt": -6, "$lte": BIG}}, ["a", "b"]),
        ({"views": {"$in": [-5, BIG + 1]}}, ["a", "c"]),
        ({"views": {"$not": {"$lt": BIG}}}, ["b", "c"]),
        ({"$or": [{"views": -5}, {"price": Decimal(12)}]}, ["a", "b"]),
        ({"$not": {("views",): BIG}}, ["a", "c"]),
        ({"price": {"$lt": Decimal("1.51")}}, ["a"]),
        ({"price": None}, ["c"]),
        ({"price": {"$exists": True}}, ["a", "b", "c"]),
        (field("views") > 5, ["b", "c"]),
        ((field("views") == -5) | (field("price") == Decimal("12.00")), ["a", "b"]),
        ({"tags": {"$has": "x"}}, ["a", "c"]),
        ({"tags": ["x"]}, ["a"]),
        ({"tags": {"$not": {"$size": 0}}}, ["a", "c"]),
    ],
)
def test_filters_speak_of_the_class(store: Store, filter: Any, found: list[str]) -> None:
    assert ids(store, filter) == found


def test_order_is_that_of_the_values(store: Store) -> None:
    assert ids(store, None, sort="-views") == ["c", "b", "a"]
    assert ids(store, None, sort="price") == ["c", "a", "b"]


def test_changes_speak_of_the_class(store: Store) -> None:
    videos = store.repository(Video)
    assert videos.update("a", {"views": BIG}).views == BIG
    assert videos.update("a", {"$set": {"views": 7}, "$inc": {"price": Decimal("0.01")}}) == Video(
        "a", 7, Decimal("1.51"), ["x"]
    )
    assert videos.update_many({"views": {"$gte": BIG}}, {"price": Decimal(1)}).updated == 2
    claimed = videos.find_one_and_update({"views": 7}, {"views": 8})
    assert claimed is not None
    assert claimed.views == 8
    with pytest.raises(InvalidDocumentError, match=r"\$inc needs a number at 'views'"):
        videos.update("a", {"$inc": {"views": 1}})


@pytest.mark.parametrize(
    ("video", "words"),
    [
        (Video("z", 2**63, None, []), "at views: 9223372036854775808 is not an integer of 64"),
        (Video("z", 1, Decimal("1.005"), []), "at price: 1.005 has more than 2 decimal places"),
        (Video("z", 1, Decimal("NaN"), []), "at price: NaN is not a finite number"),
        (Video("z", 1, Decimal(2**53), []), r"more than 2\*\*53 - 1 units"),
    ],
)
def test_what_does_not_fit_is_refused(store: Store, video: Video, words: str) -> None:
    with pytest.raises(InvalidDocumentError, match=words):
        store.repository(Video).create(video)
    assert not store.exists("Video", {"id": "z"})


@pytest.mark.parametrize(
    ("filter", "words"),
    [
        ({"views": "5"}, "the filter on 'views': '5' is not an integer"),
        ({"price": {"$gt": Decimal("0.001")}}, "more than 2 decimal places"),
        ({"tags": "x"}, r"'tags' is declared a list, .*\$has"),
        ({"tags": {"$in": ["x"]}}, r"declared a list, which \$in"),
        ({"tags": {"$not": {"$gt": "x"}}}, r"declared a list, which \$gt"),
    ],
)
def test_filters_that_could_not_match_are_refused(store: Store, filter: Any, words: str) -> None:
    with pytest.raises(InvalidQueryError, match=words):
        ids(store, filter)


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_the_order_of_the_texts_is_that_of_the_integers(numbers: list[int]) -> None:
    texts = [Int64().encode(number) for number in numbers]
    assert [Int64().decode(text) for text in sorted(texts)] == sorted(numbers)
