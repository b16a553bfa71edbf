"""`interstore migrate` and `interstore verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from interstore.cli.handing_over import catch_up, cutover, finish, rollback
from interstore.cli.interrupt import stop_on_interrupt
from interstore.cli.mending import resync_run, retry_quarantine, verify_run
from interstore.cli.moving import open_progress, show_report, show_verification
from interstore.cli.moving_options import (
    STOPPED,
    blobs_of,
    executor_option,
    foreign_of,
    foreign_option,
    from_blobs_option,
    level_option,
    limit_options,
    limits_of,
    map_option,
    models_option,
    pairs_of,
    split,
    state_option,
    to_blobs_option,
)
from interstore.cli.reshaping import transform_of, transform_options
from interstore.cli.runs import pause, report, resume, status
from interstore.migration.plan import Dangling, Into, Level, Request
from interstore.migration.run import Options, migrate_for_command
from interstore.migration.run import verify as verify_stores

__all__ = ["migrate", "verify"]


class _MigrateGroup(click.Group):
    """`migrate SRC DST`, and beside it `migrate status` and others."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or args[0] not in self.commands:
            args = ["run", *args]
        return super().parse_args(ctx, args)


class _RunContext(click.Context):
    """Usage errors say how to ask for help: as the command is called."""

    @property
    def command_path(self) -> str:
        assert self.parent is not None
        return self.parent.command_path


class _RunCommand(click.Command):
    """`migrate run`, which is called without its name."""

    context_class = _RunContext

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        assert ctx.parent is not None
        formatter.write_usage(ctx.parent.command_path, " ".join(self.collect_usage_pieces(ctx)))


@click.group(cls=_MigrateGroup)
def migrate() -> None:
    """Move all data to another store, and prove that it arrived."""


@migrate.command("run", cls=_RunCommand)
@click.argument("source", metavar="SRC")
@click.argument("target", metavar="DST")
@models_option
@map_option
@foreign_option
@click.option(
    "--into",
    type=click.Choice(["empty", "merge", "replace"]),
    default="empty",
    show_default=True,
    help="What DST's models may hold before: nothing; documents that stay, unless SRC has the "
    "same ids; documents that are deleted first.",
)
@click.option(
    "--live",
    is_flag=True,
    help="An application goes on writing meanwhile, by the plugin dual-write; then: cutover RUN.",
)
@click.option("--plan", "plan_only", is_flag=True, help="Say what would be done, and stop there.")
@click.option("--resume", metavar="RUN", help="Go on with a run that was stopped or killed.")
@click.option(
    "--drop-versions",
    is_flag=True,
    help="Let documents start anew at version 1, for a DST that cannot keep versions and times.",
)
@transform_options
@click.option(
    "--set-aside",
    metavar="CODES",
    help="Let documents that these findings are about go to quarantine, instead of being stopped "
    "by them: integer,too-large.",
)
@from_blobs_option
@to_blobs_option
@click.option(
    "--dangling",
    type=click.Choice(["report", "stop"]),
    default="report",
    show_default=True,
    help="What a reference to a blob that is not there does.",
)
@state_option
@level_option
@executor_option
@limit_options
@click.pass_context
def run(
    ctx: click.Context,
    /,
    source: str,
    target: str,
    models: str | None,
    renames: tuple[str, ...],
    foreign: tuple[str, ...],
    into: Into,
    live: bool,
    plan_only: bool,
    resume: str | None,
    drop_versions: bool,
    set_aside: str | None,
    from_blobs: tuple[str, ...],
    to_blobs: tuple[str, ...],
    dangling: Dangling,
    state: Path,
    level: Level,
    executor: str,
    max_rate: float | None,
    max_ru: float | None,
    max_quarantine: int | None,
    **reshaping: Any,
) -> None:
    """Copy all documents of SRC to DST, and prove that all of them arrived.

    SRC and DST are URLs, such as json:./data and sqlite:data.db; SRC may also be a JSON, JSON
    Lines or CSV file, or a folder of them. A password is better not
    written into a command: postgresql://me:${env:PGPASSWORD}@host/app reads it from the
    environment (put the URL in single quotes).

    Ctrl-C stops at the next page, and the run can be resumed; so can a run that was killed.
    `interstore migrate status` lists the runs; beside it there are `status RUN`, `pause RUN`,
    `resume RUN`, `report RUN`, `verify RUN`, `resync RUN` and `retry-quarantine RUN`.

    \b
    Exit codes: 0 done            3 source and target differ
                1 wrong usage     4 stopped, can be resumed
                2 done, but some  5 not begun: something
                  not written       forbids it
    """  # noqa: D301 - click's mark for a paragraph that is not to be wrapped
    request = Request.of(
        split(models),
        pairs_of(renames),
        into,
        drop_versions,
        transform_of(**reshaping),
        dangling,
        live,
        foreign=foreign_of(foreign),
        set_aside=split(set_aside) or (),
    )
    with stop_on_interrupt(STOPPED) as stop, open_progress() as progress:
        done = migrate_for_command(
            source,
            target,
            request=request,
            limits=limits_of(
                state, resume, max_rate=max_rate, max_ru=max_ru, max_quarantine=max_quarantine
            ),
            resume=resume,
            plan_only=plan_only,
            state=state,
            executor=executor,
            level=level,
            progress=progress,
            stop=stop,
            options=Options((blobs_of(from_blobs), blobs_of(to_blobs))),
        )
    show_report(done)
    ctx.exit(done.exit_code)


for command in (
    status, pause, resume, report, retry_quarantine, resync_run, verify_run,
    catch_up, cutover, rollback, finish,
):  # fmt: skip
    migrate.add_command(command)


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
    help="Compare ids and fields only, not versions and times.",
)
@from_blobs_option
@to_blobs_option
@executor_option
@click.pass_context
def verify(
    ctx: click.Context,
    /,
    left: str,
    right: str,
    models: str | None,
    renames: tuple[str, ...],
    foreign: tuple[str, ...],
    level: Level,
    ignore_versions: bool,
    from_blobs: tuple[str, ...],
    to_blobs: tuple[str, ...],
    executor: str,
    **reshaping: Any,
) -> None:
    """Compare the stores A and B: exit code 0 if they hold the same, 3 if they differ.

    Both are URLs; A may also be a file or folder of others. What --codec and the other options
    make of A's documents is what B should have. Level "count" compares numbers of documents,
    "digest" sums of hashes (and the documents where these differ), "full" every document. With
    --from-blobs and --to-blobs, the blobs to which A's documents refer are read in both, and
    compared by SHA-256.
    """
    with stop_on_interrupt(STOPPED) as stop, open_progress() as progress:
        verification = verify_stores(
            left,
            right,
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
    show_verification(verification)
    ctx.exit(verification.exit_code)
