"""`interstore import`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import click

from interstore.cli.output import is_terminal, print_rows, safe
from interstore.cli.store import open_store, url_option
from interstore.errors import InterstoreError
from interstore.files import FORMATS, File, Record, read_records
from interstore.filters.parse import parse_path
from interstore.names import check_model, id_problem
from interstore.paths import MISSING, Envelope, resolve, show_path
from interstore.values import canonical_fields

if TYPE_CHECKING:
    from interstore._sync.store import Store
    from interstore.bulk import BulkResult
    from interstore.paths import Path

__all__ = ["import_"]

OnDuplicate: TypeAlias = Literal["error", "skip", "replace"]

BATCH: Final = 1_000


@click.command("import")
@click.argument("model", metavar="[MODEL]")
@click.argument("files", nargs=-1, metavar="FILE... | FOLDER")
@url_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    help="By default what the file's name ends with.",
)
@click.option(
    "--id-from",
    metavar="PATH",
    help="Where the id is, if it is not at 'id'; a number there becomes a text.",
)
@click.option(
    "--on-duplicate",
    type=click.Choice(["error", "skip", "replace"]),
    default="error",
    show_default=True,
    help="What to do with a document whose id exists.",
)
@click.option(
    "--convert",
    is_flag=True,
    help="CSV: cells that are JSON numbers, true, false, null, arrays or objects are read as "
    "these, and empty ones left out. Otherwise all cells are texts.",
)
@click.option("--delimiter", default=",", show_default=True, help="CSV: what separates cells.")
def import_(
    model: str,
    files: tuple[str, ...],
    url: str | None,
    format_: str | None,
    id_from: str | None,
    on_duplicate: OnDuplicate,
    convert: bool,
    delimiter: str,
) -> None:
    """Read documents from files into MODEL, or each *.json file of a FOLDER into its own.

    The files are arrays of objects (.json), one object a line (.jsonl, .ndjson) or tables with
    a header (.csv); '-' reads the standard input. All files are checked before the first
    document is written. A document without an id gets one.
    """
    sources = [
        (name, File(path, format_, convert, delimiter)) for name, path in _targets(model, files)
    ]
    path = None if id_from is None else _id_path(id_from)
    for name, source in sources:
        check_model(name)
        if not source.is_stream:
            for record in _documents(source, path):
                _check(record)
    with open_store(url, create=True) as store:
        for name, source in sources:
            _tell(_import(store, name, source, path, on_duplicate))


def _targets(model: str, files: tuple[str, ...]) -> list[tuple[str, str]]:
    """Models and the files that go into them."""
    if files:
        folders = [path for path in files if os.path.isdir(path)]
        if folders:
            raise click.UsageError(
                f"{folders[0]} is a folder, each file of which is a model of its own: "
                f"interstore import {folders[0]}"
            )
        return [(model, path) for path in files]
    if not os.path.isdir(model):
        raise click.UsageError(
            f"{model!r} is not a folder: interstore import MODEL FILE..., or "
            "interstore import FOLDER"
        )
    names = sorted(name for name in os.listdir(model) if name.endswith(".json"))
    if not names:
        raise click.UsageError(f"{model} holds no *.json files")
    return [(name.removesuffix(".json"), os.path.join(model, name)) for name in names]


def _id_path(text: str) -> Path:
    path = parse_path(text)
    if isinstance(path, Envelope):
        if path is not Envelope.ID:
            raise click.UsageError(f"--id-from names a field of the documents, not {text!r}")
        return ("id",)
    return path


def _documents(source: File, id_path: Path | None) -> Iterator[Record]:
    for record in read_records(source):
        if record.problem:
            raise record.error(record.problem)
        if id_path is not None:
            _take_id(record, id_path)
        yield record


def _take_id(record: Record, path: Path) -> None:
    id = resolve(record.fields, path)
    if id is MISSING or id is None:
        raise record.error(f"there is nothing at {show_path(path)!r}, which --id-from names")
    if type(id) is int:
        id = str(id)
    if path != ("id",) and record.fields.get("id", id) != id:
        raise record.error(
            f"it has an 'id' of its own, {record.fields['id']!r}, beside the one that --id-from "
            "names: rename it in the file"
        )
    record.fields["id"] = id


def _check(record: Record) -> None:
    id = record.fields.get("id", MISSING)
    if id is not MISSING:
        problem = id_problem(id)
        if problem is not None:
            cure = "; '--id-from id' turns numbers into texts" if type(id) is int else ""
            raise record.error(f"its id {id!r} {problem}{cure}")
    try:
        canonical_fields(record.fields)
    except InterstoreError as error:
        raise record.error(str(error)) from None


@dataclass(slots=True)
class _Progress:
    """What became of the records of one file so far."""

    model: str
    file: str
    created: int = 0
    replaced: int = 0
    skipped: int = 0

    def stopped(self, reason: str) -> InterstoreError:
        written = self.created + self.replaced
        return InterstoreError(
            f"{reason}\nstopped: {written:,} documents of this file were written to {self.model}",
            model=self.model,
        )


def _import(
    store: Store, model: str, source: File, id_path: Path | None, on_duplicate: OnDuplicate
) -> _Progress:
    progress = _Progress(model, source.path)
    try:
        for batch in _batches(_documents(source, id_path)):
            if source.is_stream:  # files were checked before
                for record in batch:
                    _check(record)
            _write(store, model, batch, on_duplicate, progress)
    except InterstoreError as error:
        raise progress.stopped(str(error)) from None
    return progress


def _tell(progress: _Progress) -> None:
    if not is_terminal():
        print_rows([asdict(progress)])
        return
    parts = [f"{progress.created:,} created"]
    parts += [f"{progress.replaced:,} replaced"] if progress.replaced else []
    parts += [f"{progress.skipped:,} skipped, as they exist"] if progress.skipped else []
    click.echo(f"{progress.model}: {', '.join(parts)} ({safe(progress.file)})")


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    records = iter(records)
    while batch := list(islice(records, BATCH)):
        yield batch


def _write(
    store: Store,
    model: str,
    batch: list[Record],
    on_duplicate: OnDuplicate,
    progress: _Progress,
) -> None:
    documents = [record.fields for record in batch]
    write = store.put_many if on_duplicate == "replace" else store.create_many
    result: BulkResult = write(model, documents, on_error="report")
    progress.created += result.created
    progress.replaced += result.replaced
    for record, outcome in zip(batch, result.outcomes, strict=True):
        if outcome.error is None:
            continue
        if outcome.status != "duplicate":
            raise record.error(str(outcome.error))
        if on_duplicate == "error":
            raise record.error(f"{outcome.error} (see --on-duplicate)")
        progress.skipped += 1
