"""`interstore export`."""

from __future__ import annotations

import csv
import io
import os
import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import IO, Any, Final, TypeAlias

import click

from interstore.cli.output import encode, note
from interstore.cli.store import check_model_exists, open_store, url_option, where_option
from interstore.document import Document
from interstore.errors import InterstoreError
from interstore.files import FORMATS

__all__ = ["export"]

Read: TypeAlias = Callable[[], Iterable[Document]]


@click.command()
@click.argument("model")
@url_option
@where_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    help="By default what the file's name ends with, else jsonl.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    help="The file. It appears, or replaces an older one, when it is complete.",
)
def export(
    model: str,
    url: str | None,
    where: dict[str, Any] | None,
    format_: str | None,
    output: str | None,
) -> None:
    """Write the documents of MODEL to a file, or to the standard output, in the order of ids.

    A CSV file has a column for each field; what is no text stands there as JSON, as
    `interstore import --convert` reads it. It does not tell the number 5 from the text '5',
    nor '' from what is missing: the other formats do.

    A file has the fields of documents. It has no versions, times and expiries; migrate and backup
    keep these.
    """
    if format_ is None:
        format_ = _format(output)
    with open_store(url) as store:
        check_model_exists(store, model)

        expiring: set[str] = set()

        def read() -> Iterable[Document]:
            for document in store.find(model, where):
                if document.expires_at is not None:
                    expiring.add(document.id)
                yield document

        if output is None or output == "-":
            _WRITERS[format_](sys.stdout.buffer, read)
        else:
            with _appearing(output) as file:
                number = _WRITERS[format_](file, read)
            note(f"{number:,} documents of {model} are in {output}")
    if expiring:
        note(
            f"{len(expiring):,} of them expire, which a file does not say: imported from it, they "
            "stay; `interstore migrate` and `interstore backup` keep what expires so"
        )


def _format(output: str | None) -> str:
    ending = os.path.splitext(output or "")[1].lower()
    return {".json": "json", ".csv": "csv"}.get(ending, "jsonl")


@contextmanager
def _appearing(path: str) -> Generator[IO[bytes]]:
    """A file that is there whole, or not at all. What is no regular file is written directly."""
    path = os.path.realpath(path)
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "wb") as file:
            yield file
        return
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


def _write_jsonl(file: IO[bytes], read: Read) -> int:
    number = 0
    for document in read():
        file.write(encode(document) + b"\n")
        number += 1
    return number


def _write_json(file: IO[bytes], read: Read) -> int:
    number = 0
    for document in read():
        file.write((b",\n" if number else b"[\n") + encode(document))
        number += 1
    file.write(b"\n]\n" if number else b"[]\n")
    return number


def _write_csv(file: IO[bytes], read: Read) -> int:
    # Two passes: a table's columns are known when all documents are.
    columns = list(dict.fromkeys(name for document in read() for name in document))
    text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
    writer = csv.DictWriter(text, columns or ["id"], lineterminator="\n")
    try:
        writer.writeheader()
        number = 0
        for document in read():
            writer.writerow({name: _cell(value) for name, value in document.items()})
            number += 1
    except ValueError as error:
        raise InterstoreError(f"documents changed while they were exported: {error}") from None
    finally:
        text.detach()
    return number


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else encode(value).decode()


_WRITERS: Final[dict[str, Callable[[IO[bytes], Read], int]]] = {
    "json": _write_json,
    "jsonl": _write_jsonl,
    "csv": _write_csv,
}
