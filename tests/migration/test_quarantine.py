"""Documents that the target does not take, and targets that cannot hold or keep them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from interstore import Store, connect
from interstore.bulk import WriteOutcome
from interstore.capabilities import Capabilities, Limits
from interstore.errors import ConfigurationError, InvalidDocumentError, UnavailableError
from interstore.migration import Limits as MoveLimits
from interstore.migration import migrate
from interstore.migration.journal import replay
from interstore.migration.quarantine import Quarantine
from interstore.migration.refusals import Refused
from interstore.migration.state import load_plan
from interstore.prepared import Write, WriteMode
from interstore_backends.memory import CAPABILITIES
from interstore_backends.memory.database import MemoryDatabase
from interstore_backends.memory.settings import MemorySettings
from tests.migration.conftest import Call, MakeStore, Migrate, contents, fill


class Picky(MemoryDatabase):
    """The memory engine, but it refuses some documents and fails at others."""

    def __init__(self) -> None:
        super().__init__(MemorySettings())
        self.refuse: set[str] = set()
        self.fail_at: str | None = None

    def write_page(
        self, model: str, writes: Sequence[Write], mode: WriteMode
    ) -> list[WriteOutcome]:
        if self.fail_at in {write.id for write in writes}:
            raise UnavailableError("the server went away", backend="picky")
        taken = [write for write in writes if write.id not in self.refuse]
        outcomes = iter(super().write_page(model, taken, mode))
        return [
            InvalidDocumentError("no room for it", id=write.id)
            if write.id in self.refuse
            else next(outcomes)
            for write in writes
        ]


class Narrow(Picky):
    limits = Limits(document_bytes=1_000, depth=4)


class Forgetful(Picky):
    capabilities: Capabilities = replace(CAPABILITIES, write_page=False, models=False)


@pytest.fixture
def source(make_store: MakeStore) -> Store:
    store = make_store("memory", "source")
    fill(store, "users", 500)
    return store


def test_a_refused_document_is_set_aside_and_the_run_goes_on(source: Store, run: Migrate) -> None:
    engine = Picky()
    engine.refuse = {"users-000003", "users-000444"}
    with connect(database=engine) as target:
        report = run(source, target)
        assert (report.status, report.exit_code) == ("quarantine", 2)
        totals = report.totals
        assert (totals.read, totals.written, totals.quarantined) == (500, 498, 2)
        assert totals.balanced
        refused = report.models[0].refused
        assert {(item.id, item.code) for item in refused} == {
            ("users-000003", "invalid-document"),
            ("users-000444", "invalid-document"),
        }
        assert report.verification is not None
        assert report.verification.ok
        assert "no room for it" in report.to_markdown()
        missing = contents(source, "users").keys() - contents(target, "users").keys()
        assert missing == engine.refuse


def test_if_too_many_are_refused_the_run_stops(source: Store, run: Migrate) -> None:
    fill(source, "users", 1_000, first=500)
    engine = Picky()
    engine.refuse = set(contents(source, "users"))
    with connect(database=engine) as target:
        told = r"1,[0-9]+ documents are in quarantine.* no room for it.*--max-quarantine N"
        with pytest.raises(InvalidDocumentError, match=told) as caught:
            run(source, target)
        assert "--resume" in caught.value.__notes__[0]


@pytest.mark.parametrize(("most", "status"), [(0, "stopped"), (2, "stopped"), (3, "quarantine")])
def test_how_many_are_too_many_can_be_set(
    most: int, status: str, source: Store, tmp_path: Path
) -> None:
    engine = Picky()
    engine.refuse = {"users-000003", "users-000007", "users-000444"}
    with connect(database=engine) as target:
        with pytest.raises(ConfigurationError, match="quarantine is -1: 0 is the least"):
            MoveLimits(quarantine=-1)
        limits = MoveLimits(quarantine=most, page=100, bytes=1_000)
        try:
            report = migrate(source, target, state=tmp_path, limits=limits)
        except InvalidDocumentError as error:
            assert status == "stopped"
            run = error.__notes__[0].rpartition(" ")[2]
            report = migrate(
                source, target, state=tmp_path, resume=run, limits=MoveLimits(quarantine=3)
            )
        assert (report.status, report.totals.quarantined) == ("quarantine", 3)
        assert report.totals.balanced
        assert target.count("users") == 497


def test_a_run_that_set_too_many_aside_is_resumed_with_a_higher_limit(
    tmp_path: Path, postgresql_url: str, call: Call
) -> None:
    with connect(f"sqlite:{tmp_path / 'source.db'}") as source:
        source.create_many("users", [{"id": f"u{n}", "mail": n // 3} for n in range(2_100)])
        source.create_many("orders", [{"id": f"o{n}"} for n in range(10)])
    with connect(postgresql_url) as target:
        target.ensure_index("users", "mail", type="number", unique=True)
    command = "migrate", "sqlite:source.db", postgresql_url, "--set-aside", "duplicate"
    [report] = call(*command, "--max-rate", "1000000", exit_code=4)
    assert report["status"] == "stopped"
    assert "the run stops at more than 1,000" in report["error"]
    run = report["run"]
    [report] = call(
        *("migrate", "resume", run, "--target", postgresql_url, "--max-quarantine", "1400"),
        exit_code=2,
    )
    [orders, users] = report["models"]
    assert (orders["totals"]["written"], users["totals"]["quarantined"]) == (10, 1_400)
    plan = load_plan(tmp_path / ".interstore/migrations", run)
    assert (plan.limits.rate, plan.limits.quarantine) == (1_000_000, 1_000)


def test_a_failing_target_stops_the_run_and_it_can_be_resumed(
    source: Store, run: Migrate, tmp_path: object
) -> None:
    engine = Picky()
    engine.fail_at = "users-000400"
    with connect(database=engine) as target:
        once = MoveLimits(attempts=1)
        with pytest.raises(UnavailableError, match="went away") as caught:
            run(source, target, limits=once)
        name = caught.value.__notes__[0].rpartition(" ")[2]
        engine.fail_at = None
        report = run(source, target, resume=name)
        assert report.ok
        assert report.sessions == 2
        assert contents(target, "users") == contents(source, "users")


def test_what_the_target_cannot_hold_is_found_before_anything_is_written(
    source: Store, run: Migrate
) -> None:
    source.create("users", {"id": "long", "text": "x" * 1_000})
    source.create("users", {"id": "deep", "a": {"b": [{"c": {"d": 1}}]}})
    source.create("users", {"id": "just-so", "a": {"b": [{"c": 1}]}})
    with connect(database=Narrow()) as target:
        report = run(source, target)
        assert report.exit_code == 5
        found = {blocker.code: (blocker.count, blocker.ids) for blocker in report.blockers}
        assert found == {"too-large": (1, ["long"]), "too-deep": (1, ["deep"])}
        assert target.models() == []
        source.delete("users", "long")
        source.delete("users", "deep")
        assert run(source, target).ok


def test_a_target_that_cannot_keep_versions_is_refused_unless_they_are_dropped(
    source: Store, run: Migrate
) -> None:
    with connect(database=Forgetful()) as target:
        report = run(source, target)
        assert [blocker.code for blocker in report.blockers] == ["no-versions"]
        assert "--drop-versions" in report.blockers[0].cure
        report = run(source, target, drop_versions=True)
        assert report.ok
        assert target.count("users") == 500


def test_a_source_that_cannot_list_its_models_needs_their_names(
    make_store: MakeStore, run: Migrate
) -> None:
    with connect(database=Forgetful()) as source:
        fill(source, "users", 10)
        target = make_store("sqlite", "target")
        with pytest.raises(Exception, match="name them"):
            run(source, target)
        assert run(source, target, models=["users"]).totals.written == 10


def test_refused_documents_are_in_the_journal_and_what_they_hold_in_quarantine(
    source: Store, run: Migrate
) -> None:
    engine = Picky()
    engine.refuse = {"users-000003"}
    with connect(database=engine) as target:
        report = run(source, target)
    entries = replay(Path(report.folder) / "journal.jsonl").entries
    refused = [item for entry in entries for item in entry.get("result", {}).get("refused", ())]
    assert [(item["id"], "document" in item) for item in refused] == [("users-000003", False)]
    file = Path(report.folder) / "quarantine" / "users.jsonl"
    assert file.stat().st_mode & 0o777 == 0o600
    [line] = file.read_bytes().splitlines()
    assert msgspec.json.decode(line) == {
        "id": "users-000003",
        "code": "invalid-document",
        "message": "no room for it",
        "document": dict(source.get("users", "users-000003")),
    }
    with file.open("ab") as stream:  # killed between the quarantine and the journal, in a line
        stream.write(line + b"\n" + line[:20])
    quarantine = Quarantine(Path(report.folder))
    assert [item.id for item in quarantine.read("users")] == ["users-000003"]
    quarantine.add("users", [Refused(id="later", code="duplicate", message="")])
    assert [item.id for item in quarantine.read("users")] == ["users-000003", "later"]
