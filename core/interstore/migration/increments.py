"""Incremental backups: what changed since an archive, and that archive beneath.

The ids of what changed are read from the source's recorded changes, which begin where the base's
token stands: before the base was read. The documents are then read as they are now; one that
is not there has been deleted. So what the base has and no list of ids names is what it was, and
it does no harm if the base has a change already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import groupby, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, cast

from interstore.blobs.spill import SortedRows
from interstore.errors import (
    ConfigurationError,
    CorruptionError,
    InvalidQueryError,
    ResumeExpiredError,
)
from interstore.filters.tree import ALL, Node
from interstore.migration.archives import open_archive, sibling
from interstore.migration.chunks import (
    Backup,
    Base,
    ChunkTarget,
    Contents,
    Ids,
    archive_of,
    request_text,
)
from interstore.migration.report import Blocker
from interstore.prepared import Partition, ScanPage

if TYPE_CHECKING:
    from interstore._sync.operations import Operations
    from interstore._sync.store import Store
    from interstore.migration.ends import Ends
    from interstore.migration.plan import Request

__all__ = ["Increment", "plan_backup"]

IDS_PER_FILE: Final = 50_000

_CURE: Final = "make a full backup (without --base)"


class Increment:
    """Operations that give of some models only the documents of given ids.

    Attributes:
        changed: by model, files of an archive with the ids; the others are given whole.
    """

    def __init__(self, operations: Operations, target: Operations) -> None:
        self._operations = operations
        self._target = target
        self._last: tuple[Ids, list[str]] | None = None
        self.changed: Mapping[str, Sequence[Ids]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._operations, name)

    @classmethod
    def over(cls, operations: Operations, target: Operations) -> tuple[Increment, Operations]:
        """One, and the same as the operations that it stands for."""
        increment = cls(operations, target)
        return increment, cast("Operations", increment)

    def count(self, model: str, tree: Node) -> int:
        """How many ids changed; or, of another model, how many documents match."""
        if model in self.changed and tree == ALL:
            return sum(each.count for each in self.changed[model])
        return self._operations.count(model, tree)

    def partitions(self, model: str, n: int) -> list[Partition]:
        """One for each file of ids."""
        if model in self.changed:
            return [Partition(token=number) for number in range(len(self.changed[model]))]
        return self._operations.partitions(model, n)

    def scan(self, model: str, partition: Partition, after: Any, limit: int) -> ScanPage:
        """The documents that exist of the next ids; `after` is how many were taken."""
        if model not in self.changed:
            return self._operations.scan(model, partition, after, limit)
        ids = self._ids(self.changed[model][partition.token])
        first = after or 0
        taken = ids[first : first + limit]
        documents = self._operations.find_by_ids(model, taken)
        end = first + len(taken)
        return ScanPage(documents, end if end < len(ids) else None)

    def _ids(self, file: Ids) -> list[str]:
        """The ids in a file; the last ones are kept, as pages are read in order."""
        last = self._last
        if last is None or last[0] != file:
            archive = archive_of(self._target)
            assert archive is not None
            last = self._last = file, archive.read_ids(file)
        return last[1]


def plan_backup(
    ends: Ends,
    request: Request,
    pairs: Sequence[tuple[str, str]],
    *,
    dry: bool,
    on_change: Callable[[int], object],
) -> tuple[Backup | None, list[Blocker]]:
    """What the plan of a backup holds besides, and what stands against an incremental one.

    Args:
        ends: the stores.
        request: what the caller asked for; its `base` is the archive to stand on.
        pairs: the models: the name in the source, and the name in the archive.
        dry: whether nothing may be written, so that no ids are collected.
        on_change: called with 1 for each change that was read.

    Raises:
        Stopped: `on_change` says so.
        InterstoreError: the source or the archive cannot be read.
    """
    archive, instant = archive_of(ends.target.database), ends.instant
    if archive is None or instant is None:
        return None, [] if request.base is None else [_blocker("the target is no archive")]
    backup = Backup(tokens=dict(instant.tokens))
    if request.base is None:
        return backup, []
    base, contents, blocker = _base_of(ends, request, archive)
    if blocker is not None or base is None or contents is None:
        return backup, [blocker] if blocker else []
    changed: dict[str, list[Ids]] = {}
    for source, target in pairs:
        held = contents.models.get(target)
        if held is None or held.token is None:
            continue
        try:
            with ExitStack() as stack:
                rows = stack.enter_context(SortedRows())
                _read_changes(instant.live, source, held.token, rows, on_change)
                changed[source] = (
                    []
                    if dry
                    else [
                        archive.write_ids(target, ids, request.compression) for ids in _pages(rows)
                    ]
                )
        except (ConfigurationError, InvalidQueryError, ResumeExpiredError) as error:
            why = f"what changed in {source} since the base is not known: {error}"
            return backup, [_blocker(why, code="resume-expired", model=source)]
    if not changed:
        return backup, [
            _blocker(
                "no changes were recorded since the base",
                cure=f"call enable_watch(model) once for each model, and {_CURE}",
            )
        ]
    return Backup(tokens=backup.tokens, base=base, changed=changed), []


def _base_of(
    ends: Ends, request: Request, archive: ChunkTarget
) -> tuple[Base | None, Contents | None, Blocker | None]:
    """The archive to stand on, if it is one on which this backup can."""
    assert request.base is not None
    if ends.increment is None:
        return (
            None,
            None,
            _blocker("the work is done in other processes", cure=f"use threads, or {_CURE}"),
        )
    if not ends.source.database.capabilities.watch_deletes:
        name = ends.source.database.name
        return None, None, _blocker(f"{name} does not tell what was deleted")
    try:
        name = sibling(archive.place, request.base)
        with open_archive(request.base) as (found, contents):
            found.chain()
            identity = found.identity()
    except (ConfigurationError, CorruptionError) as error:
        return None, None, Blocker(code="base", message=str(error))
    return Base(name=name, sha256=identity), contents, _mismatch(ends, request, contents)


def _mismatch(ends: Ends, request: Request, base: Contents) -> Blocker | None:
    if base.checked is None:
        return _blocker("the base was not found good when it was made")
    if base.identity != ends.both[0].place.identity:
        return _blocker(f"the base is of another source, {base.source}")
    if base.request != request_text(request.transform):
        return _blocker("the base was made with another --where or transform")
    if request.transform is not None and not request.transform.keeps_ids:
        return _blocker("the transform changes ids, so nobody knows what the changes are about")
    if (base.blobs is None) != (ends.blobs is None):
        return _blocker("the base was made with blobs, and this one without, or the reverse")
    return None


def _blocker(
    why: str, *, cure: str = _CURE, code: str = "base", model: str | None = None
) -> Blocker:
    return Blocker(code=code, message=why, cure=cure, model=model)


def _read_changes(
    source: Store, model: str, token: str, rows: SortedRows, on_change: Callable[[int], object]
) -> None:
    """All that were made before this call: others may write faster than they can be read."""
    with source.watch(model, since=token) as changes:
        while (change := changes.next(0)) is not None:
            rows.add((change.id,))
            on_change(1)
            if changes.caught_up:
                return


def _pages(rows: SortedRows) -> Iterator[list[str]]:
    """The ids for each file, each id once, in order."""
    ids = (id for id, _ in groupby(map(itemgetter(0), rows)))
    while page := list(islice(ids, IDS_PER_FILE)):
        yield page
