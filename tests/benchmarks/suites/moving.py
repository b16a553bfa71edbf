"""`migrate` beside pipelines by hand, the loop of tutorials, and dlt; and how fast it verifies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from itertools import count
from typing import Any, Final

import interstore
from interstore.bulk import BulkResult
from tests.benchmarks.aims import Faster, Within
from tests.benchmarks.cities import REAL, cities
from tests.benchmarks.contenders import moving as by_hand
from tests.benchmarks.contenders.dlt_pipeline import dlt_to_postgresql
from tests.benchmarks.data import Document
from tests.benchmarks.measure import Case, Prepare
from tests.benchmarks.suites import Context, Sizes, Suite

__all__ = ["SUITES"]

MODEL: Final = "cities"
ENGINES: Final = ("JSON files", "SQLite", "PostgreSQL", "MongoDB")
ROUNDS: Final = 3
COSMOS: Final = 2_000
"""Documents to and from Cosmos DB: the tests' account serves hundreds a second, not thousands."""
LOOP: Final = 20_000
"""Documents that the loop of a tutorial moves."""

_numbers = count()


def _title(sizes: Sizes) -> str:
    return f"Moving {min(sizes.huge, 235_000):,} cities"


def _loop_title(sizes: Sizes) -> str:
    return f"Moving {min(sizes.huge, LOOP):,} cities, beside the loop of tutorials"


class _Place:
    """A store with its URL, and what a pipeline by hand has in its place."""

    def __init__(self, engine: str, context: Context) -> None:
        name = f"moving{next(_numbers)}"
        self.url = _url(engine, context, name)
        self.hand = _by_hand(engine, context, name + "hand")
        self.context = context

    def fill(self, documents: list[Document]) -> None:
        with interstore.connect(self.url, auto_create=True) as store:
            for start in range(0, len(documents), 1_000):
                result = store.create_many(MODEL, documents[start : start + 1_000])
                assert isinstance(result, BulkResult)
        if self.hand is not None:
            time = "2026-01-31T12:00:00.123456Z"
            rows = [
                (document["id"], 1, time, time, {k: v for k, v in document.items() if k != "id"})
                for document in documents
            ]
            self.hand.write(rows[start : start + 1_000] for start in range(0, len(rows), 1_000))


def _url(engine: str, context: Context, name: str) -> str:
    match engine:
        case "JSON files":
            return f"json:{context.new_folder(name)}"
        case "SQLite":
            return f"sqlite:{context.new_folder(name) / 'a.db'}"
        case "PostgreSQL":
            return context.new_postgresql(name)
        case "MongoDB":
            return context.new_mongodb(name)
        case _:
            url = context.closing.enter_context(context.servers.cosmosdb.database())
            return f"{url}{'&' if '?' in url else '?'}auto_create=true"


def _by_hand(engine: str, context: Context, name: str) -> by_hand.End | None:
    made: Any
    match engine:
        case "JSON files":
            return by_hand.Files(context.new_folder(name))
        case "SQLite":
            made = by_hand.SQLite(context.new_folder(name))
        case "PostgreSQL":
            made = by_hand.PostgreSQL(context.new_postgresql(name))
        case "MongoDB":
            made = by_hand.MongoDB(context.new_mongodb(name))
        case _:
            return None
    context.closing.callback(made.close)
    end: by_hand.End = made
    return end


def _copies(context: Context) -> Iterator[Case]:
    names = [f"{one} to {other}" for one in ENGINES for other in ENGINES]
    names += [f"verifying {one}" for one in ENGINES]
    if any(context.wants(_title(context.sizes), name) for name in names):
        if not REAL:
            context.say("airports are moved in place of cities: uv run --group bench")
        yield from _wanted_copies(context, cities(context.sizes.huge))


def _wanted_copies(context: Context, documents: list[dict[str, Any]]) -> Iterator[Case]:
    sources: dict[str, _Place] = {}
    targets: dict[str, _Place] = {}
    for one in ENGINES:
        for other in ENGINES:
            name = f"{one} to {other}"
            if not context.wants(_title(context.sizes), name):
                continue
            if one not in sources:
                sources[one] = _Place(one, context)
                sources[one].fill(documents)
            if other not in targets:
                targets[other] = _Place(other, context)
            yield _copy(name, sources[one], targets[other], len(documents))
        if one in sources and context.wants(_title(context.sizes), f"verifying {one}"):
            verify = _verifies(sources[one], context)
            yield Case(
                f"verifying {one}",
                {"Interstore": verify},
                documents=2 * len(documents),
                rounds=ROUNDS,
            )


