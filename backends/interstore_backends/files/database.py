"""The engine that reads files of others, from the first byte to the last."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from interstore.capabilities import Limits
from interstore.document import Document
from interstore.errors import ConfigurationError, UnavailableError
from interstore.files import File, Record, read_records
from interstore.filters.evaluate import compile_filter
from interstore.filters.tree import ALL, Node
from interstore.migration.raw import RawDocument
from interstore.prepared import Partition, Query, ScanPage
from interstore.read_only import ReadOnly
from interstore_backends.files import CAPABILITIES
from interstore_backends.files.cuts import Cuts
from interstore_backends.files.settings import FilesSettings

__all__ = ["FilesDatabase"]

_UNBOUNDED: Final = 2**62
_OURS: Final = "interstore.json"
_AT: Final = "@"
"""What the id of a record without one begins with: the number of its first byte follows."""


class FilesDatabase(ReadOnly):
    """The records of files, each file a model, in the order in which they stand.

    A scan goes on at a byte, so a file of any size is read a page at a time, and by several
    workers. A file that changes while this object reads it is refused: nobody knows what stands
    at that byte then.
    """

    name = "files"
    refusal = (
        "files of others are only read, which is without {operation}: migrate them into a store"
    )
    capabilities = CAPABILITIES
    limits = Limits(document_bytes=_UNBOUNDED, depth=_UNBOUNDED)
    raw = True

    def __init__(self, settings: FilesSettings) -> None:
        self.settings = settings
        self._files: dict[str, File] = {}
        self._states: dict[str, str] = {}
        self._cuts: dict[str, Cuts] = {}

    def connect(self) -> None:
        path = Path(self.settings.path).expanduser()
        if not path.exists():
            raise ConfigurationError(f"there is no file or folder {str(path)!r}")
        if (path / _OURS).exists():
            raise ConfigurationError(
                f"{path} is a store of Interstore's JSON files, not a folder of other files: write "
                f"json:{path}"
            )
        self._files = dict(self._found(path))
        self._states = {model: _state(file) for model, file in self._files.items()}

    def _found(self, path: Path) -> Iterator[tuple[str, File]]:
        models: dict[str, Path] = {}
        for each in sorted(path.iterdir()) if path.is_dir() else [path]:
            ending = File.ending(each.name)
            if not each.is_file() or (path.is_dir() and ending is None):
                continue
            model = each.name[: -len(ending)] if ending else each.stem
            if model in models:
                raise ConfigurationError(
                    f"{models[model].name} and {each.name} would both be the model {model!r}: "
                    "rename one of them"
                )
            models[model] = each
            yield model, self._file(each)

    def _file(self, path: Path) -> File:
        settings = self.settings
        return File(str(path), settings.format, settings.convert, settings.delimiter)

    def disconnect(self) -> None:
        self._files = {}

    def fingerprint(self) -> str:
        """The size and the time of each file: another text if one of them changes."""
        return "; ".join(f"{model} {_state(file)}" for model, file in self._files.items())

    # Reading.

    def models(self) -> list[str]:
        return sorted(self._files)

    def find(self, model: str, query: Query) -> Iterator[Document]:
        for record in self._records(model, 0):
            document = _document(record)
            if document.problem:
                raise record.error(document.problem)
            yield document

    def find_by_id(self, model: str, id: str) -> Document | None:
        found = self.find_by_ids(model, [id])
        return found[0] if found else None

    def find_by_ids(self, model: str, ids: Sequence[str]) -> list[Document]:
        """The documents that exist among `ids`: one reading of the whole file."""
        wanted = set(ids)
        documents = (_document(record) for record in self._records(model, 0))
        return [document for document in documents if document["id"] in wanted]

    def count(self, model: str, tree: Node) -> int:
        """How many match; without a filter, records that cannot be read count as well."""
        if tree != ALL:
            return sum(map(compile_filter(tree), self.find(model, Query())))
        return self._counted(model).count

    def partitions(self, model: str, n: int) -> list[Partition]:
        """At most `n` shares of the file. One reading of it, unless its records were counted."""
        return self._counted(model).partitions(n) if n > 1 else [Partition()]

    def _counted(self, model: str) -> Cuts:
        if model not in self._cuts:
            self._cuts[model] = Cuts(self._records(model, 0))
        return self._cuts[model]

    def scan(self, model: str, partition: Partition, after: Any, limit: int) -> ScanPage:
        """A page in the order of the file; `after` is the byte at which to go on."""
        page: list[Document] = []
        start, end = partition.token or (0, None)
        for record in self._records(model, start if after is None else after):
            if end is not None and record.start >= end:
                break
            page.append(_document(record))
            if len(page) == limit:
                return ScanPage(page, record.end)
        return ScanPage(page, None)

    def _records(self, model: str, start: int) -> Iterator[Record]:
        file = self._files.get(model)
        if file is None:
            return
        try:
            if _state(file) != self._states[model]:
                raise ConfigurationError(
                    f"{file.name} has changed since it was opened: begin a new run, and let "
                    "nobody write to it meanwhile"
                )
            yield from read_records(file, start)
        except OSError as error:
            raise UnavailableError(f"{file.name} cannot be read: {error.strerror}") from error


def _state(file: File) -> str:
    found = os.stat(file.path)
    return f"with {found.st_size:,} bytes, changed {found.st_mtime_ns} ns after 1970"


def _document(record: Record) -> RawDocument:
    fields, place = record.fields, f"{_AT}{record.start}"
    if record.problem:
        return RawDocument(fields, id=place, problem=record.problem)
    id = fields.pop("id", None)
    if id is None:
        return RawDocument(fields, id=place, nameless=True)
    if type(id) is int:
        id = str(id)
    if type(id) is not str:
        problem = f"its id is a {type(id).__name__}, not a text or an integer"
        return RawDocument({**fields, "its id": id}, id=place, problem=problem)
    return RawDocument(fields, id=id)
