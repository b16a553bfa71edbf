"""`interstore blobs`: put, get, ls, stat, url, cp, mv, rm; `check` lies beside."""

from __future__ import annotations

import os
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from interstore.cli.blobs_check import check
from interstore.cli.output import note, print_json, print_rows, safe
from interstore.cli.progress import progress, reading

if TYPE_CHECKING:
    from interstore.blobs._sync.store import BlobStore
    from interstore.blobs.blob import BlobInfo

__all__ = ["blobs"]


@click.group()
@click.option(
    "-u",
    "--url",
    metavar="URL",
    help="The store, for example local:///folder. By default the one of the environment, which "
    "is also the better place for a password.",
)
@click.option("--name", metavar="NAME", help="The name of a store beside others.")
@click.pass_context
def blobs(ctx: click.Context, url: str | None, name: str | None) -> None:
    """Put, get and list files by their keys.

    Commands work on the store that --url names, else on the one that the environment or a .env
    file does: STORAGE_URL, or STORAGE_BACKEND and the variables of its engine.
    """
    from interstore.blobs.opening import open_blobs

    ctx.obj = lambda: ctx.with_resource(open_blobs(url, name=name))


def _store(ctx: click.Context) -> BlobStore:
    """Opened when a command runs, so that its --help opens nothing."""
    store: BlobStore = ctx.obj()
    return store


@blobs.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.argument("key")
@click.option("--content-type", metavar="TYPE", help="Its media type; else it is guessed.")
@click.option("--if-absent", is_flag=True, help="Fail if KEY exists.")
@click.pass_context
def put(
    ctx: click.Context, source: str, key: str, content_type: str | None, if_absent: bool
) -> None:
    """Write the file SOURCE, or what comes by - from the input, as KEY."""
    store = _store(ctx)
    with reading(source) as content:
        info = store.put(key, content, content_type=content_type, if_absent=if_absent)
    note(f"{safe(key)}: {info.size:,} bytes, {info.content_type}")


@blobs.command()
@click.argument("key")
@click.argument("target", default="-", type=click.Path(dir_okay=False, allow_dash=True))
@click.pass_context
def get(ctx: click.Context, key: str, target: str) -> None:
    """Write the content of KEY to the file TARGET, or by - to the output.

    TARGET is there whole or not at all; what comes to the output before an error is not checked.
    """
    with _store(ctx).open(key) as source:
        if target == "-":
            for data in source:
                sys.stdout.buffer.write(data)
            return
        draft = f"{target}.{uuid.uuid4().hex}"
        try:
            with open(draft, "xb") as file, progress(safe(key), source.info().size) as advance:
                for data in source:
                    file.write(data)
                    advance(len(data))
            os.replace(draft, target)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise


@blobs.command()
@click.argument("prefix", default="")
@click.option("-r", "--recursive", is_flag=True, help="Every key, instead of one level of them.")
@click.pass_context
def ls(ctx: click.Context, prefix: str, recursive: bool) -> None:
    """List the keys that begin with PREFIX, up to the next / each."""
    entries = _store(ctx).list(prefix, delimiter=None if recursive else "/")
    print_rows(
        {"key": entry.key}
        if entry.modified is None
        else {"key": entry.key, "size": entry.size, "modified": entry.modified.isoformat()}
        for entry in entries
    )


@blobs.command()
@click.argument("key")
@click.pass_context
def stat(ctx: click.Context, key: str) -> None:
    """Show what is known of KEY."""
    print_json(_shown(_store(ctx).stat(key)))


def _shown(info: BlobInfo) -> dict[str, Any]:
    return {
        "key": info.key,
        "size": info.size,
        "content_type": info.content_type,
        "metadata": dict(info.metadata),
        "etag": info.etag,
        "sha256": info.sha256,
        "modified": info.modified.isoformat(),
        **(
            {}
            if info.encoding is None
            else {"encoding": info.encoding, "stored_size": info.stored_size}
        ),
    }


@blobs.command()
@click.argument("source")
@click.argument("target")
@click.option("--if-absent", is_flag=True, help="Fail if TARGET exists.")
@click.pass_context
def cp(ctx: click.Context, source: str, target: str, if_absent: bool) -> None:
    """Copy the key SOURCE to the key TARGET, within the store."""
    info = _store(ctx).copy(source, target, if_absent=if_absent)
    note(f"{safe(target)}: {info.size:,} bytes")


@blobs.command()
@click.argument("source")
@click.argument("target")
@click.option("--if-absent", is_flag=True, help="Fail if TARGET exists.")
@click.pass_context
def mv(ctx: click.Context, source: str, target: str, if_absent: bool) -> None:
    """Give the key SOURCE the name TARGET, within the store."""
    info = _store(ctx).move(source, target, if_absent=if_absent)
    note(f"{safe(target)}: {info.size:,} bytes")


@blobs.command()
@click.argument("key")
@click.option("--put", "is_put", is_flag=True, help="To upload KEY, instead of downloading it.")
@click.option("--expires", metavar="SECONDS", type=int, default=3600, show_default=True)
@click.option(
    "--content-type",
    metavar="TYPE",
    help="The media type that a download is answered with, or that an upload must have.",
)
@click.option("--filename", metavar="NAME", help="What a browser calls the download.")
@click.option("--max-size", metavar="BYTES", type=int, help="The most that an upload may have.")
@click.pass_context
def url(
    ctx: click.Context,
    key: str,
    is_put: bool,
    expires: int,
    content_type: str | None,
    filename: str | None,
    max_size: int | None,
) -> None:
    """Print a URL by which whoever has it can download KEY, for a time.

    It needs no account: give it to nobody else.
    """
    store = _store(ctx)
    signed = store.signed_url(
        key,
        method="PUT" if is_put else "GET",
        expires=expires,
        content_type=content_type,
        filename=filename,
        max_size=max_size,
    )
    click.echo(signed)
    if is_put:
        for name, value in store.capabilities.signed_put_headers:
            note(f"the upload must have the header {name}: {value}")


@blobs.command()
@click.argument("keys", nargs=-1)
@click.option("--prefix", metavar="PREFIX", help="All keys that begin with it, instead of KEYS.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def rm(ctx: click.Context, keys: tuple[str, ...], prefix: str | None, yes: bool) -> None:
    """Remove KEYS. There is no way back."""
    if bool(keys) == (prefix is not None):
        raise click.UsageError("say either KEYS or --prefix (which may be '' for all)")
    store = _store(ctx)
    if prefix is None:
        note(f"{store.delete_many(keys):,} removed")
        return
    number = None
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError(
                "rm --prefix asks before it removes anything; say --yes to do it"
            )
        number = sum(1 for _ in store.list(prefix))
        click.confirm(f"Remove {number:,} blobs for good?", abort=True)
    note(f"{_remove_all(store, prefix, number):,} removed")


def _remove_all(store: BlobStore, prefix: str, expected: int | None) -> int:
    removed, after = 0, None
    with progress("removing", expected, unit="blobs") as advance:
        while True:
            page = store.page(prefix, after=after)
            count = store.delete_many([entry.key for entry in page.entries])
            removed, after = removed + count, page.after
            advance(count)
            if after is None:
                return removed


blobs.add_command(check)
