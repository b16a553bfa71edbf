"""`migrate` and `verify`: plan, check, copy, verify, report."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Final, NamedTuple

from interstore.errors import ConfigurationError
from interstore.migration.blobs.ends import BlobsArgument, open_blob_ends
from interstore.migration.chunks import Compression
from interstore.migration.coordinator import Coordinator
from interstore.migration.ends import Ends, open_ends
from interstore.migration.executors import open_workers
from interstore.migration.instants import at_one_instant
from interstore.migration.plan import Dangling, Into, Level, Limits, Request
from interstore.migration.planning import Migration
from interstore.migration.preflight import check_known, list_models
from interstore.migration.progress import Control, OnProgress, Stopped
from interstore.migration.raw import is_raw
from interstore.migration.references import url_of
from interstore.migration.report import Report, Verification
from interstore.migration.state import DEFAULT_STATE
from interstore.migration.transform import Transform
from interstore.migration.verification import Verifier
from interstore.migration.views import Foreign
from interstore.names import is_reserved

if TYPE_CHECKING:
    from interstore._sync.store import Store
    from interstore.migration.executors import Reach


__all__ = [
    "DEFAULT_EXECUTOR",
    "Options",
    "migrate",
    "migrate_for_command",
    "open_migration",
    "pairs_of",
    "verify",
]

DEFAULT_EXECUTOR: Final = "threads:1"
"""Engines on this machine have one writer and share one interpreter: measured, more threads
make them slower. Engines behind a network gain by them."""


class Options(NamedTuple):
    """How the stores of a run are read.

    Attributes:
        blobs: the source's blob stores and the target's.
        snapshot: whether a backup is to be as of one instant.
        live: whether an application writes meanwhile.
    """

    blobs: tuple[BlobsArgument | None, BlobsArgument | None] = (None, None)
    snapshot: bool = True
    live: bool = False


def migrate(
    source: str | Store,
    target: str | Store,
    *,
    models: Sequence[str] | None = None,
    map: Mapping[str, str] | None = None,
    into: Into = "empty",
    drop_versions: bool = False,
    transform: Transform | None = None,
    live: bool = False,
    foreign: Foreign | None = None,
    set_aside: Sequence[str] = (),
    plan_only: bool = False,
    resume: str | None = None,
    state: str | Path | None = None,
    executor: str | Executor = DEFAULT_EXECUTOR,
    level: Level = "digest",
    limits: Limits | None = None,
    progress: OnProgress | None = None,
    stop: Event | None = None,
    from_blobs: BlobsArgument | None = None,
    to_blobs: BlobsArgument | None = None,
    dangling: Dangling = "report",
    snapshot: bool = True,
    base: str | None = None,
    compression: Compression = "gzip",
) -> Report:
    """Copy all documents from one store to another, and prove that all of them arrived.

    Documents keep their ids, versions and times. The run can be killed at any instant and
    resumed: what it did is in a journal, and doing a part of it again changes nothing.

    Args:
        source: a URL or an open store. A URL may have ``${env:NAME}`` in it. The path of a JSON,
            JSON Lines or CSV file, or of a folder of them, does as well.
        target: a URL or an open store; it must be another place.
        models: the models to copy; all of the source's by default.
        map: new names of models, ``{"users": "people"}``.
        into: what the target's models may hold before: ``"empty"`` nothing; ``"merge"``
            documents that stay, except where the source has the same id; ``"replace"``
            documents that are deleted first.
        drop_versions: let documents start anew at version 1, for a target that cannot keep
            versions and times.
        transform: what becomes of each document on the way: chosen, reshaped, given another
            id. It is applied to all models of the run.
        live: an application goes on writing meanwhile, by the plugin ``dual-write`` in all its
            processes. Afterwards `interstore.migration.live.steps` hands it over.
        foreign: tables, collections or containers of the source that other programs wrote, by
            the models that they become: ``{"users": "public.customers:customer_id"}``, or with
            the arguments of `Store.foreign`. Then nothing else of the source is read.
        set_aside: codes of findings (``"too-large"``) that do not forbid the run: documents
            that they are about go to quarantine.
        plan_only: find out what would be done and what forbids it, and stop there.
        resume: the name of a run to go on with. Everything else must be as it was.
        state: the folder of runs; ``.interstore/migrations`` in the working directory by
            default.
        executor: ``"threads:N"``, ``"processes:N"``, ``"dask://host:port"`` (a scheduler of
            Dask), or any `concurrent.futures.Executor`. Other than threads need URLs.
        level: how thoroughly to verify: ``"count"``, ``"digest"`` or ``"full"``.
        limits: how much is done between two entries of the journal, and how fast the run may
            go. A resumed run keeps its own by default.
        progress: called in this thread, a few times a second.
        stop: set it to stop at the next page; the run can be resumed.
        from_blobs: the blob store to which the source's documents refer, or its URL; several by
            their names, ``{"default": ..., "media": ...}``. By default those of a source that
            has them (`Store.with_blobs`). An archive has its own.
        to_blobs: where the blobs go, under the same names and keys; likewise.
        dangling: ``"report"`` references to blobs that are not there, or ``"stop"`` at them.
        snapshot: whether a backup is to be as of one instant, where the source can do that; else
            each document is read when its turn comes.
        base: an archive beside that which is the target, to have only what changed since then.
        compression: how the documents of a backup are compressed: ``"gzip"``, or ``"zstd"``, which
            is faster and smaller, and before Python 3.14 needs ``interstore[zstd]``, to write and
            to read.

    Returns:
        The report. Look at its `status`, or at `ok`: a target that forbids the migration
        ("blocked"), a stop, documents the target did not take ("quarantine") and a mismatch
        are results, not errors.

    Raises:
        ConfigurationError: the arguments do not fit together, or do not fit the run to resume.
        InvalidQueryError, InvalidDocumentError: the transform is not valid.
        InterstoreError: a store failed on the way. If the run had begun, it can be resumed,
            and a note on the error says how.
    """
    request = Request.of(
        models,
        map,
        into,
        drop_versions,
        transform,
        dangling,
        live,
        foreign=foreign,
        set_aside=set_aside,
        base=base,
        compression=compression,
    )
    options = Options((from_blobs, to_blobs), snapshot, live)
    opened = open_migration(
        source, target, request, options, state, executor, level, progress, stop
    )
    with opened as migration:
        report, error = migration.run(request, limits, resume=resume, plan_only=plan_only)
    if error is not None:
        raise error
    return report


def migrate_for_command(
    source: str,
    target: str,
    *,
    request: Request,
    limits: Limits | None,
    resume: str | None,
    plan_only: bool,
    state: Path,
    executor: str,
    level: Level,
    progress: OnProgress,
    stop: Event,
    options: Options | None = None,
) -> Report:
    """`migrate` for the command line: an error that stops a run is in the report only."""
    options = (options or Options())._replace(live=request.live)
    opened = open_migration(
        source, target, request, options, state, executor, level, progress, stop
    )
    with opened as migration:
        report, _ = migration.run(request, limits, resume=resume, plan_only=plan_only)
    return report


@contextmanager
def open_migration(
    source: str | Store,
    target: str | Store,
    request: Request,
    options: Options,
    state: str | Path | None,
    executor: str | Executor,
    level: Level,
    progress: OnProgress | None,
    stop: Event | None,
) -> Generator[Migration]:
    """What runs and mends migrations between these stores."""
    _check_writable(target)
    control = Control(progress, stop)
    with ExitStack() as stack:
        workers = stack.enter_context(open_workers(executor))
        if live := options.live:
            _check_live(workers.reach)
        ends = stack.enter_context(
            open_ends(
                source, target, reach=workers.reach, create=True, live=live, views=request.foreign
            )
        )
        ends = stack.enter_context(open_blob_ends(ends, *options.blobs, reach=workers.reach))
        wanted = options.snapshot and not live
        ends = stack.enter_context(at_one_instant(ends, reach=workers.reach, wanted=wanted))
        yield Migration(
            ends=ends,
            state=Path(state) if state is not None else DEFAULT_STATE,
            coordinator=Coordinator(workers, ends, control),
            level=level,
            control=control,
            executor=executor if isinstance(executor, str) else "",
        )


def _check_writable(target: str | Store) -> None:
    if isinstance(target, str) and url_of(target).startswith("files:"):
        raise ConfigurationError(
            f"the target {target!r} is files of others, which are only read: name a store, such as "
            "sqlite:data.db; `interstore export` writes a model to a file"
        )


def _check_live(reach: Reach) -> None:
    if reach != "threads":
        raise ConfigurationError(
            "while an application goes on, threads copy its data: --executor threads:N"
        )


def verify(
    left: str | Store,
    right: str | Store,
    *,
    models: Sequence[str] | None = None,
    map: Mapping[str, str] | None = None,
    level: Level = "digest",
    envelope: bool = True,
    transform: Transform | None = None,
    foreign: Foreign | None = None,
    executor: str | Executor = DEFAULT_EXECUTOR,
    progress: OnProgress | None = None,
    stop: Event | None = None,
    from_blobs: BlobsArgument | None = None,
    to_blobs: BlobsArgument | None = None,
) -> Verification:
    """Compare two stores: whether they hold the same documents, and if not, which differ.

    Args:
        left: a URL, an open store, or the path of files of others.
        right: a URL or an open store.
        models: the models to compare; all that either side has by default.
        map: the right side's names of the left side's models, where they differ.
        level: ``"count"`` compares numbers of documents; ``"digest"`` sums of hashes, and
            the documents themselves where these differ; ``"full"`` every document.
        envelope: whether versions and times are compared as well. What others wrote has none.
        transform: what the left side's documents become before they are compared.
        foreign: what to read of the left side, as for `migrate`.
        executor: as for `migrate`.
        progress: as for `migrate`.
        stop: set it to stop; then `KeyboardInterrupt` is raised.
        from_blobs: as for `migrate`: where both sides have blobs, those to which the left side's
            documents refer are read on the right, and compared by SHA-256.
        to_blobs: likewise.

    Raises:
        ConfigurationError: the arguments do not fit together.
        InterstoreError: a store cannot be read.
    """
    control = Control(progress, stop)
    request = Request.of(models, map, "empty", False, transform, foreign=foreign)
    with ExitStack() as stack:
        workers = stack.enter_context(open_workers(executor))
        ends = stack.enter_context(
            open_ends(left, right, reach=workers.reach, create=False, views=request.foreign)
        )
        ends = stack.enter_context(open_blob_ends(ends, from_blobs, to_blobs, reach=workers.reach))
        verifier = Verifier(
            ends,
            Coordinator(workers, ends, control),
            control,
            level=level,
            envelope=envelope and not is_raw(ends.source.database),
            transform=request.transform,
        )
        try:
            return verifier.verify(pairs_of(ends, request))
        except Stopped:
            raise KeyboardInterrupt from None


def pairs_of(ends: Ends, request: Request) -> list[tuple[str, str]]:
    """The models to compare: those of the left, and those of the right that have no partner.

    What others wrote is a part of what the right side may hold, so no partner is missed then.

    Raises:
        ConfigurationError: a model was named that neither side has.
    """
    if request.models is not None:
        pairs = [(name, request.map.get(name, name)) for name in request.models]
        check_known(ends.source, ends.target, pairs, request)
        return pairs
    pairs = list_models(ends.source, request)
    right = ends.target.database
    if is_raw(ends.source.database) or not right.capabilities.models:
        return pairs
    targets = {target for _, target in pairs}
    others = [name for name in sorted(right.models()) if not is_reserved(name)]
    return pairs + [(name, name) for name in others if name not in targets]
