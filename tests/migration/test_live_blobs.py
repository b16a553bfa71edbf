"""Blobs of documents that move while an application goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from interstore import Store, StoreWithBlobs, connect, open_blobs
from interstore.errors import ConfigurationError
from interstore.migration import (
    Report,
    StepReport,
    catch_up,
    cutover,
    finish,
    migrate,
    rollback,
)
from interstore.migration.blobs.moving import Mover
from tests.migration.conftest import Places, url_of, with_photos
from tests.migration.writing import plugins

pytestmark = pytest.mark.usefixtures("short_patience")


class Case:
    """An application with photos, which are to move with its documents."""

    def __init__(self, folder: Path, places: Places, moved: str, stack: ExitStack) -> None:
        self.source, self.target = url_of("json", folder, "a"), url_of("sqlite", folder, "b")
        self.state, self.run = folder / "state", ""
        self.blobs: dict[str, Any] = {"from_blobs": places.url("blobs"), "to_blobs": moved}
        self.old = places.blobs("blobs")
        self.new = stack.enter_context(open_blobs(moved))
        with connect(self.source) as store:
            with_photos(store, self.old)
        application = connect(self.source, plugins=plugins(self.target))
        self.application: StoreWithBlobs = stack.enter_context(application).with_blobs(self.old)

    def begin(self) -> Report:
        report = migrate(self.source, self.target, live=True, state=self.state, **self.blobs)
        self.run = report.run
        assert report.status == "done", report
        return report

    def do(self, step: Any, **options: Any) -> StepReport:
        urls = {"source": self.source, "target": self.target}
        report: StepReport = step(self.run, state=self.state, **urls, **options)
        return report

    def done(self, step: Any, **options: Any) -> StepReport:
        report = self.do(step, **options)
        assert report.status == "done", report
        return report


@pytest.fixture(params=["local", "s3"])
def case(request: pytest.FixtureRequest, tmp_path: Path, places: Places) -> Iterator[Case]:
    local = request.param == "local"
    moved = places.url("moved") if local else request.getfixturevalue("s3_url")
    with ExitStack() as stack:
        yield Case(tmp_path, places, moved, stack)


def change(store: StoreWithBlobs, name: str) -> None:
    """Blobs that come, go and are replaced."""
    store.create("users", {"id": name})
    store.attach("users", name, "photo", name.encode() * 100)
    store.attach("users", "u05", "photo", name.encode())
    store.attach("users", "u06", "files", name.encode(), append=True)


def check(case: Case, store: Store) -> None:
    """Every blob of the documents is in the new blob store, as the documents say."""
    owning = store.with_blobs(case.new)
    assert [each for each in owning.check_blobs(verify=True) if each.kind != "orphan"] == []


def test_what_is_attached_on_the_way_arrives(case: Case) -> None:
    report = case.begin()
    assert report.blobs is not None
    assert report.blobs.copied == 40
    assert "is brought over by catch-up and finish" in report.notes[-1]
    change(case.application, "moving")
    case.application.delete("users", "u07")
    caught = case.done(catch_up, **case.blobs)
    assert caught.blobs is not None
    assert caught.blobs.copied == 3
    case.done(cutover)
    change(case.application, "cut")
    for step in (rollback, cutover):
        case.done(step)
    refused = case.do(finish)
    assert (refused.exit_code, refused.blockers[0].code) == (5, "blobs-unnamed")
    ended = case.done(finish, **case.blobs)
    assert ended.blobs is not None
    assert ended.blobs.copied == 3
    change(case.application, "late")  # a process that was not restarted yet
    assert case.done(finish, **case.blobs).blobs is not None
    with connect(case.target) as store:
        check(case, store)
        assert store.count("users") == 32


def test_a_blob_that_does_not_arrive_forbids_the_end(case: Case, places: Places) -> None:
    case.begin()
    case.done(cutover)
    case.application.attach("users", "u01", "photo", b"will be damaged")
    key = case.application.get("users", "u01")["photo"]["key"]
    places.file("blobs", key).write_bytes(b"WILL BE DAMAGED")
    report = case.do(finish, **case.blobs)
    assert (report.exit_code, report.blockers[0].code) == (5, "blobs")
    assert report.blobs is not None
    assert [(item.kind, item.id) for item in report.blobs.problems] == [("damaged", "u01")]
    case.application.detach("users", "u01", "photo")
    case.done(finish, **case.blobs)


def test_what_is_removed_while_it_is_copied_is_no_loss(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The document and its blob, and a blob that is replaced."""
    case.begin()
    change(case.application, "moving")
    take = Mover.take
    removed: list[str] = []

    def slow(mover: Mover, model: str, documents: Any) -> None:
        if not removed:
            removed.append("moving")
            case.application.delete("users", "moving")
            case.application.attach("users", "u05", "photo", b"after it was read")
        take(mover, model, documents)

    monkeypatch.setattr(Mover, "take", slow)
    report = case.done(catch_up, **case.blobs)
    assert report.blobs is not None
    assert report.blobs.problems == []
    case.done(cutover)
    with connect(case.target) as store:
        check(case, store)


def test_other_blob_stores_than_those_of_the_run(case: Case, places: Places) -> None:
    case.begin()
    with pytest.raises(ConfigurationError, match="moves other blobs"):
        case.do(catch_up, from_blobs=places.url("blobs"), to_blobs=places.url("elsewhere"))
    with pytest.raises(ConfigurationError, match="--dangling report"):
        migrate(case.source, case.target, live=True, dangling="stop", state=case.state)
