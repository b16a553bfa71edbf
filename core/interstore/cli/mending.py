"""`interstore migrate retry-quarantine`, `resync` and `verify`, and `interstore resync`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from interstore.cli.interrupt import stop_on_interrupt
from interstore.cli.moving import (
    open_progress,
    print_line,
    show_blobs,
    show_report,
    show_verification,
)
from interstore.cli.moving_options import (
    STOPPED,
    blobs_of,
    executor_option,
    foreign_of,
    foreign_option,
    from_blobs_option,
    map_option,
    models_option,
    pairs_of,
    run_options,
    split,
    to_blobs_option,
)
from interstore.cli.output import is_terminal, safe
from interstore.cli.reshaping import transform_of, transform_options
from interstore.migration.mend_runs import mend_for_command
from interstore.migration.mending import Resync, Retry, Verify
from interstore.migration.plan import Level
from interstore.migration.planning import OpenSession
from interstore.migration.resyncing import resync as resync_stores
from interstore.migration.run import Options

__all__ = ["resync", "resync_run", "retry_quarantine", "verify_run"]

F = TypeVar("F", bound=Callable[..., Any])

extra_option = click.option(
    "--delete-extra", is_flag=True, help="Delete documents that only the target has."
)
planned_level_option = click.option(
    "--level",
    type=click.Choice(["digest", "full"]),
    help="How thoroughly to verify.  [default: as planned]",
)
level_option = click.option(
    "--level",
    type=click.Choice(["digest", "full"]),
    default="digest",
    show_default=True,
    help="How thoroughly to compare.",
)


def _mending_options(command: F) -> F:
    return run_options(from_blobs_option(to_blobs_option(planned_level_option(command))))


@click.command("retry-quarantine")
@_mending_options
@click.pass_context
def retry_quarantine(ctx: click.Context, /, **options: Any) -> None:
    """Write what RUN has in quarantine, once the cause is mended, and verify again.

    The documents are read from the source again; the function of --transform may have been
    mended, too. Exit codes are those of `interstore migrate`.
    """
    ctx.exit(_mend(Retry, **options))


@click.command("resync")
@_mending_options
@extra_option
@click.pass_context
def resync_run(ctx: click.Context, /, delete_extra: bool, **options: Any) -> None:
    """Write the documents in which RUN's target differs from its source, and verify again.

    Exit codes are those of `interstore migrate`.
    """
    ctx.exit(_mend(partial(Resync, delete_extra=delete_extra), **options))


@click.command("verify")
@_mending_options
@click.pass_context
def verify_run(ctx: click.Context, /, **options: Any) -> None:
    """Compare RUN's target with its source once more. What is in quarantine may be missing.

    Exit codes are those of `interstore migrate`.
    """
    ctx.exit(_mend(Verify, **options))


def _mend(
    session: OpenSession,
    run: str,
    source: str | None,
    target: str | None,
    from_blobs: tuple[str, ...],
    to_blobs: tuple[str, ...],
    level: Level | None,
    state: Path,
) -> int:
    with stop_on_interrupt(STOPPED) as stop, open_progress() as progress:
        report, _ = mend_for_command(
            run,
            session,
            source,
            target,
            state=state,
            level=level,
            options=Options((blobs_of(from_blobs), blobs_of(to_blobs))),
            progress=progress,
            stop=stop,
        )
    show_report(report)
    return report.exit_code


@click.command()
@click.argument("left", metavar="A")
@click.argument("right", metavar="B")
@models_option
@map_option
@foreign_option
@transform_options
@level_option
@click.option(
    "--ignore-versions",
    is_flag=True,
    help="Compare ids and fields only; what is written starts anew at version 1.",
)
@extra_option
@from_blobs_option
@to_blobs_option
@executor_option
@click.pass_context
def resync(
    ctx: click.Context,
    /,
    left: str,
    right: str,
    models: str | None,
    renames: tuple[str, ...],
    foreign: tuple[str, ...],
    level: Level,
    ignore_versions: bool,
    delete_extra: bool,
    from_blobs: tuple[str, ...],
    to_blobs: tuple[str, ...],
    executor: str,
    **reshaping: Any,
) -> None:
    """Make the store B hold what A does, by writing only what differs.

    Both are compared as by `interstore verify`; the documents that are missing in B, or
    different, are written, and both are compared again: exit code 0 if they hold the same then,
    3 if they differ. With --from-blobs and --to-blobs, so are the blobs to which A's documents
    refer.
    """
    with stop_on_interrupt(STOPPED) as stop, open_progress() as progress:
        done = resync_stores(
            left,
            right,
            delete_extra=delete_extra,
            models=split(models),
            map=pairs_of(renames),
            level=level,
            envelope=not ignore_versions,
            transform=transform_of(**reshaping),
            foreign=foreign_of(foreign),
            executor=executor,
            progress=progress,
            stop=stop,
            from_blobs=blobs_of(from_blobs),
            to_blobs=blobs_of(to_blobs),
        )
    if is_terminal():
        for model in done.models:
            click.echo(safe(model.sentence))
        show_blobs(done.blobs)
        show_verification(done.verification)
    else:
        print_line(msgspec.json.decode(done.to_json()))
    ctx.exit(done.exit_code)
