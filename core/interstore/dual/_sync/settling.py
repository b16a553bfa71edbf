# Generated from core/interstore/dual/_async/settling.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: ae95a0b7b7c5aa4f38cd4504

"""`settle`: what one store holds of some documents, brought to the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from interstore._sync.operations import Operations
from interstore.errors import InterstoreError, UnavailableError
from interstore.filters.tree import In
from interstore.paths import Envelope
from interstore.prepared import Write, WriteMode

__all__ = ["settle", "state"]

_ATTEMPTS: Final = 100
"""How often documents are written that others write between."""


def settle(
    primary: Operations,
    secondary: Operations,
    model: str,
    ids: Sequence[str],
    known: Iterable[Write] | None = None,
    check: Callable[[], object] = bool,
) -> None:
    """Have `secondary` hold what `primary` holds of these documents, or be rid of them.

    What is written is read again from the primary afterwards, and written again if that has
    changed, or if the secondary kept another document. At first only versions that are greater
    are written, so that a write which is late in a queue of the secondary's does no harm.

    Args:
        primary: the store that is right.
        secondary: the store to write to.
        model: the model.
        ids: the documents.
        known: what the primary holds of them, where the caller has just written it; those of
            `ids` that are not among it are not there.
        check: called before anything is written; it raises an error if that may not be any more.

    Raises:
        InterstoreError: a store failed, or the secondary refuses a document: nothing is settled.
    """
    wanted = _by_id(known) if known is not None else _read(primary, model, ids)
    mode: WriteMode = "replace_if_newer"
    for _ in range(_ATTEMPTS):
        check()
        unsettled = _write(secondary, model, ids, wanted, mode)
        current = _read(primary, model, ids)
        ids = [
            id for id in ids if id in unsettled or state(wanted.get(id)) != state(current.get(id))
        ]
        if not ids:
            return
        wanted, mode = current, "upsert"
    raise UnavailableError(
        f"{model} {ids[0]!r} was written {_ATTEMPTS} times while it was brought to the other store",
        model=model,
        id=ids[0],
    )


def _write(
    secondary: Operations,
    model: str,
    ids: Sequence[str],
    wanted: Mapping[str, Write],
    mode: WriteMode,
) -> set[str]:
    """Write what is wanted, delete the rest; the ids of which another document was kept."""
    gone = [id for id in ids if id not in wanted]
    if len(gone) == 1:
        secondary.delete(model, gone[0])
    elif gone:
        secondary.delete_many(model, In(Envelope.ID, tuple(gone)))
    writes = [wanted[id] for id in ids if id in wanted]
    if not writes:
        return set()
    outcomes = secondary.write_page(model, writes, mode)
    for write, outcome in zip(writes, outcomes, strict=True):
        if isinstance(outcome, InterstoreError):
            outcome.id = outcome.id or write.id
            raise outcome
    kept = [write.id for write, outcome in zip(writes, outcomes, strict=True) if outcome == 0]
    if not kept:
        return set()
    stored = _read(secondary, model, kept)
    return {id for id in kept if state(stored.get(id)) != state(wanted[id])}


def _read(store: Operations, model: str, ids: Sequence[str]) -> dict[str, Write]:
    if len(ids) == 1:
        document = store.find_by_id(model, ids[0])
        return {} if document is None else {ids[0]: Write.of(document)}
    return _by_id(map(Write.of, store.find_by_ids(model, ids)))


def _by_id(writes: Iterable[Write]) -> dict[str, Write]:
    return {write.id: write for write in writes}


def state(write: Write | None) -> tuple[str, int, str] | None:
    """What tells one state of a document from every other; ``None`` if there is none."""
    return None if write is None else (write.created, write.version, write.updated)
