"""`retry_quarantine` and `resync_run`: runs by name, gone on with in another way."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from interstore.errors import InterstoreError
from interstore.migration.blobs.ends import BlobsArgument
from interstore.migration.mending import Resync, Retry
from interstore.migration.plan import Level
from interstore.migration.planning import OpenSession
from interstore.migration.progress import OnProgress
from interstore.migration.report import Report
from interstore.migration.run import DEFAULT_EXECUTOR, Options, open_migration
from interstore.migration.runs import load_run, request_of, url_to_resume
from interstore.migration.state import DEFAULT_STATE

if TYPE_CHECKING:
    from interstore._sync.store import Store

__all__ = ["mend_for_command", "resync_run", "retry_quarantine"]


def retry_quarantine(
    run: str,
    *,
    source: str | Store | None = None,
    target: str | Store | None = None,
    state: str | Path | None = None,
    level: Level | None = None,
    progress: OnProgress | None = None,
    stop: Event | None = None,
    from_blobs: BlobsArgument | None = None,
    to_blobs: BlobsArgument | None = None,
) -> Report:
    """Write the documents that a run has in quarantine, once the cause is mended; verify again.

    Each is read from the source again, and transformed; what does not exist there any more is
    left. The function of a transform may have been mended meanwhile. Blobs that were not copied,
    because they were missing or damaged in the source or others stood in their places, are tried
    again.

    Args:
        run: its name.
        source: the run's source, if its plan cannot name it: it was an open store, or a secret
            was written out in its URL.
        target: likewise.
        state: the folder of runs; ``.interstore/migrations`` in the working directory by default.
        level: how thoroughly to verify; as planned by default.
        progress: as for `migrate`.
        stop: as for `migrate`.
        from_blobs: the blobs of the source, if they are part of the run and its stores do not
            bring them: plans do not hold how they are opened.
        to_blobs: likewise of the target.

    Returns:
        The run's new report. What is refused again stays in quarantine.

    Raises:
        ConfigurationError: there is no such run, it has not come to its end, or the stores are not
            its own.
        InterstoreError: a store failed on the way; what was done is in the journal.
    """
    return _raising(
        mend_for_command(
            run,
            Retry,
            source,
            target,
            state=state,
            level=level,
            options=Options((from_blobs, to_blobs)),
            progress=progress,
            stop=stop,
        )
    )


def resync_run(
    run: str,
    *,
    delete_extra: bool = False,
    source: str | Store | None = None,
    target: str | Store | None = None,
    state: str | Path | None = None,
    level: Level | None = None,
    progress: OnProgress | None = None,
    stop: Event | None = None,
    from_blobs: BlobsArgument | None = None,
    to_blobs: BlobsArgument | None = None,
) -> Report:
    """Write the documents and blobs in which a run's target differs from its source; verify again.

    Args:
        run: its name.
        delete_extra: delete documents that only the target has.
        source: as for `retry_quarantine`.
        target: likewise.
        state: likewise.
        level: likewise; ``"count"`` finds no documents, so it is ``"digest"`` then.
        progress: as for `migrate`.
        stop: as for `migrate`.
        from_blobs: as for `retry_quarantine`.
        to_blobs: likewise.

    Raises:
        ConfigurationError, InterstoreError: as for `retry_quarantine`.
    """
    session = partial(Resync, delete_extra=delete_extra)
    return _raising(
        mend_for_command(
            run,
            session,
            source,
            target,
            state=state,
            level=level,
            options=Options((from_blobs, to_blobs)),
            progress=progress,
            stop=stop,
        )
    )


def _raising(ended: tuple[Report, InterstoreError | None]) -> Report:
    report, error = ended
    if error is not None:
        raise error
    return report


def mend_for_command(
    run: str,
    session: OpenSession,
    source: str | Store | None = None,
    target: str | Store | None = None,
    *,
    state: str | Path | None = None,
    level: Level | None = None,
    options: Options | None = None,
    progress: OnProgress | None = None,
    stop: Event | None = None,
) -> tuple[Report, InterstoreError | None]:
    """Go on with a run by such a session; an error that stops it is returned, too."""
    folder = Path(state) if state is not None else DEFAULT_STATE
    plan = load_run(folder, run).plan
    request = request_of(plan)
    opened = open_migration(
        url_to_resume(plan.source, source, "source"),
        url_to_resume(plan.target, target, "target"),
        request,
        options or Options(),
        folder,
        DEFAULT_EXECUTOR,
        finding(level or plan.level),
        progress,
        stop,
    )
    with opened as migration:
        return migration.mend(run, request, session)


def finding(level: Level) -> Level:
    """A level that finds documents."""
    return "digest" if level == "count" else level
