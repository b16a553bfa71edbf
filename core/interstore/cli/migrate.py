"""`interstore migrate`, `interstore migrate status` and `interstore verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from interstore.cli.interrupt import stop_on_interrupt
from interstore.cli.moving import (
    open_progress,
    show_report,
    show_runs,
    show_status,
    show_verification,
)
from interstore.cli.reshaping import transform_of, transform_options
from interstore.migration.plan import Into, Level, Limits, Request
from interstore.migration.run import DEFAULT_EXECUTOR, migrate_for_command
from interstore.migration.run import verify as verify_stores
from interstore.migration.state import DEFAULT_STATE

__all__ = ["migrate", "verify"]

STOPPED: Final = 4

_models = click.option("--models", metavar="A,B", help="Only these models; all by default.")
_map = click.option(
    "--map", "renames", metavar="A:B", multiple=True, help="Call model A of SRC B in DST."
)
_level = click.option(
    "--level",
    type=click.Choice(["count", "digest", "full"]),
    default="digest",
    show_default=True,
    help="How thoroughly to verify.",
)
_executor = click.option(
    "--executor",
    metavar="threads:N",
    default=DEFAULT_EXECUTOR,
    show_default=True,
    help="What runs the work: threads:N, processes:N, or dask://HOST:PORT. More threads help only "
    "with engines behind a network.",
)
_state = click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_STATE,
    show_default=True,
    metavar="DIR",
    help="The folder of plans, journals and reports.",
)


class _MigrateGroup(click.Group):
    """`migrate SRC DST`, and beside it `migrate status`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or args[0] not in self.commands:
            args = ["run", *args]
        return super().parse_args(ctx, args)


class _RunCommand(click.Command):
    """`migrate run`, which is called without its name."""

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        assert ctx.parent is not None
        formatter.write_usage(ctx.parent.command_path, " ".join(self.collect_usage_pieces(ctx)))


@click.group(cls=_MigrateGroup)
def migrate() -> None:
    """Move all data to another store, and prove that it arrived."""


@migrate.command("run", cls=_RunCommand)
@click.argument("source", metavar="SRC")
@click.argument("target", metavar="DST")
@_models
@_map
@click.option(
    "--into",
    type=click.Choice(["empty", "merge", "replace"]),
    default="empty",
    show_default=True,
    help="What DST's models may hold before: nothing; documents that stay, unless SRC has the "
    "same ids; documents that are deleted first.",
)
@click.option("--plan", "plan_only", is_flag=True, help="Say what would be done, and stop there.")
@click.option("--resume", metavar="RUN", help="Go on with a run that was stopped or killed.")
@click.option(
    "--drop-versions",
    is_flag=True,
    help="Let documents start anew at version 1, for a DST that cannot keep versions and times.",
)
@transform_options
@_state
@_level
@_executor
@click.pass_context
def run(
    ctx: click.Context,
    /,
    source: str,
    target: str,
    models: str | None,
    renames: tuple[str, ...],
    into: Into,
    plan_only: bool,
    resume: str | None,
    drop_versions: bool,
    state: Path,
    level: Level,
    executor: str,
    **reshaping: Any,
) -> None:
    """Copy all documents of SRC to DST, and prove that all of them arrived.

    SRC and DST are URLs, such as json:./data and sqlite:data.db. A password is better not
    written into a command: postgresql://me:${env:PGPASSWORD}@host/app reads it from the
    environment (put the URL in single quotes).

    Ctrl-C stops at the next page, and the run can be resumed; so can a run that was killed.
    See `interstore migrate status` for runs and `interstore migrate status RUN` for one.

    \b
    Exit codes: 0 done            3 source and target differ
                1 wrong usage     4 stopped, can be resumed
                2 done, but some  5 not begun: something
                  not written       forbids it
    """  # noqa: D301 - click's mark for a paragraph that is not to be wrapped
    request = Request.of(
        _split(models), _pairs(renames), into, drop_versions, transform_of(**reshaping)
    )
    with stop_on_interrupt(STOPPED) as stop, open_progress() as progress:
        report = migrate_for_command(
            source,
            target,
            request=request,
            limits=Limits(),
            resume=resume,
            plan_only=plan_only,
            state=state,
            executor=executor,
            level=level,
            progress=progress,
            stop=stop,
        )
    show_report(report)
    ctx.exit(report.exit_code)


@migrate.command()
@click.argument("run", metavar="[RUN]", required=False)
@_state
@click.pass_context
def status(ctx: click.Context, run: str | None, state: Path) -> None:
    """Show how far RUN is, or list all runs.

    The exit code is that of the run: 4 if it was killed and can be resumed, 0 while it runs.
    """
    if run is None:
        show_runs(state)
    else:
        ctx.exit(show_status(state, run))


@click.command()
@click.argument("left", metavar="A")
@click.argument("right", metavar="B")
@_models
@_map
@_level
@click.option(
    "--ignore-versions",
    is_flag=True,
    help="Compare ids and fields only, not versions and times.",
)
@_executor
@click.pass_context
def verify(
    ctx: click.Context,
    left: str,
    right: str,
    models: str | None,
    renames: tuple[str, ...],
    level: Level,
    ignore_versions: bool,
    executor: str,
) -> None:
    """Compare the stores A and B: exit code 0 if they hold the same, 3 if they differ.

    Both are URLs. Level "count" compares numbers of documents, "digest" sums of hashes (and
    the documents where these differ), "full" every document.
    """
    with stop_on_interrupt(STOPPED) as stop, open_progress() as progress:
        verification = verify_stores(
            left,
            right,
            models=_split(models),
            map=_pairs(renames),
            level=level,
            envelope=not ignore_versions,
            executor=executor,
            progress=progress,
            stop=stop,
        )
    show_verification(verification)
    ctx.exit(verification.exit_code)


def _split(models: str | None) -> list[str] | None:
    return None if models is None else [name for name in models.split(",") if name]


def _pairs(renames: tuple[str, ...]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for rename in ",".join(renames).split(",") if renames else ():
        old, colon, new = rename.partition(":")
        if not (old and colon and new) or old in pairs:
            raise click.UsageError(f"--map {rename!r}: write OLD:NEW, each model once")
        pairs[old] = new
    return pairs
