"""Repair: takes up what was edited by hand, and sets aside what cannot be read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from interstore.errors import InterstoreError
from interstore.names import check_model, id_problem
from interstore.prepared import Write
from interstore.times import format_time, now, parse_time
from interstore.values import canonical_fields
from interstore_backends._table.records import change_of, removal_of
from interstore_backends.jsonfiles.commits import Commits
from interstore_backends.jsonfiles.disk import PRIVATE, replace_file, sync, sync_folder
from interstore_backends.jsonfiles.errors import translate
from interstore_backends.jsonfiles.format import (
    SUFFIX,
    check_header,
    header_in,
    header_of,
    is_whole,
    line_of,
    read_line,
)
from interstore_backends.jsonfiles.lock import LOCK, FolderLock
from interstore_backends.jsonfiles.manifest import (
    NAME,
    Manifest,
    ModelEntry,
    read_manifest,
    write_manifest,
)

__all__ = ["FileReport", "RepairReport", "repair"]

DAMAGED: Final = ".damaged"


@dataclass(slots=True)
class FileReport:
    """What was done to one file.

    Attributes:
        file: its path.
        lines: how many records it has now.
        mended: how many lines were written anew: edited by hand, but valid.
        damaged: how many lines were moved to ``<file>.damaged``.
        backup: where the file is as it was; ``None`` if it was left as it is.
    """

    file: str
    lines: int = 0
    mended: int = 0
    damaged: int = 0
    backup: str | None = None


@dataclass(slots=True)
class RepairReport:
    """What `repair` did to a folder.

    Attributes:
        files: one report for each file of a model.
        listed: models that the manifest did not list, and does now.
        lost: models that the manifest listed and whose file is not there: taken off it.
        ignored: files whose name is no name of a model.
        completed: models of which a transaction that was committed was not applied whole.
    """

    files: list[FileReport] = field(default_factory=list)
    listed: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    completed: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether anything was not as it should be."""
        return bool(self.listed or self.lost or any(each.backup for each in self.files))

    def steps(self) -> Iterator[str]:
        """What was done, a sentence each."""
        for each in self.files:
            if each.backup is not None:
                yield (
                    f"{each.file}: {each.mended:,} lines written anew, {each.damaged:,} that are "
                    f"no records moved to {os.path.basename(each.file)}{DAMAGED}; the file as it "
                    f"was is {os.path.basename(each.backup)}"
                )
        for model in self.completed:
            yield f"{model}: completed what was committed in transactions"
        for model in self.listed:
            yield f"{model}: listed in {NAME} again"
        for model in self.lost:
            yield f"{model}: its file is lost, so it was taken off {NAME}"


def repair(data_dir: str, timeout: float = 30.0) -> RepairReport:
    """Make a folder readable again after edits by hand or damage.

    A line that is a valid record keeps its meaning and gets the right checksum; any other
    goes to ``<file>.damaged``. Files that change are kept as ``<file>.backup-<time>``.
    Stores that are open should be closed first: they may go on with what they have read.

    Raises:
        OperationTimeoutError: others wrote all the time.
        PermissionDeniedError, UnavailableError: as the operating system reports.
    """
    folder = os.path.abspath(data_dir)
    try:
        if not os.path.isdir(folder):
            raise FileNotFoundError(2, "there is no such folder", folder)
        # What transactions have left is completed with the files that it belongs to.
        with FolderLock(os.path.join(folder, LOCK), timeout, recover=lambda: None):
            return _repair(folder)
    except OSError as error:
        raise translate(error, folder) from error


