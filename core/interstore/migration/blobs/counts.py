"""What became of blobs, and what was not as it should be: plain data, for journals and reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Final, Literal, TypeAlias

import msgspec

__all__ = ["BlobCounts", "BlobProblem", "BlobReport", "Problem"]

LISTED: Final = 1_000
"""Problems that a report lists; more are only counted."""

Problem: TypeAlias = Literal["dangling", "damaged", "occupied", "missing", "different", "orphan"]
"""``"dangling"``: the source has no such blob; ``"damaged"``: it has, of another content than the
reference says; ``"occupied"``: the target has another content under that key, which was left
alone; ``"missing"`` and ``"different"``: only the target has not the content; ``"orphan"``: no
document of the source refers to it."""

FAILURES: Final[frozenset[Problem]] = frozenset({"damaged", "occupied", "missing", "different"})
"""Problems that leave a document without a blob that the source had, or seemed to have."""


class BlobProblem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A blob that is not as it should be, and the document that refers to it.

    Attributes:
        kind: see `Problem`.
        store: the name of the blob store.
        key: the blob's key in it.
        model: the model of the document; empty of an orphan.
        id: the document's.
        path: where in the document.
        sha256: of the content that the reference says.
    """

    kind: Problem
    store: str
    key: str
    model: str = ""
    id: str = ""
    path: str = ""
    sha256: str = ""


class BlobCounts(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What became of the blobs of some documents.

    Attributes:
        references: references that were looked at.
        copied: blobs that were written.
        present: blobs that the target had already, with the same content.
        bytes: of what was copied, or of what was read to compare.
        elsewhere: references to blob stores that are not part of the run.
        bare: blobs that lost metadata which the target cannot keep.
        problems: what was found wrong.
    """

    references: int = 0
    copied: int = 0
    present: int = 0
    bytes: int = 0
    elsewhere: int = 0
    bare: int = 0
    problems: list[BlobProblem] = []

    def add(self, other: BlobCounts) -> None:
        """Count what another has counted, too."""
        for name in ("references", "copied", "present", "bytes", "elsewhere", "bare"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.problems.extend(other.problems)

    def forget(self, ids: Collection[str] | None) -> None:
        """Of documents that are looked at again, what was wrong before; `None`: of all."""
        if ids is not None:
            self.problems = [item for item in self.problems if item.id not in ids]
        else:
            self.problems = []

    def mended(self, ids: Collection[str] | None, other: BlobCounts) -> None:
        """Count what another, which looked at these documents again, has done and found."""
        self.forget(ids)
        for name in ("copied", "bytes", "bare"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.problems.extend(other.problems)


class BlobReport(BlobCounts, kw_only=True):
    """The same of a whole run. `problems` has the first thousand; `found` counts all by kind."""

    found: dict[Problem, int] = {}

    @classmethod
    def of(cls, parts: Iterable[BlobCounts]) -> BlobReport:
        """Of all parts together."""
        report = cls()
        for part in parts:
            report.add(part)
        found: Counter[Problem] = Counter(item.kind for item in report.problems)
        report.found = {kind: found[kind] for kind in sorted(found)}
        del report.problems[LISTED:]
        return report

    @property
    def ok(self) -> bool:
        """Whether every blob that is there in the source is in the target, as it should be."""
        return not FAILURES.intersection(self.found)

    def sentences(self) -> list[str]:
        """What a reader of the report is told."""
        done = f"{self.copied:,} copied, {self.present:,} there already, {self.bytes:,} bytes"
        told = [f"blobs: {self.references:,} references; {done}"]
        told += [f"{count:,} {_MEANINGS[kind]}" for kind, count in self.found.items()]
        if self.elsewhere:
            told.append(
                f"{self.elsewhere:,} references are to blob stores of names that were not given: "
                "their blobs were left behind (give --from-blobs NAME=URL and --to-blobs NAME=URL)"
            )
        if self.bare:
            told.append(f"{self.bare:,} blobs are without metadata, which the target cannot keep")
        return told


_MEANINGS: Final[dict[Problem, str]] = {
    "dangling": "references are dangling: the source has no such blob",
    "damaged": "blobs are damaged: the source has another content than the documents say; they "
    "were not copied",
    "occupied": "blobs were not written, because the target has another content under their keys "
    "(--into merge or replace writes over it)",
    "missing": "blobs are missing on the right",
    "different": "blobs are different on the right",
    "orphan": "blobs of the source are orphans: no document refers to them, so they were left",
}
