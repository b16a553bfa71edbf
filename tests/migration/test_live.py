"""Moves without downtime: what each step does, refuses, and leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import pytest

import interstore
from interstore import Store, connect, verify
from interstore.connection import settings_in_force, unconnected
from interstore.dual._sync.ledger import Ledger
from interstore.dual.records import MODEL, Control
from interstore.errors import (
    ConfigurationError,
    ConflictError,
    ResumeExpiredError,
    UnavailableError,
    UnsupportedError,
)
from interstore.migration import (
    Limits,
    Report,
    StepReport,
    catch_up,
    cutover,
    finish,
    migrate,
    rollback,
    writing,
)
from interstore.migration.references import place_of
from interstore.migration.runs import load_run
from interstore.watching import ChangePage
from tests.migration.conftest import contents, creating, fill, server_url, url_of
from tests.migration.writing import plugins
from tests.patience import eventually
from tests.servers.databases import PostgreSQL
from tests.servers.proxy import Proxy

pytestmark = pytest.mark.usefixtures("short_patience")

PAIRS = [
    ("json", "sqlite"),
    ("sqlite", "json"),
    pytest.param("json", "cosmosdb", marks=[pytest.mark.long, pytest.mark.timeout(600)]),
    pytest.param("cosmosdb", "sqlite", marks=[pytest.mark.long, pytest.mark.timeout(600)]),
]
Step = Callable[..., StepReport]


class Case:
    """A source with documents, a target, and an application."""

    def __init__(self, folder: Path, source: str, target: str, stack: ExitStack) -> None:
        self.source, self.target, self.state = source, target, folder / "state"
        self._stack = stack
        self.run = ""

    def application(self, **options: Any) -> Store:
        plugin = plugins(self.target, **options)
        return self._stack.enter_context(connect(self.source, plugins=plugin))

    def bare(self, url: str) -> Store:
        return self._stack.enter_context(connect(url))

    def begin(self, **options: Any) -> Report:
        report = migrate(self.source, self.target, live=True, state=self.state, **options)
        self.run = report.run
        return report

    def do(self, step: Step, **options: Any) -> StepReport:
        urls = {"source": self.source, "target": self.target}
        return step(self.run, state=self.state, **urls, **options)

    def phase(self) -> str | None:
        return load_run(self.state, self.run).phase

    def done(self, step: Step, **options: Any) -> StepReport:
        report = self.do(step, **options)
        assert (report.status, report.exit_code) == ("done", 0), report
        return report


@pytest.fixture
def make_case(tmp_path: Path) -> Iterator[Callable[[str, str], Case]]:
    with ExitStack() as stack:

        def make(source: str, target: str) -> Case:
            return Case(tmp_path, source, target, stack)

        yield make


@pytest.fixture
def case(make_case: Callable[[str, str], Case], tmp_path: Path) -> Case:
    source, target = url_of("json", tmp_path, "source"), url_of("sqlite", tmp_path, "target")
    with connect(source) as store:
        fill(store, "users", 300)
    return make_case(source, target)


def change(store: Store, name: str) -> None:
    """A write of each kind."""
    store.create("users", {"id": f"{name}-new", "n": 1})
    store.put("users", {"id": f"{name}-put", "n": 1})
    store.update("users", f"{name}-put", {"$inc": {"n": 1}})
    store.create_many("users", [{"id": f"{name}-many-{n}", "n": n} for n in range(5)])
    store.put_many("users", [{"id": f"{name}-many-{n}", "n": -n, "all": True} for n in range(3)])
    store.update_many("users", {"all": True}, {"$set": {"all": name}})
    store.delete_many("users", {"n": {"$gte": 3}, "all": {"$exists": False}, "text": None})
    assert store.find_one_and_update("users", {"all": name}, {"claimed": name}) is not None
    assert store.find_one_and_delete("users", {"claimed": name}) is not None
    store.delete("users", f"{name}-new")
    store.create("users", {"id": f"{name}-new", "again": True})
    if store.capabilities.transaction:
        with store.transaction() as transaction:
            transaction.put("users", {"id": f"{name}-both"})
            transaction.put("orders", {"id": f"{name}-both"})
    with pytest.raises(ConflictError):
        store.update("users", f"{name}-put", {"n": 0}, if_version=99)


def equal(case: Case) -> bool:
    return verify(case.source, case.target).ok


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_move_and_each_step_twice(
    source: str,
    target: str,
    make_case: Callable[[str, str], Case],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    urls = [
        creating(server_url(engine, request))
        if engine == "cosmosdb"
        else url_of(engine, tmp_path, name)
        for engine, name in ((source, "source"), (target, "target"))
    ]
    case = make_case(*urls)
    with connect(urls[0]) as store:
        fill(store, "users", 300)
        store.ensure_index("users", "n", type="number")
    application = case.application()
    models = ["orders", "users"] if application.capabilities.transaction else ["users"]
    change(application, "idle")
    assert case.begin().status == "done"
    assert case.phase() == "equal"
    change(application, "moving")
    assert equal(case)
    for number in range(2):
        case.done(cutover)
        assert case.phase() == "cut over"
        change(application, f"cut-{number}")
        assert equal(case)
    check_primary(application, "target")
    for number in range(2):
        case.done(rollback)
        assert case.phase() == "rolled back"
        change(application, f"back-{number}")
        assert equal(case)
    check_primary(application, "source")
    case.done(cutover)
    assert case.phase() == "cut over"
    report = case.done(finish)
    assert report.setting is not None
    assert report.setting.endswith(case.target.rpartition("/")[2])
    case.done(finish)
    assert case.phase() == "finished"
    change(application, "finished")
    new, old = case.bare(case.target), case.bare(case.source)
    assert contents(application, "users") == contents(new, "users")
    assert new.exists("users", {"id": "finished-put"})
    assert not old.exists("users", {"id": "finished-put"})
    assert [str(index.paths[0][0]) for index in new.indexes("users")] == ["n"]
    assert new.database.find_by_ids(MODEL, ["control"]) == []
    assert [name for name in new.models() if name != MODEL] == models
    assert [name for name in old.models() if name != MODEL] == models


def test_an_application_that_starts_later_finds_out_where_its_data_is(case: Case) -> None:
    with case.application() as application:
        assert case.begin().status == "done"
        application.put("users", {"id": "one"})
    case.done(cutover)
    with case.application() as application:
        check_primary(application, "target")
        application.put("users", {"id": "two"})
    assert equal(case)
    case.done(finish)
    with case.application() as application:
        application.put("users", {"id": "three"})
        assert application.exists("users", {"id": "one"})
    assert case.bare(case.target).exists("users", {"id": "three"})


def test_who_gives_up_keeps_the_source(case: Case) -> None:
    application = case.application()
    assert case.begin().status == "done"
    change(application, "moving")
    assert case.do(finish).status == "blocked"
    assert case.phase() == "equal"
    case.done(finish, abandon=True)
    case.done(finish, abandon=True)
    assert case.phase() == "abandoned"
    application.put("users", {"id": "alone"})
    assert application.exists("users", {"id": "alone"})
    assert not case.bare(case.target).exists("users", {"id": "alone"})
    assert case.do(cutover).status == "blocked"


def test_steps_out_of_turn_are_refused(case: Case) -> None:
    application = case.application()
    stop = Event()
    stop.set()
    assert case.begin(stop=stop).status == "stopped"
    assert case.phase() == "copying"
    for step in (cutover, rollback, finish):
        report = case.do(step)
        assert (report.exit_code, report.blockers[0].code) == (5, "not-copied")
    assert (
        migrate(case.source, case.target, live=True, state=case.state, resume=case.run).status
        == "done"
    )
    report = case.do(finish)
    assert (report.exit_code, report.blockers[0].code) == (5, "primary")
    case.done(cutover)
    report = case.do(finish, abandon=True)
    assert (report.exit_code, report.blockers[0].code) == (5, "primary")
    plain = migrate(case.source, case.target + ".other", state=case.state)
    case.run = plain.run
    assert case.phase() is None
    assert cutover(case.run, state=case.state).blockers[0].code == "not-live"
    assert application.capabilities.native is False


def test_what_is_written_without_the_plugin_is_found(case: Case) -> None:
    application = case.application()
    assert case.begin().status == "done"
    other = case.bare(case.source)
    other.update("users", "users-000001", {"n": -1})
    other.delete("users", "users-000002")
    other.create("users", {"id": "stranger"})
    report = case.do(cutover)
    assert (report.status, report.exit_code) == ("mismatch", 3)
    assert report.verification is not None
    comparison = report.verification.models[-1].comparison
    assert comparison is not None
    assert comparison.different_ids == ["users-000001"]
    assert (comparison.missing_ids, comparison.extra_ids) == (["stranger"], ["users-000002"])
    check_primary(application, "source")
    assert case.phase() == "catching up"
    case.done(catch_up)
    assert case.phase() == "catching up"
    case.done(catch_up, everything=True)
    assert case.phase() == "equal"
    assert equal(case)
    case.done(cutover)


def test_who_writes_to_another_place_keeps_the_move_from_beginning(case: Case) -> None:
    right = case.target
    case.target += "-other"
    case.application()
    case.target = right
    report = case.begin()
    assert (report.exit_code, report.blockers[0].code) == (5, "other-target")


def test_who_comes_with_another_place_is_refused(case: Case) -> None:
    assert case.begin().status == "done"
    case.target += "-other"
    with pytest.raises(ConfigurationError, match="DUAL_WRITE_TARGET"):
        case.application().put("users", {"id": "a"})


def test_what_cannot_be_done_meanwhile_is_refused(case: Case) -> None:
    for options in ({"models": ["users"]}, {"into": "merge"}, {"drop_versions": True}):
        with pytest.raises(ConfigurationError, match="everything moves as it is"):
            case.begin(**options)
    with pytest.raises(ConfigurationError, match="threads"):
        case.begin(executor="processes:2")
    with pytest.raises(ConfigurationError, match="name it last"):
        connect(case.source, plugins={**plugins(case.target), "retry": {}})
    application = case.application()
    with pytest.raises(UnsupportedError):
        application.drop("users")


def test_documents_that_change_while_their_page_is_copied(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deleted, changed, and made anew between the reading of a page and its writing."""
    application = case.application()
    meanwhile(monkeypatch, application)
    assert case.begin(limits=Limits(page=50)).status == "done"
    assert equal(case)
    assert not application.exists("users", {"id": "users-000000"})


