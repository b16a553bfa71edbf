"""`interstore backup`, `interstore restore` and `interstore archive`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from interstore.cli.interrupt import stop_on_interrupt
from interstore.cli.moving import open_progress, show_report
from interstore.cli.moving_options import (
    STOPPED,
    blobs_of,
    blobs_option,
    executor_option,
    level_option,
    limit_options,
    limits_of,
    map_option,
    models_option,
    pairs_of,
    split,
    state_option,
)
from interstore.cli.output import is_terminal, note, print_rows, safe
from interstore.cli.store import where_option
from interstore.errors import CorruptionError
from interstore.migration.archives import (
    Archive,
    look_into,
    newest_archive,
    open_archive,
    prune_archives,
)
from interstore.migration.chunks import Compression, Contents
from interstore.migration.plan import Into, Level, Limits, Plan, Request
from interstore.migration.run import Options, migrate_for_command
from interstore.migration.state import load_plan
from interstore.migration.transform import Transform

__all__ = ["archive", "backup", "restore"]


@click.command()
@click.argument("source", metavar="SRC")
@click.argument("place", metavar="PLACE")
@models_option
@where_option
@blobs_option
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    metavar="N",
    help="PLACE is a folder of archives: add one named by the time, and when it is found good, "
    "remove all but the newest N.",
)
@click.option(
    "--base",
    metavar="ARCHIVE",
    help="Have only what changed since ARCHIVE, which is in the same folder as the new one; 'last' "
    "with --keep is the newest there. Changes must be recorded: see the documentation of backups.",
)
@click.option(
    "--no-snapshot",
    "snapshot",
    flag_value=False,
    default=True,
    help="Read each document when its turn comes, not all of them as of one instant: for a MongoDB "
    "that does not keep the past as long as the backup takes.",
)
@click.option(
    "--compression",
    type=click.Choice(["gzip", "zstd"]),
    help="How documents are compressed: gzip; or zstd, which is faster and smaller, and before "
    "Python 3.14 needs interstore[zstd] to write and to read.  [default: gzip]",
)
@click.option("--resume", metavar="RUN", help="Go on with a backup that was stopped or killed.")
@state_option
@executor_option
@limit_options
@click.pass_context
def backup(
    ctx: click.Context,
    /,
    source: str,
    place: str,
    models: str | None,
    where: dict[str, Any] | None,
    blobs: tuple[str, ...],
    keep: int | None,
    base: str | None,
    snapshot: bool,
    compression: Compression | None,
    resume: str | None,
    state: Path,
    executor: str,
    **limits: Any,
) -> None:
    """Write all documents of SRC into a new archive at PLACE, and check it.

    SRC is a URL. PLACE is a folder, or what fsspec calls one: s3://bucket/backups/monday. The
    archive is called good (exit code 0) only after all of it was read again.
    """
    if resume is not None:
        plan = load_plan(state, resume)
        base, compression = plan.request.base, compression or plan.request.compression
        if keep is not None:
            place = _place_of(plan, place)
    elif base == "last":
        if keep is None:
            raise click.UsageError("--base last goes with --keep: name the archive")
        base = newest_archive(place)
    if keep is not None and resume is None:
        place = f"{place.rstrip('/')}/{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    code = _move(
        source,
        f"archive:{place}",
        Request.of(
            split(models),
            None,
            "empty",
            False,
            Transform(where=where),
            base=base,
            compression=compression or "gzip",
        ),
        limits=limits_of(state, resume, **limits),
        state=state,
        executor=executor,
        resume=resume,
        options=Options((blobs_of(blobs), None), snapshot),
    )
    if keep is not None and code == 0:
        _prune(place.rpartition("/")[0], keep)
    ctx.exit(code)


def _prune(folder: str, keep: int) -> None:
    try:
        for removed in prune_archives(folder, keep):
            note(safe(f"removed {removed}"))
    except CorruptionError as error:  # of an older archive: the new one is good
        note(safe(f"interstore: {error}"))


@click.command()
@click.argument("place", metavar="ARCHIVE")
@click.argument("target", metavar="DST")
@click.option("--only", "models", metavar="A,B", help="Only these models; all by default.")
@map_option
@where_option
@blobs_option
@click.option(
    "--into",
    type=click.Choice(["empty", "merge", "replace"]),
    default="empty",
    show_default=True,
    help="What DST's models may hold before: nothing; documents that stay, unless ARCHIVE has the "
    "same ids; documents that are deleted first.",
)
@click.option("--resume", metavar="RUN", help="Go on with a restore that was stopped or killed.")
@state_option
@level_option
@executor_option
@limit_options
@click.pass_context
def restore(
    ctx: click.Context,
    /,
    place: str,
    target: str,
    models: str | None,
    renames: tuple[str, ...],
    where: dict[str, Any] | None,
    blobs: tuple[str, ...],
    into: Into,
    resume: str | None,
    state: Path,
    level: Level,
    executor: str,
    **limits: Any,
) -> None:
    """Write what ARCHIVE holds into the store DST, of any engine, and verify it.

    The whole archive is checked before anything is written. `--map users:users2` restores
    beside what is there.
    """
    code = _move(
        f"archive:{place}",
        target,
        Request.of(split(models), pairs_of(renames), into, False, Transform(where=where)),
        limits=limits_of(state, resume, **limits),
        state=state,
        executor=executor,
        resume=resume,
        level=level,
        options=Options((None, blobs_of(blobs))),
    )
    ctx.exit(code)


def _place_of(plan: Plan, folder: str) -> str:
    """Where the archive of a backup is that goes on: in the folder, if that is not the archive."""
    name = plan.target.identity.rpartition("/")[2]
    return folder if folder.rstrip("/").endswith(name) else f"{folder.rstrip('/')}/{name}"


def _move(
    source: str,
    target: str,
    request: Request,
    *,
    limits: Limits | None,
    state: Path,
    executor: str,
    resume: str | None,
    options: Options,
    level: Level = "digest",
) -> int:
    with stop_on_interrupt(STOPPED) as stop, open_progress() as progress:
        report = migrate_for_command(
            source,
            target,
            request=request,
            limits=limits,
            resume=resume,
            plan_only=False,
            state=state,
            executor=executor,
            level=level,
            progress=progress,
            stop=stop,
            options=options,
        )
    show_report(report)
    return report.exit_code


@click.group()
def archive() -> None:
    """Look at archives that backups wrote. No database is needed."""


@archive.command("list")
@click.argument("place", metavar="FOLDER")
@click.pass_context
def list_archives(ctx: click.Context, place: str) -> None:
    """List the archives in FOLDER, the oldest first: exit code 3 if a manifest is damaged."""
    found, damaged = look_into(place)
    print_rows([_row(archive) for archive in found])
    for sentence in damaged:
        note(safe(f"interstore: {sentence}"))
    if not found and not damaged and not is_terminal():
        note(safe(f"interstore: there is no archive in {place!r}"))
    ctx.exit(3 if damaged else 0)


@archive.command()
@click.argument("place", metavar="ARCHIVE")
@click.pass_context
def check(ctx: click.Context, place: str) -> None:
    """Read all of ARCHIVE: exit code 0 if it is whole, 3 if anything is missing or altered."""
    try:
        with open_archive(place) as (found, contents):
            damage = found.damage()
    except CorruptionError as error:  # of the manifest, so that nothing else can be told
        note(safe(f"interstore: {error}"))
        ctx.exit(3)
    print_rows([_model_row(model, contents) for model in contents.models])
    for sentence in damage:
        click.echo(safe(sentence), err=True)
    if is_terminal():
        click.echo("damaged" if damage else "all is well")
    ctx.exit(3 if damage else 0)


def _model_row(model: str, contents: Contents) -> dict[str, Any]:
    held = contents.models[model]
    row = {
        "model": model,
        "documents": held.sums.count,
        "files": len(held.chunks),
        "compression": contents.compression,
    }
    if held.changed is None:
        return row
    return {**row, "changed": sum(ids.count for ids in held.changed)}


def _row(found: Archive) -> dict[str, Any]:
    return {
        "archive": found.place,
        "ended": found.contents.ended,
        "source": found.contents.source,
        "documents": sum(held.sums.count for held in found.contents.models.values()),
        "checked": found.contents.checked,
        "base": None if found.contents.base is None else found.contents.base.name,
        "compression": found.contents.compression,
    }
