"""Tables, collections and containers of others as a source, on every engine that has them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from interstore import Store, connect
from interstore.errors import ConfigurationError, InterstoreError
from interstore.migration import Limits, Transform, verify
from interstore.migration.views import View, views_of
from tests.foreign_data import (
    Make,
    in_cosmosdb,
    in_mongodb,
    in_postgresql,
    in_sqlite,
    presented,
    rows,
)
from tests.migration.conftest import Migrate

COUNT = 230

VIEWS = {
    "sqlite": "orders",
    "postgresql": "public.orders:number",
    "mongodb": "orders",
    "cosmosdb": "orders?partition=amount",
}


@pytest.fixture(params=sorted(VIEWS))
def orders(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """A URL, and the view of the table ``orders`` there."""
    engine = request.param
    if engine == "sqlite":
        path = str(tmp_path / "shop.db")
        make: Make = in_sqlite(path)
        url = f"sqlite:{path}"
    else:
        url = request.getfixturevalue(f"{engine}_url")
        makers: dict[str, Callable[[str], Make]] = {
            "postgresql": in_postgresql,
            "mongodb": in_mongodb,
            "cosmosdb": lambda url: in_cosmosdb(url, "/amount"),
        }
        make = makers[engine](url)
    make(rows(COUNT))
    return url, VIEWS[engine]


def _held(store: Store, model: str) -> dict[str, dict[str, Any]]:
    return {document.id: dict(document) for document in store.find(model)}


def test_a_table_moves_and_is_verified(
    orders: tuple[str, str], tmp_path: Path, run: Migrate
) -> None:
    source, view = orders
    target = f"sqlite:{tmp_path / 'target.db'}"
    foreign = {"sales": view}
    report = run(source, target, foreign=foreign)
    assert (report.status, report.totals.read, report.totals.written) == ("done", COUNT, COUNT)
    wanted = {each["id"]: each for each in map(presented, rows(COUNT))}
    with connect(target) as store:
        assert store.models() == ["sales"]
        assert _held(store, "sales") == wanted
        assert verify(source, target, foreign=foreign).ok
        store.delete("sales", "17")
        store.create("sales", {"id": "no number"})
    found = verify(source, target, foreign=foreign).models[0].comparison
    assert found is not None
    assert (found.missing_ids, found.extra_ids) == (["17"], ["no number"])


def test_a_stopped_run_goes_on_behind_the_last_id(
    orders: tuple[str, str], tmp_path: Path, run: Migrate
) -> None:
    source, view = orders
    target, stop = f"sqlite:{tmp_path / 'target.db'}", Event()
    options: dict[str, Any] = {"foreign": {"sales": view}, "limits": Limits(page=30, bytes=1)}

    def halt(progress: Any) -> None:
        if progress.phase == "copy" and progress.done:
            stop.set()

    first = run(source, target, progress=halt, stop=stop, **options)
    assert first.status == "stopped"
    assert 0 < first.totals.read < COUNT
    with pytest.raises(ConfigurationError, match="foreign: the run has"):
        run(source, target, resume=first.run, foreign={"sales": "others"})
    second = run(source, target, resume=first.run, **options)
    assert (second.status, second.totals.read) == ("done", COUNT)


def test_worker_processes_read_tables_as_well(tmp_path: Path, run: Migrate) -> None:
    path = str(tmp_path / "shop.db")
    in_sqlite(path)(rows(COUNT))
    target = f"json:{tmp_path / 'target'}"
    transform = Transform(where={"paid": True}, id_from="name", rename={"id": "number"})
    unlike = Transform(where={"paid": True}, rename={"id": "number"})
    options: dict[str, Any] = {"foreign": {"sales": "orders"}, "executor": "processes:2"}
    blocked = run(f"sqlite:{path}", target, transform=transform, **options)
    assert "duplicate-ids" in [blocker.code for blocker in blocked.blockers]
    report = run(f"sqlite:{path}", target, transform=unlike, **options)
    assert (report.status, report.totals.written) == ("done", COUNT // 2)
    with connect(target) as store:
        assert store.get("sales", "4")["number"] == "4"


def test_a_table_moves_into_models_of_the_same_database(tmp_path: Path, run: Migrate) -> None:
    path = str(tmp_path / "shop.db")
    in_sqlite(path)(rows(10))
    url = f"sqlite:{path}"
    assert run(url, url, foreign={"sales": "orders"}).totals.written == 10
    assert verify(url, url, foreign={"sales": "orders"}).ok


def test_what_others_wrote_can_be_backed_up(tmp_path: Path, run: Migrate) -> None:
    path = str(tmp_path / "shop.db")
    in_sqlite(path)(rows(10))
    archive = f"archive:{tmp_path / 'backup'}"
    assert run(f"sqlite:{path}", archive, foreign={"sales": "orders"}).ok
    with connect(archive) as store:
        assert store.count("sales") == 10
        assert store.get("sales", "3").version == 1


def test_tables_that_do_not_exist_are_named(tmp_path: Path, run: Migrate) -> None:
    path = str(tmp_path / "shop.db")
    in_sqlite(path)(rows(1))
    with pytest.raises(InterstoreError, match="did you mean 'orders'"):
        run(f"sqlite:{path}", "memory:", foreign={"sales": "order"})


def test_a_field_id_beside_the_id_is_a_finding_with_its_cure(tmp_path: Path, run: Migrate) -> None:
    source = f"sqlite:{tmp_path / 'shop.db'}"
    with connect(source) as store:
        store.native.executescript(
            "CREATE TABLE orders (number INTEGER PRIMARY KEY, id TEXT);"
            "INSERT INTO orders VALUES (1, 'A-1'), (2, 'A-2')"
        ).close()
    target = f"sqlite:{tmp_path / 'target.db'}"
    report = run(source, target, foreign={"sales": "orders"})
    [blocker] = report.blockers
    assert (blocker.code, blocker.count, blocker.ids) == ("field-id", 2, ["1", "2"])
    assert blocker.cure.startswith("--foreign 'sales=orders?rename=id:NAME'")
    assert run(source, target, foreign={"sales": "orders?rename=id:code"}).ok
    with connect(target) as store:
        assert store.get("sales", "2") == {"id": "2", "code": "A-2"}


def test_mongodb_shows_a_field_id_in_the_middle(
    mongodb_url: str, tmp_path: Path, run: Migrate
) -> None:
    from pymongo import MongoClient

    with MongoClient[dict[str, Any]](mongodb_url) as client:
        documents = [{"_id": n, **({"id": f"x{n}"} if n % 500 == 7 else {})} for n in range(1_200)]
        client.get_default_database()["things"].insert_many(documents)
    target = f"sqlite:{tmp_path / 'target.db'}"
    report = run(mongodb_url, target, foreign={"things": "things"})
    [blocker] = report.blockers
    assert (blocker.code, blocker.count, blocker.ids) == ("field-id", 3, ["7", "507", "1007"])
    assert report.exit_code == 5
    assert run(mongodb_url, target, foreign={"things": "things?rename=id:code"}).ok


def test_views_are_spelled_in_one_line() -> None:
    given: dict[str, Any] = {
        "b": "public.customers:customer_id?id_type=uuid&rename=id:code&rename=a:b",
        "a": {"name": "c", "partition": {"tenant": "acme"}},
    }
    views = views_of(given)
    assert list(views) == ["a", "b"]
    assert views["b"] == View(
        name="public.customers",
        id="customer_id",
        id_type="uuid",
        rename={"id": "code", "a": "b"},
    )
    assert views_of({"b": views["b"].spelled()})["b"] == views["b"]
    assert views_of(views) == views


@pytest.mark.parametrize(
    ("foreign", "message"),
    [
        ({"s": "orders?kind=x"}, "kind=x is not one of"),
        ({"s": "orders?id_type=number"}, "id_type"),
        ({"s": {"table": "x"}}, "name"),
        ({"not a name": "orders"}, "not valid"),
        ({"s": ""}, "name"),
    ],
)
def test_views_that_are_none(foreign: dict[str, Any], message: str) -> None:
    with pytest.raises(InterstoreError, match=message):
        views_of(foreign)