def _repair(folder: str) -> RepairReport:
    report = RepairReport()
    commits = Commits(folder)
    missing = commits.salvage()
    report.completed = sorted(missing)
    stamp = now().replace(":", "").replace(".", "")
    known = _known_models(folder, stamp)
    models: dict[str, ModelEntry] = {}
    for name in sorted(os.listdir(folder)):
        if not name.endswith(SUFFIX):
            continue
        try:
            model = check_model(name.removesuffix(SUFFIX))
        except InterstoreError:
            report.ignored.append(name)
            continue
        path = os.path.join(folder, name)
        report.files.append(_mend_file(path, model, stamp, missing.get(model, [])))
        models[model] = (known or {}).get(model) or ModelEntry(name, now())
    report.listed = sorted(models.keys() - (known or {}).keys())
    report.lost = sorted((known or {}).keys() - models.keys())
    if known != models:
        write_manifest(folder, Manifest(models))
    commits.clear()
    return report


def _known_models(folder: str, stamp: str) -> dict[str, ModelEntry] | None:
    """The models of the manifest; ``None`` if it cannot be read, which is then kept aside."""
    try:
        manifest = read_manifest(folder)
    except InterstoreError:
        path = os.path.join(folder, NAME)
        os.link(path, f"{path}.backup-{stamp}")
        return None
    return None if manifest is None else manifest.models


def _mend_file(path: str, model: str, stamp: str, missing: list[bytes]) -> FileReport:
    report = FileReport(path)
    with open(path, "rb") as file:
        text = file.read()
    found = text.split(b"\n") + missing
    lines, damaged = _mended(found, model, path, report)
    report.damaged = len(damaged)
    mended = b"\n".join(lines) + b"\n"
    if mended == text:
        return report
    if damaged:
        _set_aside(path + DAMAGED, damaged)
    report.backup = f"{path}.backup-{stamp}"
    os.link(path, report.backup)
    replace_file(path, [mended], ".new")
    sync_folder(os.path.dirname(path))
    return report


def _mended(
    found: list[bytes], model: str, path: str, report: FileReport
) -> tuple[list[bytes], list[bytes]]:
    """The lines that the file should have, and those that cannot be understood."""
    header: bytes | None = None
    lines: list[bytes] = []
    damaged: list[bytes] = []
    for line in found:
        if not line.strip(b" \t\r\0"):
            continue
        if _is_header(line, model, path):
            header = header or line
            continue
        kept = line if _is_record(line, path) else _mend_line(line)
        if kept is None:
            damaged.append(line)
            continue
        report.mended += kept is not line
        lines.append(kept)
    report.lines = len(lines)
    if header is not None and (damaged or report.mended):
        # Where lines begin is another place now, so changes are not recorded from here on.
        header = header_of(model, header_in(header, path).at)
    return [header or header_of(model, now()), *lines], damaged


def _is_header(line: bytes, model: str, path: str) -> bool:
    try:
        check_header(line, model, path)
    except InterstoreError:
        return False
    return True


def _is_record(line: bytes, path: str) -> bool:
    if not is_whole(line):
        return False
    try:
        read_line(line, path, 0)
    except InterstoreError:
        return False
    return True


def _mend_line(line: bytes) -> bytes | None:
    """The line of the record that `line` holds; ``None`` if it holds none."""
    try:
        record: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
        return _line_of(**{key: record[key] for key in record if key != "crc"})
    except (msgspec.DecodeError, InterstoreError, TypeError, ValueError):
        return None


def _line_of(*, id: Any, v: Any, at: Any, doc: Any, ct: Any = None, ex: Any = None) -> bytes | None:
    if id_problem(id) or type(v) is not int or not 1 <= v <= 2**53 - 1:
        return None
    at, ct, ex = _time(at), _time(ct or at), None if ex is None else _time(ex)
    if doc is None:
        return line_of(removal_of(id, v, at).body)
    fields = canonical_fields(doc)
    if fields.pop("id", id) != id:
        return None
    write = Write(id, fields, version=v, created=ct, updated=at, expires=ex)
    return line_of(change_of(write).body)


def _time(text: str) -> str:
    return format_time(parse_time(text))


def _set_aside(path: str, lines: list[bytes]) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE)
    with open(fd, "wb") as file:
        file.writelines(line + b"\n" for line in lines)
        file.flush()
        sync(fd)