def _copy(name: str, source: _Place, target: _Place, documents: int) -> Case:
    contenders: dict[str, Prepare] = {"Interstore": _migrates(source, target)}
    if source.hand is not None and target.hand is not None:
        contenders["by hand"] = _by_hands(source.hand, target.hand)
    if name == "JSON files to JSON files":
        contenders["whole file"] = _whole_file(source.hand, target.context)
    if name == "SQLite to PostgreSQL":
        if find_spec("dlt") is None:
            target.context.say("dlt is left out: it is not installed (uv run --group bench)")
        else:
            contenders["dlt"] = _dlt(source, target)
    aims = {"by hand": Within(1.25), "dlt": Faster(3)}
    return Case(name, contenders, aims, documents=documents, rounds=ROUNDS)


def _migrates(source: _Place, target: _Place) -> Prepare:
    """The copy, and a count of both sides; digests are compared in a case of their own."""
    state = source.context.folder / "state"

    def prepare(n: int) -> Callable[[], None]:
        with interstore.connect(target.url, auto_create=True) as store:
            store.drop(MODEL)

        def run() -> None:
            for _ in range(n):
                report = interstore.migrate(
                    source.url, target.url, state=state, level="count", into="merge"
                )
                assert report.ok, report

        return run

    return prepare


def _verifies(place: _Place, context: Context) -> Prepare:
    """A store against a copy of it in SQLite, both sides read: documents of both are counted."""
    copy = f"sqlite:{context.new_folder(f'verified{next(_numbers)}') / 'a.db'}"
    interstore.migrate(place.url, copy, state=context.folder / "state")

    def prepare(n: int) -> Callable[[], None]:
        def run() -> None:
            for _ in range(n):
                assert interstore.verify(place.url, copy).ok

        return run

    return prepare


def _by_hands(source: by_hand.End, target: by_hand.End) -> Prepare:
    def prepare(n: int) -> Callable[[], None]:
        target.clear()

        def run() -> None:
            for _ in range(n):
                by_hand.copy(source, target)

        return run

    return prepare


def _whole_file(source: by_hand.End | None, context: Context) -> Prepare:
    """From one file to another that is written anew, without a thought for what is there."""
    assert source is not None
    one, other = (by_hand.WholeFile(context.new_folder(f"whole{next(_numbers)}")) for _ in range(2))
    one.write(source.pages())
    return _by_hands(one, other)


def _dlt(source: _Place, target: _Place) -> Prepare:
    folder = source.context.new_folder(f"dlt{next(_numbers)}")
    hand = source.hand
    assert hand is not None

    def pages() -> Iterator[list[dict[str, Any]]]:
        for page in hand.pages():
            yield [
                {"id": id, "version": version, "created_at": created, "updated_at": updated}
                | {"doc": fields}
                for id, version, created, updated, fields in page
            ]

    def prepare(n: int) -> Callable[[], None]:
        name = f"dlt{next(_numbers)}"

        def run() -> None:
            for _ in range(n):
                dlt_to_postgresql(pages, target.url, folder, name)

        return run

    return prepare


def _loops(context: Context) -> Iterator[Case]:
    """What tutorials show: find all, create each."""
    documents = cities(min(context.sizes.huge, LOOP))
    title = _loop_title(context.sizes)
    for one, other in (("SQLite", "PostgreSQL"), ("JSON files", "MongoDB")):
        name = f"{one} to {other}"
        if not context.wants(title, name):
            continue
        source, target = _Place(one, context), _Place(other, context)
        source.fill(documents)
        yield Case(
            name,
            {"Interstore": _migrates(source, target), "find and create": _loop(source, target)},
            {"find and create": Faster(20)},
            documents=len(documents),
            rounds=3,
        )
    few = cities(min(context.sizes.huge, COSMOS))
    for one, other in (("SQLite", "Cosmos DB"), ("Cosmos DB", "SQLite")):
        name = f"{one} to {other}, {len(few):,} of them"
        if context.wants(title, name):
            source, target = _Place(one, context), _Place(other, context)
            source.fill(few)
            migrates = _migrates(source, target)
            yield Case(name, {"Interstore": migrates}, documents=len(few), rounds=3)


def _loop(source: _Place, target: _Place) -> Prepare:
    def prepare(n: int) -> Callable[[], None]:
        return partial(_find_and_create, source.url, target.url, n)

    return prepare


def _find_and_create(source: str, target: str, n: int) -> None:
    with interstore.connect(source) as left, interstore.connect(target) as right:
        for _ in range(n):
            right.drop(MODEL)
            for document in left.find(MODEL):
                right.create(MODEL, document)


SUITES: Final = (Suite(_title, _copies), Suite(_loop_title, _loops))
