"""The plan of a run: everything that is decided before the first document is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias, get_args

import msgspec
from msgspec.structs import replace

from interstore.blobs.compression import Compression as Codec
from interstore.errors import ConfigurationError
from interstore.migration.chunks import Backup, Compression
from interstore.migration.references import Place
from interstore.migration.transform import Transform
from interstore.migration.views import Foreign, Views, views_of
from interstore.prepared import Partition

__all__ = [
    "Dangling",
    "Into",
    "Level",
    "Limits",
    "ModelPlan",
    "Plan",
    "Request",
    "shares_of",
]

Into: TypeAlias = Literal["empty", "merge", "replace"]
"""What the target may hold before: nothing; documents that stay, unless the source has the
same ids; documents that are deleted first."""

Dangling: TypeAlias = Literal["report", "stop"]
"""A reference to a blob that is not there is told of in the report, or stops the run."""

Level: TypeAlias = Literal["count", "digest", "full"]
"""How thorough verification is: numbers of documents, digests, or every document's fields."""


DOCUMENTS_PER_PARTITION: Final = 25_000
LEAST_PER_PARTITION: Final = 1_000
"""With many workers, partitions become as small as that."""
MAX_PARTITIONS: Final = 512


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much one slice does, how often it is tried, how fast the run may go, and when it stops.

    A run that is killed repeats at most one slice per worker.

    Attributes:
        page: documents read and written at once, at most.
        seconds: after so long it stops at the next page boundary.
        bytes: after so much JSON it stops at the next page boundary.
        attempts: how often it is tried while a store cannot be reached or does not answer, with
            growing pauses between (half a second, then doubling up to 20).
        rate: documents a second that the run reads, at most, all workers together; no limit by
            default. Verification is held to it, too.
        request_units: request units a second that both stores charge, at most, likewise.
        quarantine: a run with more documents in quarantine stops, resumable, with the next one that
            is refused: so many have one cause, which is to be found.

    Raises:
        ConfigurationError: a limit leaves room for nothing.
    """

    page: int = 1_000
    seconds: float = 60.0
    bytes: int = 16_000_000
    attempts: int = 6
    rate: float | None = None
    request_units: float | None = None
    quarantine: int = 1_000

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if name == "quarantine":
                if value < 0:
                    raise ConfigurationError(f"the limit quarantine is {value}: 0 is the least")
            elif value is not None and not value > 0:
                raise ConfigurationError(f"the limit {name} is {value}: it must be above 0")

    @property
    def paced(self) -> bool:
        """Whether the run may not go as fast as it can."""
        return self.rate is not None or self.request_units is not None

    def shared(self, among: int) -> Limits:
        """The same for one of so many slices that run at once."""
        if not self.paced:
            return self
        rate, units = self.rate, self.request_units
        return replace(
            self,
            rate=None if rate is None else rate / among,
            request_units=None if units is None else units / among,
        )


def shares_of(count: int, workers: int) -> int:
    """Into how many partitions to divide so many documents.

    Workers end together where no partition is long: so there are many more than workers, if not
    so many that each would be hardly worth the slice.
    """
    most = max(count // DOCUMENTS_PER_PARTITION, min(4 * workers, count // LEAST_PER_PARTITION))
    return max(1, min(most, MAX_PARTITIONS))


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller asked for: a resumed run must ask for the same.

    Attributes:
        models: the source's models to move; ``None`` for all.
        map: new names of models.
        into: what the target may hold before.
        drop_versions: whether documents start anew at version 1 in the target.
        transform: what becomes of each document on the way.
        dangling: what becomes of the run where a document refers to a blob that is not there.
        live: whether an application goes on writing meanwhile.
        foreign: what to read of the source, if other programs wrote it.
        set_aside: codes of findings that do not forbid the run: such documents go to quarantine.
        base: of an incremental backup, the archive to stand on.
        compression: of a backup, how its files are compressed.
    """

    models: list[str] | None = None
    map: dict[str, str] = {}
    into: Into = "empty"
    drop_versions: bool = False
    transform: Transform | None = None
    dangling: Dangling = "report"
    live: bool = False
    foreign: Views = {}
    set_aside: list[str] = []
    base: str | None = None
    compression: Compression = "gzip"

    @classmethod
    def of(
        cls,
        models: Sequence[str] | None,
        map: Mapping[str, str] | None,
        into: Into,
        drop_versions: bool,
        transform: Transform | None = None,
        dangling: Dangling = "report",
        live: bool = False,
        *,
        foreign: Foreign | None = None,
        set_aside: Sequence[str] = (),
        base: str | None = None,
        compression: Compression = "gzip",
    ) -> Request:
        """The request, in the one form in which equal requests are equal.

        Raises:
            InterstoreError: the transform is not valid (see `Transform.checked`), or what is
                foreign is not (see `views_of`).
            ConfigurationError: what is asked for cannot be done while an application writes, or
                the compression is none that is known.
            MissingDriverError: what the compression needs is not installed.
        """
        if compression not in get_args(Compression):
            raise ConfigurationError(f"compression is 'gzip' or 'zstd', not {compression!r}")
        Codec(compression).encoder()
        checked = None if transform is None else transform.checked()
        chosen = models is not None or bool(map) or bool(foreign)
        if live and (chosen or into != "empty" or drop_versions or checked):
            raise ConfigurationError(
                "while an application goes on, everything moves as it is: no choice of models, no "
                "map, no transform, no --drop-versions, and the target must be empty"
            )
        if live and dangling == "stop":
            raise ConfigurationError(
                "while an application goes on, a document and its blobs may be removed just when "
                "they are copied: references to nothing are reported (--dangling report)"
            )
        return cls(
            models=None if models is None else sorted(set(models)),
            map={old: new for old, new in sorted((map or {}).items()) if old != new},
            into=into,
            drop_versions=drop_versions,
            transform=checked,
            dangling=dangling,
            live=live,
            foreign=views_of(foreign or {}),
            set_aside=sorted(set(set_aside)),
            base=base,
            compression=compression,
        )


class ModelPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One model: its name in the source and in the target, and how it is shared out.

    Attributes:
        source: its name in the source.
        target: its name in the target.
        count: how many documents the source had when the run was planned.
        partitions: disjoint, and exhaustive over every possible id.
    """

    source: str
    target: str
    count: int
    partitions: list[Partition]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What ``plan.json`` holds.

    Attributes:
        blobs: the places of blob stores, by side and name.
        backup: what a backup needs besides.
        executor: by name, to go on with; empty if the caller brought one.
        level: how thoroughly it is to be verified, likewise.
    """

    run: str
    created: str
    interstore: str
    source: Place
    target: Place
    request: Request
    models: list[ModelPlan]
    limits: Limits
    blobs: dict[str, str] = {}
    backup: Backup | None = None
    executor: str = ""
    level: Level = "digest"

    def differences(
        self, source: Place, target: Place, request: Request, blobs: Mapping[str, str]
    ) -> list[str]:
        """How a call differs from the one that made this plan, a sentence each."""
        pairs: list[tuple[str, Any, Any]] = [
            ("the source", self.source.identity, source.identity),
            ("the target", self.target.identity, target.identity),
            ("the models", _names(self.request.models), _names(request.models)),
            ("the map", _map(self.request.map), _map(request.map)),
            ("into", self.request.into, request.into),
            ("drop_versions", self.request.drop_versions, request.drop_versions),
            ("live", self.request.live, request.live),
            ("the transform", _transform(self.request), _transform(request)),
            ("the blobs", _map(self.blobs), _map(dict(blobs))),
            ("dangling", self.request.dangling, request.dangling),
            ("foreign", _shown(self.request.foreign), _shown(request.foreign)),
            ("the files", self.source.state, source.state),
            ("set_aside", self.request.set_aside, request.set_aside),
            ("the base", self.request.base, request.base),
            ("the compression", self.request.compression, request.compression),
        ]
        return [
            f"{name}: the run has {planned}, the call has {asked}{_CURES.get(name, '')}"
            for name, planned, asked in pairs
            if planned != asked
        ]


_CURES: Final = {
    "the blobs": " (--from-blobs and --to-blobs name them again)",
    "the files": " (files that have changed are moved by a new run, with --into merge)",
}


def _names(models: list[str] | None) -> str:
    return "all" if models is None else ", ".join(models)


def _map(map: dict[str, str]) -> str:
    return ", ".join(f"{old}:{new}" for old, new in map.items()) or "nothing"


def _transform(request: Request) -> str:
    return "none" if request.transform is None else _shown(request.transform)


def _shown(value: Any) -> str:
    return msgspec.json.encode(value).decode()
