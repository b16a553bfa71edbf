"""`interstore blobs check`: documents and blobs that do not fit together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from interstore.cli.output import note, print_rows

if TYPE_CHECKING:
    from interstore.blobs._sync.check import BlobCheck

__all__ = ["check"]

DIFFER: Final = 3
"""The exit code of two things that should agree and do not, as `interstore verify` has it."""

_AGE: Final = re.compile(r"(\d+(?:\.\d+)?)([smhdw])\Z")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def _parse_age(ctx: click.Context, param: click.Parameter, text: str) -> timedelta:
    match = _AGE.match(text)
    if match is None:
        raise click.BadParameter(
            f"{text!r} is not a time: write a number and s, m, h, d or w, such as 36h", ctx, param
        )
    return timedelta(**{_UNITS[match[2]]: float(match[1])})


@click.command()
@click.option(
    "--database",
    metavar="URL",
    help="Where the documents are; by default as the environment says: DATABASE_URL, or "
    "DATABASE_TYPE and its parts.",
)
@click.option(
    "--models",
    metavar="A,B",
    help="Only the documents of these models, and blobs that these own; by default all.",
)
@click.option(
    "--prefix",
    metavar="PREFIX",
    default="attachments/",
    show_default=True,
    help="What the keys of attached blobs begin with. No other blob is an orphan.",
)
@click.option("--verify", is_flag=True, help="Read every blob that is referred to, too.")
@click.option("--delete-orphans", is_flag=True, help="Remove orphans. There is no way back.")
@click.option(
    "--older-than",
    metavar="AGE",
    default="1d",
    show_default=True,
    callback=_parse_age,
    help="How old an orphan is at least (90s, 30m, 36h, 7d): what is younger may be about to be "
    "attached.",
)
@click.pass_context
def check(
    ctx: click.Context,
    database: str | None,
    models: str | None,
    prefix: str,
    verify: bool,
    delete_orphans: bool,
    older_than: timedelta,
) -> None:
    """List references to blobs that are not there, and blobs to which nothing refers.

    Each is a line of JSON, with "kind": "dangling", a reference to nothing; "damaged", one to a
    blob of another content (with --verify); "orphan", a blob to which no document refers.

    The exit code is 0 if nothing is wrong, or nothing any more; 3 otherwise.
    """
    from interstore.cli.store import open_store

    blobs = ctx.obj()
    with open_store(database) as store:
        checking = store.with_blobs(blobs, prefix=prefix).check_blobs(
            None if models is None else [name for name in models.split(",") if name],
            verify=verify,
            delete_orphans=delete_orphans,
            older_than=older_than,
        )
        counts: dict[str, int] = {}
        print_rows(_rows(checking, counts))
    _summarize(checking, counts)
    wrong = sum(counts.values()) - checking.removed
    ctx.exit(DIFFER if wrong else 0)


def _rows(checking: BlobCheck, counts: dict[str, int]) -> Iterator[dict[str, Any]]:
    for finding in checking:
        counts[finding.kind] = counts.get(finding.kind, 0) + 1
        yield finding.to_dict()


def _summarize(checking: BlobCheck, counts: dict[str, int]) -> None:
    found = [f"{number:,} {kind}" for kind, number in sorted(counts.items())]
    if checking.removed:
        found.append(f"{checking.removed:,} of these removed")
    note(
        f"{checking.documents:,} documents, {checking.references:,} references, "
        f"{checking.blobs:,} blobs: {', '.join(found) or 'nothing is wrong'}"
    )
    if checking.young:
        note(f"blobs without a reference that are younger than --older-than: {checking.young:,}")
    if checking.elsewhere:
        note(f"references to other blob stores, not looked at: {checking.elsewhere:,} (see --name)")
