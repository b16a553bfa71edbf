"""Shows migrations and verifications: on a terminal for people, elsewhere as lines of JSON."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from interstore.cli.output import encode, is_terminal, note, print_rows, safe
from interstore.migration.progress import OnProgress, Progress

if TYPE_CHECKING:
    from rich.progress import TaskID

    from interstore.migration.blobs.counts import BlobReport
    from interstore.migration.report import ModelVerification, Report, Verification

__all__ = ["open_progress", "print_line", "show_blobs", "show_report", "show_verification"]

LINE_EVERY: Final = 10.0
"""Seconds between two lines of progress where there is no terminal."""

_PHASES: Final = {"check": "checking", "copy": "copying", "verify": "verifying"}


@contextmanager
def open_progress() -> Generator[OnProgress]:
    """What to call with the progress: a bar on a terminal, else a line of JSON now and then."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    tasks: dict[str, TaskID] = {}
    columns = (
        TextColumn("{task.description:10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:>9,.0f}/s"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True)) as bar:

        def show(progress: Progress) -> None:
            name = _PHASES[progress.phase]
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=None, rate=0.0)
            bar.update(
                tasks[name],
                total=max(progress.total, progress.done),
                completed=progress.done,
                rate=progress.rate,
            )

        yield show


def _lines() -> OnProgress:
    last = time.monotonic()

    def show(progress: Progress) -> None:
        nonlocal last
        if time.monotonic() - last < LINE_EVERY:
            return
        last = time.monotonic()
        remaining = progress.remaining
        line = {
            "phase": progress.phase,
            "done": progress.done,
            "total": progress.total,
            "rate": round(progress.rate),
            "eta_seconds": None if remaining is None else round(remaining),
        }
        note(encode(line).decode())

    return show


def show_report(report: Report) -> None:
    """Show what a run did."""
    if not is_terminal():
        print_line(msgspec.json.decode(report.to_json()))
        return
    click.echo(safe(f"{report.source.shown} to {report.target.shown}: {report.status}"))
    if report.models:
        _print_totals(report)
    if report.verification is not None:
        _show_differences(report.verification)
    show_blobs(report.blobs)
    found = [item.sentence for item in (*report.warnings, *report.blockers)]
    for line in (*report.notes, *found):
        click.echo(safe(line))
    for model in report.models:
        for item in model.refused[:5]:
            click.echo(safe(f"not written: {model.source} {item.id}: {item.message}"))
    if report.error:
        click.echo(safe(report.error), err=True)
    _print_what_next(report)


def _print_totals(report: Report) -> None:
    names = ("read", "written", "unchanged", "filtered", "quarantined")
    rows = [
        {"model": model.target, **{name: getattr(model.totals, name) for name in names}}
        for model in report.models
    ]
    print_rows(rows)
    units = report.totals.request_units
    charged = f", {units:,.0f} request units" if units else ""
    click.echo(
        f"copied in {report.copy_seconds:.1f} s ({report.rate:,.0f} documents a second){charged}"
    )


def _print_what_next(report: Report) -> None:
    if report.folder:
        click.echo(safe(f"report: {report.folder}/report.md"))
    if report.status == "stopped" and report.run:
        click.echo(safe(f"go on: interstore migrate resume {report.run}"))
    if report.status == "mismatch" and report.run:
        click.echo(safe(f"to write what differs: interstore migrate resync {report.run}"))
    if report.status == "quarantine" and any(model.refused for model in report.models):
        click.echo(
            safe(f"once the cause is mended: interstore migrate retry-quarantine {report.run}")
        )
    if report.status == "done" and report.setting:
        click.echo(safe(f"to use it, set {report.setting}"))


def show_blobs(blobs: BlobReport | None) -> None:
    """Show what became of blobs, if they were looked at."""
    if blobs is None:
        return
    for sentence in blobs.sentences():
        click.echo(safe(sentence))
    for item in blobs.problems[:20]:
        where = f" ({item.model} {item.id} at {item.path})" if item.model else ""
        click.echo(safe(f"  {item.kind}: {item.key} of {item.store}{where}"))


def show_verification(verification: Verification) -> None:
    """Show whether two stores are equal."""
    if not is_terminal():
        print_line(msgspec.json.decode(verification.to_json()))
        return
    rows = [_row(model) for model in verification.models]
    print_rows(rows)
    _show_differences(verification)
    show_blobs(verification.blobs)


def _row(model: ModelVerification) -> dict[str, Any]:
    name = model.source if model.source == model.target else f"{model.source}:{model.target}"
    return {
        "model": name,
        "left": model.source_count,
        "right": model.target_count,
        "result": "equal" if model.ok else "NOT EQUAL",
    }


def _show_differences(verification: Verification) -> None:
    result = "equal" if verification.ok else "NOT EQUAL"
    click.echo(
        f"verified in {verification.seconds:.1f} s ({verification.level}: "
        f"{verification.compared}): {result}"
    )
    for model in verification.models:
        found = model.comparison
        if found is None:
            continue
        for kind, count, ids in (
            ("missing", found.missing, found.missing_ids),
            ("extra", found.extra, found.extra_ids),
            ("different", found.different, found.different_ids),
        ):
            if count:
                more = ", ..." if count > 5 else ""
                click.echo(safe(f"{model.source}: {count:,} {kind}: {', '.join(ids[:5])}{more}"))
        for field in found.differences[:20]:
            click.echo(safe(f"  {field.id} at {field.path}: {field.left} ≠ {field.right}"))


def print_line(value: dict[str, Any]) -> None:
    """A line of JSON, for programs."""
    sys.stdout.buffer.write(encode(value) + b"\n")
