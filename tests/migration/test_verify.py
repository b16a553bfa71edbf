"""`verify` finds what differs, and says where."""

from __future__ import annotations

import pytest

from interstore import Store
from interstore.errors import ConfigurationError
from interstore.migration import resync, verify
from interstore.migration.plan import Level
from interstore.prepared import Write
from tests.migration.conftest import ENGINES, MakeStore, Migrate, fill


@pytest.fixture(params=ENGINES)
def pair(
    request: pytest.FixtureRequest, make_store: MakeStore, run: Migrate
) -> tuple[Store, Store]:
    """Two stores with the same documents."""
    left, right = make_store("memory", "left"), make_store(request.param, "right")
    fill(left, "users", 1_500)
    fill(left, "orders", 20)
    assert run(left, right).ok
    return left, right


def rewrite(store: Store, id: str, *, version: int | None = None, **changed: str) -> None:
    """Write over a document behind the back of whoever copied it."""
    found = store.get("users", id)
    write = Write(
        id,
        found.fields(),
        version=version or found.version,
        created=changed.get("created", found.created),
        updated=changed.get("updated", found.updated),
    )
    store.database.write_page("users", [write], "upsert")


@pytest.mark.parametrize("level", ["count", "digest", "full"])
def test_equal_stores_are_equal(pair: tuple[Store, Store], level: Level) -> None:
    verification = verify(*pair, level=level)
    assert (verification.ok, verification.exit_code) == (True, 0)
    assert [(model.source, model.source_count) for model in verification.models] == [
        ("orders", 20),
        ("users", 1_500),
    ]


@pytest.mark.parametrize("level", ["digest", "full"])
def test_every_kind_of_difference_is_found(pair: tuple[Store, Store], level: Level) -> None:
    left, right = pair
    right.delete("users", "users-000007")
    right.create("users", {"id": "intruder"})
    right.update("users", "users-000009", {"$set": {"deep.x": 1, "n": -9}})
    verification = verify(left, right, level=level)
    assert verification.exit_code == 3
    orders, users = verification.models
    assert orders.ok
    assert users.comparison is not None
    found = users.comparison
    assert (found.missing_ids, found.extra_ids, found.different_ids) == (
        ["users-000007"],
        ["intruder"],
        ["users-000009"],
    )
    assert ("n", "9", "-9") in [(item.path, item.left, item.right) for item in found.differences]
    assert "@version" in {item.path for item in found.differences}
    assert "users-000009" in verification.to_markdown()


def test_only_what_is_in_bad_buckets_is_compared(pair: tuple[Store, Store]) -> None:
    left, right = pair
    right.delete("users", "users-000007")
    comparison = verify(left, right).models[1].comparison
    assert comparison is not None
    assert 1 <= comparison.checked < 50


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"version": 7}, "@version"),
        ({"created": "2020-01-01T00:00:00.000000Z"}, "@created_at"),
        ({"updated": "2030-01-01T00:00:00.000000Z"}, "@updated_at"),
    ],
)
def test_versions_and_times_are_compared_unless_they_are_to_be_ignored(
    pair: tuple[Store, Store], changed: dict[str, object], path: str
) -> None:
    left, right = pair
    rewrite(right, "users-000005", **changed)  # type: ignore[arg-type]
    verification = verify(left, right)
    assert verification.compared == "id, fields, version and times"
    assert not verification.ok
    comparison = verification.models[1].comparison
    assert comparison is not None
    assert [(item.id, item.path) for item in comparison.differences] == [("users-000005", path)]
    assert verification.models[1].source_digest == verification.models[1].target_digest
    assert verify(left, right, envelope=False).ok


def test_counts_see_numbers_only(pair: tuple[Store, Store]) -> None:
    left, right = pair
    right.update("users", "users-000001", {"n": "changed"})
    assert verify(left, right, level="count").ok
    right.delete("users", "users-000001")
    assert not verify(left, right, level="count").ok


def test_a_model_that_only_one_side_has_is_a_difference(pair: tuple[Store, Store]) -> None:
    left, right = pair
    right.create("more", {"id": "a"})
    verification = verify(left, right)
    assert [(model.source, model.ok) for model in verification.models] == [
        ("orders", True),
        ("users", True),
        ("more", False),
    ]
    assert verify(left, right, models=["orders", "users"]).ok
    assert not verify(right, left).ok


def test_renamed_models_are_compared_with_their_new_names(pair: tuple[Store, Store]) -> None:
    left, right = pair
    fill(right, "people", 10)
    assert not verify(left, right, models=["orders"], map={"orders": "people"}).ok
    assert verify(left, right, models=["orders"]).ok


def test_many_differences_are_counted_and_the_first_listed(pair: tuple[Store, Store]) -> None:
    left, right = pair
    right.delete_many("users", {"n": {"$gte": 100}})
    right.update_many("users", {}, {"n": "wrong"})
    comparison = verify(left, right).models[1].comparison
    assert comparison is not None
    assert (comparison.missing, len(comparison.missing_ids)) == (1_400, 1_000)
    assert comparison.different == 100
    assert len({item.id for item in comparison.differences}) == 20


def test_a_document_that_the_source_lost_during_the_copy_is_reported(
    make_store: MakeStore, run: Migrate
) -> None:
    """What happens to the target between the copy and the verification is seen."""
    source, target = make_store("memory", "source"), make_store("sqlite", "target")
    fill(source, "users", 300)

    def tamper(progress: object) -> None:
        if getattr(progress, "phase", "") == "verify":
            target.update("users", "users-000003", {"n": "changed"})

    report = run(source, target, progress=tamper)
    assert (report.status, report.exit_code) == ("mismatch", 3)
    assert report.verification is not None
    comparison = report.verification.models[0].comparison
    assert comparison is not None
    assert comparison.different_ids == ["users-000003"]


def test_a_mistyped_model_is_not_equal(pair: tuple[Store, Store]) -> None:
    with pytest.raises(ConfigurationError, match=r"neither store has a model 'uesrs'; .* users"):
        verify(*pair, models=["uesrs"])
    with pytest.raises(ConfigurationError, match=r"neither store has a model 'uesrs'"):
        resync(*pair, models=["users", "uesrs"])
    with pytest.raises(ConfigurationError, match="the map names 'uesrs'"):
        verify(*pair, models=["users"], map={"uesrs": "people"})
