"""The quarantine of a run: what was not written, a line of JSON for each document.

``quarantine/<model>.jsonl`` in the run's folder, for people and their tools: the id in the source,
a stable code, the reason, and the document as it was read. Only its owner can read it. What counts
is the journal: after a crash a line here may be torn, or a document stand here twice.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from interstore.errors import UnavailableError
from interstore.migration.journal import write_atomically
from interstore.migration.refusals import Refused

__all__ = ["Quarantine"]

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Refused).decode


class Quarantine:
    """The documents of a run that were set aside.

    Args:
        folder: the run's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "quarantine"

    def file(self, model: str) -> Path:
        """Where the documents of a model of the source are."""
        return self._folder / f"{model}.jsonl"

    def add(self, model: str, refused: Sequence[Refused]) -> None:
        """Add documents, on the disk when this returns.

        Raises:
            UnavailableError: they cannot be written, as on a full disk.
        """
        if not refused:
            return
        path = self.file(model)
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            with os.fdopen(file, "ab") as stream:
                if _is_torn(path):
                    stream.write(b"\n")
                stream.write(_lines(refused))
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise UnavailableError(f"cannot write to {path}: {error.strerror}") from error

    def keep(self, model: str, ids: Collection[str]) -> None:
        """Forget all documents of a model but those with these ids."""
        kept = [item for item in self.read(model) if item.id in ids]
        path = self.file(model)
        if kept:
            write_atomically(path, _lines(kept))
        else:
            path.unlink(missing_ok=True)

    def read(self, model: str) -> list[Refused]:
        """The documents of a model, each once. A line that was never finished is left out."""
        path = self.file(model)
        found: dict[str, Refused] = {}
        for line in path.read_bytes().split(b"\n") if path.exists() else ():
            with suppress(msgspec.MsgspecError):
                item = _decode(line)
                found[item.id] = item
        return list(found.values())


def _lines(refused: Sequence[Refused]) -> bytes:
    return b"".join(_encode(item) + b"\n" for item in refused)


def _is_torn(path: Path) -> bool:
    """Whether a crash left the last line unfinished."""
    with path.open("rb") as stream:
        end = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, end - 1))
        return stream.read() not in (b"", b"\n")
