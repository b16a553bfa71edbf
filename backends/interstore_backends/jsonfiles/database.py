"""The database of the JSON files engine."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import weakref
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from typing import Final
from uuid import uuid4

from msgspec import structs

from interstore.document import Document
from interstore.errors import (
    ConfigurationError,
    CorruptionError,
    InterstoreError,
    OperationTimeoutError,
    UnavailableError,
)
from interstore.indexes import Index
from interstore.names import check_new_model, creation_is_off
from interstore.stats import ModelStats, Stats
from interstore.times import now
from interstore.transactions import Isolation
from interstore.watching import ChangePage, decode_position, expired, not_watched
from interstore_backends._table.admission import ChangeIndexes
from interstore_backends._table.changes import removals_before
from interstore_backends._table.database import Decide, TableDatabase
from interstore_backends._table.frozen import FrozenDatabase
from interstore_backends._table.records import Change, decode_document, removal_of
from interstore_backends._table.table import Table
from interstore_backends._table.transaction import Transaction
from interstore_backends.jsonfiles import CAPABILITIES, watching
from interstore_backends.jsonfiles.catalog import Catalog
from interstore_backends.jsonfiles.commits import Commits
from interstore_backends.jsonfiles.disk import network_type
from interstore_backends.jsonfiles.errors import translate
from interstore_backends.jsonfiles.lock import LOCK, FolderLock
from interstore_backends.jsonfiles.log import Log
from interstore_backends.jsonfiles.manifest import Manifest, write_manifest
from interstore_backends.jsonfiles.model import ModelFile
from interstore_backends.jsonfiles.settings import JsonFilesSettings
from interstore_backends.jsonfiles.transacting import Batch, apply
from interstore_backends.jsonfiles.watching import Position, Recording, prune

__all__ = ["JsonFilesDatabase"]


_logger = logging.getLogger("interstore.json")

_ATTEMPTS: Final = 20


class JsonFilesDatabase(TableDatabase):
    """A folder of JSON Lines files. The package's docstring says what it promises."""

    name = "json"
    capabilities = CAPABILITIES

    def __init__(self, settings: JsonFilesSettings) -> None:
        self.settings = settings
        self.folder = os.path.abspath(settings.data_dir)
        self._durable = settings.durability == "fsync"
        self._open: dict[str, ModelFile] = {}
        self._catalog: Catalog | None = None
        self._commits: Commits | None = None
        self._lock: FolderLock | None = None
        self._transaction: Transaction | None = None
        self._declaring = threading.Lock()
        self._began: dict[str, tuple[int, int]] = {}
        _databases.add(self)

    def connect(self) -> None:
        if os.name != "posix":
            raise ConfigurationError(
                "the json engine needs Linux or macOS: its files are locked in a way that "
                "Windows does not have. Use sqlite there",
                backend=self.name,
            )
        if self._catalog is not None:
            return
        kind = network_type(self.folder)
        if kind is not None:
            raise ConfigurationError(
                f"{self.folder} is on a network file system ({kind}), which keeps neither "
                "locks nor durability as the json engine needs them: use a local disk, or a "
                "database server",
                backend=self.name,
            )
        with self._translated():
            self._attach()
            if not self.settings.auto_create and not self._connected().exists():
                self.disconnect()
                raise ConfigurationError(
                    f"there are no JSON files of Interstore's in {self.folder}, and none are to be "
                    "made (auto_create is off): mend data_dir (DATABASE_DATA_DIR)",
                    backend=self.name,
                )
            try:
                self._connected().recover()
                self._finish_transactions()
            except BaseException:
                self.disconnect()
                raise

    def _attach(self) -> None:
        self._open = {}
        self._declaring = threading.Lock()
        path = os.path.join(self.folder, LOCK)
        self._commits = Commits(self.folder)
        self._lock = FolderLock(path, self.settings.timeout, self._commits.redo)
        self._catalog = Catalog(self.folder, self._lock)

    def _finish_transactions(self) -> None:
        """Apply what a crash has kept from being applied whole.

        Raises:
            CorruptionError, ConfigurationError: as `Commits.redo`.
        """
        commits = self._committed()
        if commits.size and not commits.is_done():
            with self._locked():
                commits.redo()
                commits.clear()

    def disconnect(self) -> None:
        if self._transaction is not None:
            self._transaction.end()
        commits, lock = self._commits, self._lock
        self._catalog = self._lock = self._commits = None
        self._open = {}
        if commits is not None and lock is not None and commits.size:
            with contextlib.suppress(OperationTimeoutError):  # it is the log of others, too
                lock.acquire(0)
                try:
                    self._empty(commits)
                finally:
                    lock.release()

    def _empty(self, commits: Commits) -> None:
        """Empty the log of transactions, if that can be done now."""
        try:
            commits.clear()
        except (OSError, InterstoreError) as error:
            _logger.warning("could not empty %s: %s", commits.path, error)

    def ping(self) -> None:
        """Return if the folder can be read."""
        self.models()

    def models(self) -> list[str]:
        """The names of the models that exist, sorted."""
        with self._translated():
            return sorted(self._connected().models())

    def drop(self, model: str) -> bool:
        """Remove a model and its file; return whether it existed."""
        with self._translated():
            catalog = self._connected()
            if model not in catalog.models():
                return False
            with self._locked():
                self._open.pop(model, None)
                self._committed().clear()  # it may have to do with this file
                return catalog.drop(model)

    def stats(self) -> Stats:
        """Documents and bytes of each model, and how many bytes are garbage or torn lines."""
        return replace(super().stats(), details={"folder": self.folder})

    def _figures(self, model: str, table: Table) -> ModelStats:
        figures = super()._figures(model, table)
        file = self._open.get(model)
        if file is None:
            return figures
        details = {"file": file.path, "garbage": file.garbage, "torn": file.torn_bytes()}
        return replace(figures, bytes=file.log.loaded, details=details)

    # Reading.

    def _table(self, model: str) -> Table | None:
        file = self._open.get(model)
        try:
            if file is None:
                file = self._look_up(model)
                if file is None:
                    return None
            try:
                if not file.refresh():
                    file = self._applied(model, file)
            except FileNotFoundError:
                self._open.pop(model, None)
                file = self._look_up(model)
            if file is None:
                return None
        except OSError as error:
            raise translate(error, self.folder) from error
        table = file.table
        if table.expiring:
            table.sweep()
        return table

    def _applied(self, model: str, file: ModelFile) -> ModelFile | None:
        """The model's file when no transaction is being applied."""
        for _ in range(_ATTEMPTS):
            self._locked().wait_until_applied()
            if file.refresh():
                return file
        with self._locked():  # one follows the other
            return self._current(model)

    def find_by_id_inline(self, model: str, id: str) -> Document | None:
        """As `find_by_id`, for an event loop.

        Raises:
            BlockingIOError: something would have to be read from the disk first.
        """
        file = self._open.get(model)
        if file is None or not file.is_current():
            raise BlockingIOError
        if file.table.expiring:
            file.table.sweep()
        record = file.table.records.get(id)
        return None if record is None else decode_document(record)

    def _look_up(self, model: str) -> ModelFile | None:
        """The model's file, opened; ``None`` if there is no such model."""
        catalog = self._connected()
        if not catalog.might_exist(model):
            return None
        read = self._read(model) if model in catalog.models() else None
        if read is not None and read.is_current():
            return self._open.setdefault(model, read)
        with self._locked():
            path = catalog.path_of(model)
            if path is None:
                return None
            file = self._open.get(model) or read or self._loaded(model, path)
            try:
                file.settle()
            except OSError as error:
                # What is unfinished at its end does not count in any case.
                _logger.warning("could not clean the end of %s: %s", path, error)
            self._open[model] = file
            return file

    def _read(self, model: str) -> ModelFile | None:
        """The model's file, read without waiting for writers; ``None`` if that went wrong."""
        sequence = self._locked().sequence
        before = sequence()
        try:
            file = ModelFile(model, self._connected().file_of(model), sequence)
        except (OSError, CorruptionError):
            return None  # what is wrong is found out under the lock
        return None if before & 1 or sequence() != before else file

    # Writing.

    def _commit(self, model: str, decide: Decide) -> tuple[int, InterstoreError | None]:
        try:
            return self._commit_changes(model, decide)
        except OSError as error:
            raise translate(error, self.folder) from error

    def _commit_changes(self, model: str, decide: Decide) -> tuple[int, InterstoreError | None]:
        with self._locked():
            file = self._current(model)
            table = Table() if file is None else self._declared(model, file.table)
            if table.expiring:
                table.sweep()
            changes = decide(table)
            if not changes:
                return 0, None
            if file is None:
                file = self._created(model)
            if file.log.recording:
                self._record(file, removals_before(table, changes))
            count, failure = file.append(changes)
            if failure is not None and not count:
                raise failure
            if file.wants_compaction():
                self._compact(file)
            log, end = file.log, file.log.loaded
        if self._durable:
            log.sync(end)
        return count, None if failure is None else translate(failure, self.folder)

    # Indexes.

    def indexes(self, model: str) -> list[Index]:
        """The indexes of the model, in the order of their names."""
        with self._translated():
            entry = self._connected().models().get(model)
            return [] if entry is None else list(entry.indexes)

    def _change_indexes(self, model: str, change: ChangeIndexes, *, create: bool) -> bool:
        with self._translated(), self._locked():
            file = self._current(model)
            if file is None:
                if not create:
                    return False
                file = self._created(model)
            table = self._declared(model, file.table)
            if table.expiring:
                table.sweep()
            indexes = change(table, table.declared)
            if indexes is None:
                return False
            models = self._connected().models()
            entry = structs.replace(models[model], indexes=indexes)
            write_manifest(self.folder, Manifest({**models, model: entry}))
            self._declared(model, table)
            return True

    def _declared(self, model: str, table: Table) -> Table:
        """The table, with what the manifest declares by now."""
        with self._declaring:  # so that no thread brings back what it read a while ago
            entry = self._connected().models().get(model)
            if entry is not None and entry.indexes != table.declared:
                table.declare(entry.indexes)
        return table

    def _searchable(self, model: str) -> Table | None:
        table = self._table(model)
        with self._translated():
            return None if table is None else self._declared(model, table)

    def _current(self, model: str) -> ModelFile | None:
        """The model's file with everything taken in. To be called under the lock."""
        file = self._open.get(model)
        if file is not None:
            try:
                file.settle()
                return file
            except FileNotFoundError:
                self._open.pop(model, None)
        path = self._connected().path_of(model)
        if path is None:
            return None
        file = self._loaded(model, path)
        file.settle()
        self._open[model] = file
        return file

    def _loaded(self, model: str, path: str) -> ModelFile:
        return ModelFile(model, path, self._locked().sequence)

    def _created(self, model: str) -> ModelFile:
        catalog = self._connected()
        self.check_creation(model, list(catalog.models()))
        file = self._open[model] = self._loaded(model, catalog.create(model, now()))
        return file

    def check_creation(self, model: str, existing: list[str]) -> None:
        """Refuse a model that must not be created, as its name or the settings say."""
        check_new_model(model, existing)
        if not self.settings.auto_create:
            raise creation_is_off(model, existing, self.name)

    def _compact(self, file: ModelFile) -> None:
        try:
            self._committed().clear()  # which says where in the file its lines are
            self._replace(file, self._retention(file.model))
        except OSError as error:
            # The write that brought us here is done; there will be another occasion.
            _logger.warning("could not compact %s: %s", file.path, error)
            file.postpone_compaction()
            if os.stat(file.path).st_ino != file.log.inode:
                file.log.failed = True  # the new file is there, its name perhaps not durably

    # Watching.

    def enable_watch(self, model: str, retention: float) -> None:
        """Keep the changes of a model, for so many seconds at least."""
        with self._translated(), self._locked():
            file = self._current(model) or self._created(model)
            if not file.log.recording:
                self._committed().clear()
                self._replace(file, retention)
            self._set_retention(model, retention)

    def disable_watch(self, model: str) -> bool:
        """Forget them, and keep them no longer; return whether they were."""
        with self._translated(), self._locked():
            file = self._current(model)
            if file is None or self._retention(model) is None:
                return False
            self._set_retention(model, None)
            self._committed().clear()
            self._replace(file, None)
            return True

    def _retention(self, model: str) -> float | None:
        entry = self._connected().models().get(model)
        return None if entry is None else entry.retention

    def _set_retention(self, model: str, retention: float | None) -> None:
        models = self._connected().models()
        entry = structs.replace(models[model], retention=retention)
        write_manifest(self.folder, Manifest({**models, model: entry}))

    def _replace(self, file: ModelFile, retention: float | None) -> None:
        """Compact the file; what is changed in it is recorded if there is a retention."""
        old = Recording.of(file.log.recording)
        recording = None
        if retention is not None:
            recording = Recording(uuid4().hex[:12], 1, 0)
            if old is not None:
                recording = old._replace(number=old.number + 1)
                self._record_expired(file)
        file.compact(recording)
        prune(file.path, recording, retention)

    def _record_expired(self, file: ModelFile) -> None:
        """Have the changes say what has expired, before a file that does not know of it."""
        at = now()
        self._record(
            file, [removal_of(id, version, at) for id, version in file.table.expired.items()]
        )

    def _record(self, file: ModelFile, removals: Sequence[Change]) -> None:
        """Append removals of what has expired, and bring them to the disk."""
        if removals:
            _, error = file.append(removals)
            if error is not None:
                raise error
            if self._durable:
                file.log.sync(file.log.loaded)

    def _recorded(self, model: str) -> Log | None:
        """The model's file as it is now, if its changes are recorded."""
        file = None if self._table(model) is None else self._open.get(model)
        if file is None or self._retention(model) is None or not file.log.recording:
            return None
        return file.log

    def start_watch(self, model: str, since: str | None) -> str:
        """A position: behind `since`, or behind all that there is."""
        known = None if since is None else decode_position(since, self.name, model, Position)
        with self._translated():
            log = self._recorded(model)
            if log is None:
                raise not_watched(model, self.name)
            end, recording = log.loaded, Recording.of(log.recording)
            assert recording is not None
            self._began[model] = recording.number, end
            if since is not None and known is not None:
                watching.read(model, known, log)  # which looks whether it can be gone on with
                return since
            return Position(recording.epoch, recording.number, end).token(model)

    def read_changes(self, model: str, after: str, wait: float) -> ChangePage:
        """The next changes after a position. It waits for none."""
        position = decode_position(after, self.name, model, Position)
        with self._translated():
            log = self._recorded(model)
            if log is None:
                raise expired(model, self.name, "it was dropped, or disable_watch called")
            page = watching.read(model, position, log)
        reached = decode_position(page.token, self.name, model, Position)
        began = self._began.get(model, (0, 0))
        return replace(page, more=bool(page.changes) and (reached.number, reached.offset) < began)

    # Transactions.

    @contextlib.contextmanager
    def transaction(self, isolation: Isolation) -> Generator[Transaction | FrozenDatabase]:
        """This database in a transaction: the one that writes, so it is always serializable.

        One that only reads is a copy, and lets others write.
        """
        if isolation == "reading":
            yield FrozenDatabase(self.name, self.capabilities, self.limits, self._frozen())
            return
        lock = self._locked()
        with self._translated():
            lock.__enter__()
        try:
            transaction = self._transaction = Transaction(self)
            try:
                yield transaction
                self._apply(transaction.finish())
            finally:
                self._transaction = None
                transaction.end()
        finally:
            lock.release()

    def _frozen(self) -> dict[str, Table]:
        """Copies of all tables, as they are at one moment."""
        with self._translated(), self._locked():
            found = {model: self.current_table(model) for model in self._connected().models()}
            return {model: table.frozen() for model, table in found.items() if table is not None}

    def current_table(self, model: str) -> Table | None:
        """The table with all that was committed. To be called under the lock."""
        with self._translated():
            file = self._current(model)
            if file is None:
                return None
            table = self._declared(model, file.table)
            if table.expiring:
                table.sweep()
            return table

    def _apply(self, changes: Mapping[str, list[Change]]) -> None:
        if not changes:
            return
        with self._translated():
            files = {model: self._current(model) or self._created(model) for model in changes}
            for model, file in files.items():
                if file.log.recording:
                    self._record(file, removals_before(file.table, changes[model]))
            batches = [Batch(files[model], each) for model, each in changes.items()]
            apply(batches, self._locked(), self._committed(), durable=self._durable)
            for file in files.values():
                if file.wants_compaction():
                    self._compact(file)
            if self._committed().is_long:
                self._empty(self._committed())

    # What all need.

    def _committed(self) -> Commits:
        commits = self._commits
        if commits is None:
            raise self._not_connected()
        return commits

    def _connected(self) -> Catalog:
        catalog = self._catalog  # another thread may disconnect at any time
        if catalog is None:
            raise self._not_connected()
        return catalog

    def _locked(self) -> FolderLock:
        lock = self._lock
        if lock is None:
            raise self._not_connected()
        return lock

    def _not_connected(self) -> UnavailableError:
        return UnavailableError("json is not connected", backend=self.name)

    @contextlib.contextmanager
    def _translated(self) -> Generator[None]:
        """Raise what the operating system reports as errors of Interstore."""
        try:
            yield
        except OSError as error:
            raise translate(error, self.folder) from error

    def _after_fork(self) -> None:
        # The child shares the parent's lock, and may have inherited tables in the middle of
        # a change by another thread.
        if self._transaction is not None:
            self._transaction.abandon()
            self._transaction = None
        if self._lock is not None:
            self._lock.abandon()
        if self._catalog is not None:
            self._attach()


_databases: weakref.WeakSet[JsonFilesDatabase] = weakref.WeakSet()


def _after_fork() -> None:
    for database in _databases:
        database._after_fork()


os.register_at_fork(after_in_child=_after_fork)
