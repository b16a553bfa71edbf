"""What a run did, for people (Markdown) and programs (JSON)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from interstore.migration.blobs.counts import BlobReport
from interstore.migration.compare import Comparison
from interstore.migration.plan import Level
from interstore.migration.references import Place
from interstore.migration.refusals import Refused
from interstore.migration.state import Totals

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "EXIT_CODES",
    "Blocker",
    "ModelReport",
    "ModelVerification",
    "Report",
    "Status",
    "Verification",
]

Status: TypeAlias = Literal["planned", "done", "quarantine", "mismatch", "stopped", "blocked"]

EXIT_CODES: Final[dict[Status, int]] = {
    "planned": 0,
    "done": 0,
    "quarantine": 2,
    "mismatch": 3,
    "stopped": 4,
    "blocked": 5,
}
"""The exit code of the command line for each status; 1 is for wrong usage."""


class Blocker(msgspec.Struct, frozen=True, kw_only=True):
    """What was found before anything was written: why a run cannot begin, or a warning.

    Attributes:
        code: stable, for programs.
        message: one sentence.
        cure: what to do about it.
        model: the source's model, where it is one model's matter.
        count: how many documents it concerns.
        ids: up to five of them.
    """

    code: str
    message: str
    cure: str = ""
    model: str | None = None
    count: int = 0
    ids: list[str] = []

    @property
    def sentence(self) -> str:
        """The message and the cure."""
        return f"{self.message}: {self.cure}" if self.cure else self.message


class ModelVerification(msgspec.Struct, kw_only=True):
    """One model on both sides, re-read after the copy.

    Attributes:
        source: its name on the left; `target` on the right.
        source_count: documents on the left; `target_count` on the right.
        source_digest: the sum of the left contents' hashes; empty if not computed. Likewise
            `target_digest`.
        comparison: what was compared document by document, where it was.
        kept: documents that only the target has, and may have.
    """

    source: str
    target: str
    source_count: int = 0
    target_count: int = 0
    source_digest: str = ""
    target_digest: str = ""
    comparison: Comparison | None = None
    kept: int = 0
    ok: bool = False


class Verification(msgspec.Struct, kw_only=True):
    """Whether two stores hold the same documents.

    Attributes:
        level: how thorough it was.
        compared: what of each document was compared, in words.
        models: each model.
        seconds: how long it took.
        damage: of an archive, what is missing or altered, a sentence for each file.
        blobs: of the blobs to which the left side's documents refer, if they were compared.
    """

    level: Level
    compared: str
    models: list[ModelVerification] = []
    seconds: float = 0.0
    damage: list[str] = []
    blobs: BlobReport | None = None

    @property
    def ok(self) -> bool:
        """Whether no difference was found."""
        blobs = self.blobs is None or not {"missing", "different"} & self.blobs.found.keys()
        return not self.damage and blobs and all(model.ok for model in self.models)

    @property
    def exit_code(self) -> int:
        """Of the command line: 0, or 3 for a mismatch."""
        return 0 if self.ok else EXIT_CODES["mismatch"]

    def to_json(self) -> bytes:
        """The verification as JSON."""
        plain = {"ok": self.ok, **msgspec.to_builtins(self)}
        return msgspec.json.format(msgspec.json.encode(plain), indent=2)

    def to_markdown(self) -> str:
        """The verification as Markdown."""
        return "\n".join(_verification(self)) + "\n"


class ModelReport(msgspec.Struct, kw_only=True):
    """What became of one model: `totals` of its documents, and those refused."""

    source: str
    target: str
    totals: Totals
    refused: list[Refused] = []


class Report(msgspec.Struct, kw_only=True):
    """What a run did.

    Attributes:
        run: its name, for ``--resume``; empty if it was refused before it had one.
        status: how it ended.
        source: where it read; `target` where it wrote.
        models: each model's documents, balanced: read = written + unchanged + filtered +
            quarantined.
        seconds: how long it was at work, in all its sessions, verification included.
        copy_seconds: how long of that it copied.
        sessions: how often it was started or resumed.
        blockers: why it could not begin.
        warnings: what else was found before anything was written.
        notes: what else is to be known, a sentence each.
        verification: of the target against the source; ``None`` if it did not get there.
        blobs: what became of the blobs, if they were part of the run.
        folder: where its plan, journal and report lie.
        error: why it stopped, if it was not asked to.
    """

    run: str
    status: Status
    source: Place
    target: Place
    models: list[ModelReport] = []
    seconds: float = 0.0
    copy_seconds: float = 0.0
    sessions: int = 1
    blockers: list[Blocker] = []
    warnings: list[Blocker] = []
    notes: list[str] = []
    verification: Verification | None = None
    blobs: BlobReport | None = None
    folder: str = ""
    error: str | None = None

    @property
    def setting(self) -> str | None:
        """The line of configuration that names the target, secrets hidden; none for a store."""
        return f"DATABASE_URL={self.target.url}" if self.target.url else None

    @property
    def ok(self) -> bool:
        """Whether all documents arrived (or, for a plan, nothing stands against it)."""
        return self.exit_code == 0

    @property
    def exit_code(self) -> int:
        """Of the command line."""
        return EXIT_CODES[self.status]

    @property
    def totals(self) -> Totals:
        """Of all models."""
        total = Totals()
        for model in self.models:
            for name in total.__struct_fields__:
                setattr(total, name, getattr(total, name) + getattr(model.totals, name))
        return total

    @property
    def rate(self) -> float:
        """Documents copied a second."""
        return self.totals.read / self.copy_seconds if self.copy_seconds else 0.0

    def to_json(self) -> bytes:
        """The report as JSON."""
        plain = {
            "ok": self.ok,
            "exit_code": self.exit_code,
            "rate": round(self.rate, 1),
            "setting": self.setting,
            **msgspec.to_builtins(self),
        }
        return msgspec.json.format(msgspec.json.encode(plain), indent=2)

    def to_markdown(self) -> str:
        """The report as Markdown."""
        lines = [
            f"# Migration {self.run or '(not begun)'}: {self.status}",
            "",
            f"From {self.source.shown} to {self.target.shown}.",
            "",
        ]
        if self.models:
            lines += [*_table(self.models, self.totals), ""]
            duration = (
                f"{self.totals.read:,} documents in {self.seconds:.1f} s, of which copying took "
                f"{self.copy_seconds:.1f} s ({self.rate:,.0f} documents a second)."
            )
            lines += [duration, ""]
        if units := self.totals.request_units:
            lines += [f"The copy took {units:,.0f} request units.", ""]
        if self.status == "done" and self.setting:
            lines += [f"To use the target: `{self.setting}`", ""]
        lines += list(_blobs(self.blobs))
        lines += [f"- {note}" for note in self.notes]
        lines += [f"- blocked: {blocker.sentence}" for blocker in self.blockers]
        lines += [f"- note: {warning.sentence}" for warning in self.warnings]
        lines += [f"- stopped: {self.error}"] if self.error else []
        lines += list(_refused(self.models))
        if self.verification is not None:
            lines += ["", *_verification(self.verification)]
        return "\n".join(lines).rstrip() + "\n"


def _table(models: list[ModelReport], totals: Totals) -> Iterable[str]:
    yield "| model | read | written | unchanged | filtered | quarantined |"
    yield "|---|--:|--:|--:|--:|--:|"
    rows = [(_names(model.source, model.target), model.totals) for model in models]
    for name, row in [*rows, ("all", totals)]:
        yield (
            f"| {name} | {row.read:,} | {row.written:,} | {row.unchanged:,} | "
            f"{row.filtered:,} | {row.quarantined:,} |"
        )


def _blobs(blobs: BlobReport | None) -> Iterable[str]:
    if blobs is None:
        return
    yield from (f"- {sentence}" for sentence in blobs.sentences())
    for item in blobs.problems[:20]:
        where = f" ({item.model} {item.id!r} at {item.path})" if item.model else ""
        yield f"- blob {item.kind}: {item.key!r} of {item.store!r}{where}"


def _names(source: str, target: str) -> str:
    return source if source == target else f"{source} → {target}"


def _refused(models: list[ModelReport]) -> Iterable[str]:
    for model in models:
        for item in model.refused[:20]:
            yield f"- not written: {model.source} {item.id!r}: {item.code}: {item.message}"


def _verification(verification: Verification) -> Iterable[str]:
    outcome = "equal" if verification.ok else "NOT EQUAL"
    yield f"## Verification: {outcome}"
    yield ""
    yield (
        f"Level {verification.level}: {verification.compared}, both sides read again in "
        f"{verification.seconds:.1f} s."
    )
    yield ""
    yield "| model | left | right | missing | extra | different | |"
    yield "|---|--:|--:|--:|--:|--:|---|"
    for model in verification.models:
        found = model.comparison or Comparison()
        yield (
            f"| {_names(model.source, model.target)} | {model.source_count:,} | "
            f"{model.target_count:,} | {found.missing:,} | {found.extra:,} | "
            f"{found.different:,} | {'equal' if model.ok else 'NOT EQUAL'} |"
        )
    for model in verification.models:
        yield from _comparison(model)
    for sentence in verification.damage:
        yield f"- {sentence}"
    yield from _blobs(verification.blobs)


def _comparison(model: ModelVerification) -> Iterable[str]:
    if model.kept:
        yield f"- {model.target}: {model.kept:,} documents that only the target has were kept"
    found = model.comparison
    if found is None:
        return
    kinds = (
        ("missing on the right", found.missing, found.missing_ids),
        ("only on the right", found.extra, found.extra_ids),
        ("different", found.different, found.different_ids),
    )
    for kind, count, ids in kinds:
        if count:
            more = f" and {count - 20:,} more" if count > 20 else ""
            yield f"- {model.source}: {kind}: {', '.join(map(repr, ids[:20]))}{more}"
    for field in found.differences:
        yield f"- {model.source} {field.id!r} at {field.path}: {field.left} ≠ {field.right}"
