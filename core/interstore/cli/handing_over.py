"""`interstore migrate catch-up`, `cutover`, `rollback` and `finish`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec

from interstore.cli.interrupt import stop_on_interrupt
from interstore.cli.moving import open_progress, show_blobs, show_verification
from interstore.cli.moving_options import (
    STOPPED,
    blobs_of,
    from_blobs_option,
    run_options,
    to_blobs_option,
)
from interstore.cli.output import encode, is_terminal, safe
from interstore.migration.live import steps
from interstore.migration.live.report import StepReport

__all__ = ["catch_up", "cutover", "finish", "rollback"]


@click.command("catch-up")
@run_options
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Look at all documents, and make the other store equal to the one in use.",
)
@from_blobs_option
@to_blobs_option
@click.pass_context
def catch_up(
    ctx: click.Context,
    /,
    everything: bool,
    from_blobs: tuple[str, ...],
    to_blobs: tuple[str, ...],
    **arguments: Any,
) -> None:
    """Bring over what a killed process left, or what was written while a store was away.

    With --from-blobs and --to-blobs, so are the blobs that were attached since.
    """
    arguments |= {"from_blobs": blobs_of(from_blobs), "to_blobs": blobs_of(to_blobs)}
    _run(ctx, steps.catch_up, everything=everything, **arguments)


@click.command()
@run_options
@click.pass_context
def cutover(ctx: click.Context, /, **arguments: Any) -> None:
    """Have the application read from DST. SRC is kept up to date until `finish`.

    Refused while the stores differ, or while anything has not reached DST.
    """
    _run(ctx, steps.cutover, **arguments)


@click.command()
@run_options
@click.pass_context
def rollback(ctx: click.Context, /, **arguments: Any) -> None:
    """Have the application read from SRC again, which has all that was written since."""
    _run(ctx, steps.rollback, **arguments)


@click.command()
@run_options
@click.option("--abandon", is_flag=True, help="Give the move up: SRC remains, not DST.")
@from_blobs_option
@to_blobs_option
@click.pass_context
def finish(
    ctx: click.Context,
    /,
    abandon: bool,
    from_blobs: tuple[str, ...],
    to_blobs: tuple[str, ...],
    **arguments: Any,
) -> None:
    """End the move: DST remains, and nothing is written to SRC any more.

    If blobs are part of the run, --from-blobs and --to-blobs name them once more.
    """
    arguments |= {"from_blobs": blobs_of(from_blobs), "to_blobs": blobs_of(to_blobs)}
    _run(ctx, steps.finish, abandon=abandon, **arguments)


def _run(
    ctx: click.Context,
    step: Callable[..., StepReport],
    *,
    run: str,
    state: Path,
    **arguments: Any,
) -> None:
    with stop_on_interrupt(STOPPED) as stop, open_progress() as progress:
        report = step(run, state=state, progress=progress, stop=stop, **arguments)
    _show(report)
    ctx.exit(report.exit_code)


def _show(report: StepReport) -> None:
    if not is_terminal():
        click.echo(encode(msgspec.json.decode(report.to_json())), nl=True)
        return
    click.echo(f"{report.step} {report.run}: {report.status}")
    if report.verification is not None:
        show_verification(report.verification)
    show_blobs(report.blobs)
    for line in (*(blocker.message for blocker in report.blockers), *report.notes):
        click.echo(safe(line))
    if report.error:
        click.echo(safe(report.error), err=True)
    if report.held:
        click.echo(f"writes waited for {report.held:.2f} s")
    if report.primary:
        click.echo(safe(f"the application reads from {report.primary}"))
    if report.setting:
        click.echo(safe(f"to use it, set {report.setting}, and name dual-write no longer"))
