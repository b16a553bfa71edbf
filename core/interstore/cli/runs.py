"""`interstore migrate status`, `pause`, `resume` and `report`: runs by their names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from interstore.cli.interrupt import stop_on_interrupt
from interstore.cli.moving import open_progress, print_line, show_report
from interstore.cli.moving_options import (
    STOPPED,
    blobs_of,
    from_blobs_option,
    limit_options,
    limits_of,
    run_options,
    state_option,
    to_blobs_option,
)
from interstore.cli.output import is_terminal, print_rows, safe
from interstore.migration.plan import Level
from interstore.migration.run import DEFAULT_EXECUTOR, Options, migrate_for_command
from interstore.migration.runs import (
    Run,
    ask_to_stop,
    load_report,
    load_run,
    request_of,
    url_to_resume,
)

__all__ = ["pause", "report", "resume", "status"]


@click.command()
@click.argument("run", metavar="[RUN]", required=False)
@state_option
@click.pass_context
def status(ctx: click.Context, run: str | None, state: Path) -> None:
    """Show how far RUN is, or list all runs.

    Of a run with --live, the phase says how far the move is, as its last step saw it: copying,
    catching up, equal (the next step is cutover), cut over, rolled back, finished, or abandoned.

    The exit code is that of the run: 4 if it was killed and can be resumed, 0 while it runs.
    """
    if run is not None:
        ctx.exit(_show_status(load_run(state, run)))
    found = [load_run(state, path.parent.name) for path in sorted(state.glob("*/plan.json"))]
    print_rows([_row(each) for each in found], whole=("run",))


def _row(run: Run) -> dict[str, Any]:
    row = {
        "run": run.plan.run,
        "created": run.plan.created,
        "source": run.plan.source.shown,
        "target": run.plan.target.shown,
        "status": run.status,
    }
    return row if run.phase is None else {**row, "phase": run.phase}


def _show_status(run: Run) -> int:
    """Show how far a run is; return its exit code."""
    rows = [
        {
            "model": model.source,
            "planned": model.count,
            "read": run.state.models[model.source].totals.read,
            "written": run.state.models[model.source].totals.written,
            "quarantined": run.state.models[model.source].totals.quarantined,
            "partitions": len(model.partitions),
            "done": sum(part.done for part in run.state.models[model.source].partitions),
        }
        for model in run.plan.models
    ]
    if is_terminal():
        places = f"{run.plan.source.shown} to {run.plan.target.shown}"
        status = run.status if run.phase is None else f"{run.status}, {run.phase}"
        click.echo(safe(f"{places}: {status}"))
        print_rows(rows)
    else:
        line: dict[str, Any] = {"run": run.plan.run, "status": run.status}
        if run.phase is not None:
            line["phase"] = run.phase
        print_line({**line, "sessions": run.state.sessions, "models": rows})
    if run.state.exit_code is not None:
        return run.state.exit_code
    return 0 if run.running else STOPPED


@click.command()
@click.argument("run", metavar="RUN")
@state_option
@click.pass_context
def pause(ctx: click.Context, run: str, state: Path) -> None:
    """Ask RUN, which runs elsewhere, to stop; wait until it has.

    It stops at the next page, or where processes or Dask do the work, when each has done its
    slice: a minute at most, as a rule. The exit code is that of the run: 4, unless it had come
    to its end.
    """
    ctx.exit(_show_status(ask_to_stop(state, run)))


@click.command()
@run_options
@from_blobs_option
@to_blobs_option
@click.option(
    "--level",
    type=click.Choice(["count", "digest", "full"]),
    help="How thoroughly to verify.  [default: as planned]",
)
@click.option(
    "--executor",
    metavar="threads:N",
    help="What runs the work, see interstore migrate --help.  [default: as planned]",
)
@limit_options
@click.pass_context
def resume(
    ctx: click.Context,
    /,
    run: str,
    source: str | None,
    target: str | None,
    from_blobs: tuple[str, ...],
    to_blobs: tuple[str, ...],
    level: Level | None,
    executor: str | None,
    state: Path,
    **limits: Any,
) -> None:
    """Go on with RUN, which was stopped or killed.

    The plan knows all that is needed, but for secrets that were written out in URLs, which it
    never holds, and for stores of blobs: they are named again. Exit codes are those of
    `interstore migrate`.
    """
    plan = load_run(state, run).plan
    with stop_on_interrupt(STOPPED) as stop, open_progress() as progress:
        done = migrate_for_command(
            url_to_resume(plan.source, source, "source"),
            url_to_resume(plan.target, target, "target"),
            request=request_of(plan),
            limits=limits_of(state, run, **limits),
            resume=run,
            plan_only=False,
            state=state,
            executor=executor or plan.executor or DEFAULT_EXECUTOR,
            level=level or plan.level,
            progress=progress,
            stop=stop,
            options=Options((blobs_of(from_blobs), blobs_of(to_blobs))),
        )
    show_report(done)
    ctx.exit(done.exit_code)


@click.command()
@click.argument("run", metavar="RUN")
@click.option("--markdown", is_flag=True, help="The report as it lies in report.md.")
@state_option
@click.pass_context
def report(ctx: click.Context, run: str, markdown: bool, state: Path) -> None:
    """Show the report of RUN. The exit code is that of the run."""
    found = load_report(state, run)
    if markdown:
        click.echo(safe(found.to_markdown()), nl=False)
    else:
        show_report(found)
    ctx.exit(found.exit_code)
