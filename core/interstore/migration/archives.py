"""Archives as one end of a run, which is then a backup or a restore; and those in a folder."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from interstore.errors import ConfigurationError, CorruptionError
from interstore.migration.chunks import (
    Backup,
    ChunkTarget,
    Contents,
    HeldBlobs,
    ModelContents,
    Sums,
    archive_of,
    request_text,
)
from interstore.migration.indexes import indexes_of
from interstore.migration.plan import Plan, Request
from interstore.migration.report import Blocker, ModelVerification, Verification
from interstore.migration.state import ModelState
from interstore.times import now

if TYPE_CHECKING:
    from interstore._sync.operations import Operations
    from interstore.migration.ends import Ends
    from interstore.migration.progress import Control, Phase

__all__ = [
    "Archive",
    "blobs_left",
    "check_archives",
    "find_archives",
    "held_blobs",
    "list_chunks",
    "look_into",
    "newest_archive",
    "open_archive",
    "prune_archives",
    "seal",
    "sibling",
]


class Archive(NamedTuple):
    """An archive: where it is, and what it holds."""

    place: str
    contents: Contents

    @property
    def name(self) -> str:
        """Of its folder."""
        return self.place.rpartition("/")[2]


def check_archives(ends: Ends, request: Request, control: Control) -> list[Blocker]:
    """What stands against reading from, or writing to, an archive.

    Raises:
        Stopped: the caller asked to.
    """
    blockers: list[Blocker] = []
    if (archive := archive_of(ends.target.database)) is not None:
        if archive.contents() is not None:
            message = (
                "the target is an archive already, and archives do not change: choose a new name"
            )
            blockers.append(Blocker(code="not-empty", message=message))
        if request.into != "empty":
            message = f"an archive is always new: into {request.into!r} is for other targets"
            blockers.append(Blocker(code="archive-into", message=message))
    elif request.compression != "gzip":
        message = f"compression {request.compression!r} is for archives, and the target is none"
        blockers.append(Blocker(code="compression", message=message))
    if (archive := archive_of(ends.source.database)) is not None:
        damage = _damage(archive, "check", control)
        blockers += [Blocker(code="damaged", message=message) for message in damage]
        contents = archive.contents()
        if ends.blobs is not None and contents is not None and contents.blobs is None:
            message = "the archive has no blobs in it: restore without --blobs"
            blockers.append(Blocker(code="no-blobs", message=message))
    return blockers


def blobs_left(ends: Ends) -> list[str]:
    """A note, if the archive that is read has blobs, and nobody said where they are to go."""
    archive = archive_of(ends.source.database)
    contents = None if archive is None else archive.contents()
    if ends.blobs is not None or contents is None or contents.blobs is None:
        return []
    return ["the archive has blobs, which stay in it: --blobs says where they are to go"]


def held_blobs(states: Iterable[ModelState]) -> HeldBlobs:
    """What the manifest says of the blobs that were written."""
    counts = [state.blobs for state in states]
    return HeldBlobs(
        references=sum(part.references for part in counts),
        absent=sorted(
            {(item.store, item.key, item.sha256) for part in counts for item in part.problems}
        ),
    )


def list_chunks(
    archive: ChunkTarget,
    plan: Plan,
    states: Mapping[str, ModelState],
    source: Operations,
    *,
    as_of: str | None,
    blobs: HeldBlobs | None,
) -> None:
    """Write the manifest: from then on the archive is one, though nobody has read it again."""
    backup = plan.backup or Backup()
    contents = Contents(
        source=plan.source.shown,
        began=plan.created,
        ended=now(),
        checked=None,
        models={
            model.target: _contents(states[model.source], source, model.source, backup)
            for model in plan.models
        },
        as_of=as_of,
        blobs=blobs,
        base=backup.base,
        identity=plan.source.identity,
        request=request_text(plan.request.transform),
        compression=plan.request.compression,
    )
    archive.publish(contents)


def seal(archive: ChunkTarget, plan: Plan, control: Control) -> Verification:
    """Read all of it again, and call it good if it is what was read first.

    An archive that was found good before is not written again: others may stand on it.

    Raises:
        Stopped: the caller asked to.
    """
    contents = archive.contents()
    assert contents is not None
    damage = _damage(archive, "verify", control, bases=False)
    if not damage and contents.checked is None:
        archive.publish(replace(contents, checked=now()))
    verification = Verification(
        level="full",
        compared="the files of the archive, and every document in them with what was read",
        damage=damage,
    )
    for model in plan.models:
        held = contents.models[model.target]
        verification.models.append(
            ModelVerification(
                source=model.source,
                target=model.target,
                source_count=held.sums.count,
                target_count=held.sums.count,
                source_digest=held.sums.content,
                target_digest=held.sums.content,
                ok=not damage,
            )
        )
    return verification


def _damage(
    archive: ChunkTarget, phase: Phase, control: Control, *, bases: bool = True
) -> list[str]:
    """What is damaged in an archive; its caller hears how far the reading is."""
    contents = archive.contents()
    held = () if contents is None else contents.models.values()
    control.begin(phase, sum(model.sums.count for model in held))
    return archive.damage(bases=bases, on_read=control.read)


def _contents(state: ModelState, source: Operations, model: str, backup: Backup) -> ModelContents:
    return ModelContents(
        indexes=indexes_of(source, model),
        chunks=state.chunks,
        sums=Sums.total([chunk.sums for chunk in state.chunks]),
        token=backup.tokens.get(model),
        changed=backup.changed.get(model),
    )


@contextmanager
def open_archive(place: str) -> Generator[tuple[ChunkTarget, Contents]]:
    """The archive at a place, and what it holds.

    Raises:
        ConfigurationError: there is none.
        CorruptionError: its manifest is damaged.
    """
    with _open(place) as archive:
        contents = archive.contents()
        if contents is None:
            raise ConfigurationError(
                f"there is no archive at {place!r}: it has no manifest, which a backup writes last"
            )
        yield archive, contents


def look_into(folder: str) -> tuple[list[Archive], list[str]]:
    """The archives right below a folder, the oldest first; and what is wrong with the manifests
    of those that cannot be listed.
    """
    with _open(folder) as parent:
        names = parent.below()
    found: list[Archive] = []
    damaged: list[str] = []
    for name in names:
        place = f"{folder.rstrip('/')}/{name}"
        try:
            with _open(place) as archive:
                contents = archive.contents()
        except CorruptionError as error:  # one of them must not hide the others
            damaged.append(str(error))
            continue
        if contents is not None:
            found.append(Archive(place, contents))
    return sorted(found, key=lambda archive: archive.contents.ended), damaged


def find_archives(folder: str) -> list[Archive]:
    """The archives right below a folder, the oldest first; none with a damaged manifest."""
    return look_into(folder)[0]


def prune_archives(folder: str, keep: int) -> list[str]:
    """Remove all archives of a folder but the newest; return where they were.

    Only archives that are whole count and are removed: what another backup is writing stays. So
    does what an archive stands on that is kept.

    Raises:
        CorruptionError: the manifest of one cannot be used, so that nobody knows on what it
            stands. Nothing is removed.
    """
    every, damaged = look_into(folder)
    if damaged:
        raise CorruptionError(
            f"{damaged[0]}: no older archive is removed until that one is mended or removed"
        )
    found = [archive for archive in every if archive.contents.checked]
    needed = _needed(every, found[-keep:])
    old = [archive.place for archive in found[:-keep] if archive.name not in needed]
    for place in reversed(old):  # an increment before what it stands on
        with _open(place) as archive:
            archive.remove()
    return old


def _needed(archives: Iterable[Archive], kept: Iterable[Archive]) -> set[str]:
    """The names of all archives on which those stand that are kept, or are not whole yet."""
    by_name = {archive.name: archive for archive in archives}
    unfinished = [archive for archive in by_name.values() if not archive.contents.checked]
    names = set[str]()
    for archive in [*kept, *unfinished]:
        base = archive.contents.base
        while base is not None and base.name not in names:
            names.add(base.name)
            below = by_name.get(base.name)
            base = below.contents.base if below is not None else None
    return names


def newest_archive(folder: str) -> str | None:
    """Where the newest archive of a folder is that was found good."""
    good = [archive.place for archive in find_archives(folder) if archive.contents.checked]
    return good[-1] if good else None


def sibling(place: str, base: str) -> str:
    """The name of the archive `base`, which is in the same folder as the archive at `place`.

    Raises:
        ConfigurationError: it is not.
    """
    (folder, name), (other, base_name) = _parted(place), _parted(base)
    if folder != other or name == base_name:
        raise ConfigurationError(
            f"the base {base!r} must be in the same folder as the new archive {place!r}, so that "
            "they stay together"
        )
    return base_name


def _parted(place: str) -> tuple[str, str]:
    """The folder in which an archive is, and its name there."""
    if "://" not in place:
        place = os.path.abspath(place)
    folder, _, name = place.rstrip("/").rpartition("/")
    return folder, name


@contextmanager
def _open(place: str) -> Generator[ChunkTarget]:
    from interstore.connection import open_existing

    with open_existing(f"archive:{place}") as store:
        archive = archive_of(store.database)
        assert archive is not None
        yield archive