def test_they_would_differ_if_they_were_not_looked_at_again(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the test above is about something."""
    application = case.application()
    meanwhile(monkeypatch, application)
    monkeypatch.setattr(writing, "_overtake", lambda *_: None)
    report = case.begin(limits=Limits(page=50))
    assert report.status == "mismatch"
    assert report.verification is not None
    comparison = report.verification.models[-1].comparison
    assert comparison is not None
    assert "users-000000" in comparison.extra_ids


def meanwhile(monkeypatch: pytest.MonkeyPatch, application: Store) -> None:
    """Have the application write to each page after it was read."""
    check_lease = writing.Lease.check

    def check(lease: writing.Lease) -> None:
        check_lease(lease)
        for document in application.find("users", {"met": None}, limit=30).to_list():
            number = document["n"]
            application.update("users", document.id, {"met": True})
            if number % 3 == 0:
                application.delete("users", document.id)
            if number % 6 == 3:
                application.create("users", {"id": document.id, "n": number, "met": "again"})

    monkeypatch.setattr(writing.Lease, "check", check)


def test_a_hold_that_nobody_ends_ends_by_itself(case: Case) -> None:
    """Who moves the data was killed while writes waited."""
    application = case.application()
    assert case.begin().status == "done"
    ledger = Ledger(case.bare(case.source).database)
    control, version = ledger.control()
    assert control is not None
    held = msgspec.structs.replace(control, phase="held", hold=2.0)
    assert ledger.change_control(held, version)
    eventually(lambda: check_phase(application, "held"))
    application.put("users", {"id": "patient"})
    found, _ = ledger.control()
    assert isinstance(found, Control)
    assert found.phase == "open"
    assert equal(case)
    case.done(cutover)


def test_who_comes_late_does_not_open_what_is_held(case: Case) -> None:
    """A process that follows from the other store, and meets there the next hand-over."""
    ledger = Ledger(case.bare(case.source).database)
    control = Control(run="r", epoch=3, primary="source", phase="open", target="t")
    ledger.point(control)
    _, version = ledger.control()
    held = msgspec.structs.replace(control, phase="held")
    assert ledger.change_control(held, version)
    ledger.point(control)
    assert ledger.control() == (held, version + 1)
    ended = msgspec.structs.replace(control, phase="ended")
    for each in (ended, control):
        ledger.point(each)
        assert ledger.control() == (ended, version + 2)


def test_a_live_view_goes_on(case: Case) -> None:
    """Until the data is handed over: then it begins anew, in the other store."""
    application = case.application()
    application.enable_watch("users")
    with application.watch("users", idle=0) as changes:
        application.put("users", {"id": "before"})
        assert case.begin().status == "done"
        application.put("users", {"id": "moving"})
        seen = list(changes)
        assert [change.id for change in seen] == ["before", "moving"]
        application.put("users", {"id": "late"})
        case.done(cutover)
        with pytest.raises(ResumeExpiredError, match="handed over"):
            list(changes)
    with pytest.raises(ResumeExpiredError, match="handed over"):
        application.watch("users", since=seen[0].token, idle=0).start()
    with application.watch("users", idle=0) as changes:
        application.put("users", {"id": "cut"})
        [cut] = list(changes)
        assert cut.id == "cut"
        case.done(rollback)
        application.put("users", {"id": "back"})
        with pytest.raises(ResumeExpiredError, match="handed over"):
            list(changes)
    case.done(cutover)
    for old in (seen[0].token, cut.token):
        with pytest.raises(ResumeExpiredError, match="handed over"):
            application.watch("users", since=old, idle=0).start()
    with application.watch("users", idle=0) as changes:
        application.put("users", {"id": "one"})
        application.delete("users", "one")
        one, gone = list(changes)
        assert (one.id, type(gone).__name__) == ("one", "Deleted")
        case.done(finish)
        application.put("users", {"id": "two"})
        found = list(application.watch("users", since=gone.token, idle=0))
        assert [change.id for change in found] == ["two"]
    with pytest.raises(ResumeExpiredError, match="handed over"):
        application.watch("users", since=seen[0].token, idle=0).start()
    target = case.bare(case.target)
    target.put("users", {"id": "three"})
    assert [each.id for each in target.watch("users", since=found[0].token, idle=0)] == ["three"]


def test_what_is_brought_over_after_a_hand_over_is_not_told(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The data is handed over while the source is asked, which has read what came after."""
    application = case.application()
    application.enable_watch("users")
    assert case.begin().status == "done"
    wrapper: Any = application.database.database
    primary = wrapper._member.stand.primary
    read = primary.read_changes

    def slow(model: str, after: str, wait: float) -> ChangePage:
        case.done(cutover)
        application.put("users", {"id": "brought over"})
        eventually(lambda: check_arrived(application))
        page: ChangePage = read(model, after, wait)
        assert [change.id for change in page.changes] == ["brought over"]
        return page

    with application.watch("users", idle=0) as changes:
        monkeypatch.setattr(primary, "read_changes", slow)
        with pytest.raises(ResumeExpiredError, match="handed over"):
            list(changes)


def test_a_target_that_cannot_tell_changes(case: Case, mongodb_standalone_url: str) -> None:
    """It is handed over to, and what is missing there is said."""
    case.target = mongodb_standalone_url
    application = case.application()
    application.enable_watch("users")
    assert case.begin().status == "done"
    application.enable_watch("users")  # a process that is restarted
    report = case.done(cutover)
    [note] = report.notes
    assert "changes of users cannot be watched from now on" in note
    assert equal(case)
    assert case.done(rollback).notes == []


def test_back_and_forth_without_a_pause(case: Case) -> None:
    application = case.application()
    assert case.begin().status == "done"
    for number in range(10):
        case.done(cutover)
        application.put("users", {"id": f"cut-{number}"})
        case.done(rollback)
    assert equal(case)


def check_primary(store: Store, side: str) -> None:
    assert store.metrics()["dual-write"]["primary"] == side


def check_phase(store: Store, phase: str) -> None:
    assert store.metrics()["dual-write"]["phase"] == phase


def test_a_target_that_is_away_and_comes_back(
    case: Case, postgresql_server: PostgreSQL, postgresql_url: str
) -> None:
    """Calls succeed meanwhile, and what they wrote arrives later."""
    host, port = postgresql_server.address
    with Proxy(host, port) as proxy:
        name = postgresql_url.rpartition("/")[2]
        case.target = postgresql_server.url(name, port=proxy.port) + "?timeout=1"
        application = case.application()
        assert case.begin().status == "done"
        proxy.refuse()
        proxy.reset()
        change(application, "away")
        figures = application.metrics()["dual-write"]
        assert figures["away"]
        assert figures["waiting"]
        assert case.do(cutover).exit_code == 4
        change(application, "longer")
        proxy.restore()
        eventually(lambda: check_arrived(application))
        case.done(catch_up)
        assert equal(case)
        case.done(cutover)
        case.done(finish)


NOWHERE = "postgresql://nobody:canary-7f3a@127.0.0.1:1/nothing?timeout=1"


def test_an_application_starts_while_the_target_is_away(case: Case) -> None:
    """And says nothing of how it is reached."""
    ledger = Ledger(case.bare(case.source).database)
    target = place_of(connect_later(NOWHERE)).identity
    control = Control(run="r", epoch=1, primary="source", phase="open", target=target)
    assert ledger.change_control(control, 0)
    case.target = NOWHERE
    application = case.application()
    application.put("users", {"id": "a"})
    eventually(lambda: check_trouble(application, "the other store, cannot be reached"))
    assert ledger.pending()
    assert "canary" not in f"{application.metrics()} {ledger.writers()}"


def test_an_application_starts_while_the_source_is_away(case: Case) -> None:
    """Only if the target is where its data is."""
    case.source = NOWHERE
    with pytest.raises(UnavailableError):
        case.application()
    store = case.bare(case.target)
    control = Control(
        run="r", epoch=1, primary="target", phase="open", target=place_of(store).identity
    )
    assert Ledger(store.database).change_control(control, 0)
    application = case.application()
    application.put("users", {"id": "a"})
    assert store.exists("users", {"id": "a"})
    assert Ledger(store.database).pending()


def connect_later(url: str) -> Store:
    return unconnected(settings_in_force(url))


def check_trouble(store: Store, text: str) -> None:
    assert text in store.metrics()["dual-write"]["trouble"]


def check_arrived(store: Store) -> None:
    assert not store.metrics()["dual-write"]["waiting"]


def test_a_pending_write_that_the_target_refuses_forbids_the_cutover(case: Case) -> None:
    """Such as a value that is taken there."""
    application = case.application()
    assert case.begin().status == "done"
    target = case.bare(case.target)
    target.create("users", {"id": "taken", "code": "x"})
    target.ensure_index("users", "code", type="string", unique=True)
    application.put("users", {"id": "mine", "code": "x"})
    report = case.do(cutover)
    assert (report.exit_code, report.blockers[0].code) == (5, "pending")
    target.delete("users", "taken")
    case.done(cutover)
    assert application.find_by_id("users", "mine") == {"id": "mine", "code": "x"}


def test_indexes_are_declared_on_both(case: Case) -> None:
    application = case.application()
    assert case.begin().status == "done"
    application.ensure_index("users", "n", type="number")
    for url in (case.source, case.target):
        assert [str(index.paths[0][0]) for index in case.bare(url).indexes("users")] == ["n"]


def test_the_environment_names_it(
    case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("INTERSTORE_PLUGINS", "dual-write")
    monkeypatch.setenv("TARGET", str(tmp_path / "target.db"))
    monkeypatch.setenv("DUAL_WRITE_TARGET", case.target)
    with interstore.connect(case.source) as application:
        assert case.begin().status == "done"
        application.put("users", {"id": "both"})
        case.done(cutover)
        eventually(lambda: check_primary(application, "target"))
        assert verify(case.source, case.target).ok
        case.done(finish)
