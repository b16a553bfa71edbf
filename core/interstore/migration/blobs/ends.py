"""The blob stores of both sides of a run, open, and how slices come by them."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from interstore.blobs._sync.store import BlobStore
from interstore.errors import ConfigurationError
from interstore.migration.blobs.sides import NamedBlobs, Side
from interstore.migration.chunks import archive_of
from interstore.migration.references import expand, hidden

if TYPE_CHECKING:
    from interstore._sync.operations import Operations
    from interstore._sync.store import Store
    from interstore.migration.ends import Ends
    from interstore.migration.executors import Reach
    from interstore.migration.references import Resolver

__all__ = ["BlobEnds", "BlobOrder", "BlobsArgument", "open_blob_ends", "sides_of"]

BlobsArgument: TypeAlias = "str | BlobStore | Mapping[str, str | BlobStore]"
"""A blob store or its URL, for the name ``"default"``; or several, by their names."""


class BlobOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a slice is to do with blobs.

    Attributes:
        source: references to the blob stores of the source, by name; none of an archive.
        target: likewise of the target.
        replace: whether another content under a blob's key is written over.
        stop: whether a reference to nothing stops the run.
        mend: whether an order to compare blobs writes those that are missing or different.
    """

    source: dict[str, str] = {}
    target: dict[str, str] = {}
    replace: bool = False
    stop: bool = False
    mend: bool = False


@dataclass(frozen=True, slots=True)
class BlobEnds:
    """The blob stores of both sides.

    Attributes:
        order: what slices are told of them.
        stores: those that are open here, by reference.
        shown: for plans and reports, each by its side and name.
    """

    order: BlobOrder
    stores: Mapping[str, BlobStore] = field(default_factory=dict)
    shown: Mapping[str, str] = field(default_factory=dict)

    def named(self, side: Mapping[str, str]) -> dict[str, BlobStore]:
        """Those of one side, by name, as they are open here."""
        return {name: self.stores[reference] for name, reference in side.items()}


@contextmanager
def open_blob_ends(
    ends: Ends,
    from_blobs: BlobsArgument | None,
    to_blobs: BlobsArgument | None,
    *,
    reach: Reach,
) -> Generator[Ends]:
    """The ends with their blobs, if both sides have any: given here, or with the stores.

    Raises:
        ConfigurationError: only one side's blobs are given, or not all names of the source's.
        InterstoreError: a blob store cannot be opened.
    """
    given = _given(ends.source, from_blobs), _given(ends.target, to_blobs)
    archives = [archive_of(store.database) is not None for store in (ends.source, ends.target)]
    _check_sides(given, archives, from_blobs is not None, to_blobs is not None)
    if not all(side or archive for side, archive in zip(given, archives, strict=True)) or all(
        archives
    ):
        yield ends
        return
    with ExitStack() as stack:
        opened = [
            _opened(side, role, reach, stack)
            for side, role in zip(given, ("source", "target"), strict=True)
        ]
        stores = {ref: store for side in opened for ref, store, _ in side.values()}
        shown = {
            f"{role}:{name}": place
            for side, role in zip(opened, ("source", "target"), strict=True)
            for name, (_, _, place) in side.items()
        }
        one, other = ({name: ref for name, (ref, _, _) in side.items()} for side in opened)
        blobs = BlobEnds(BlobOrder(source=one, target=other), stores, shown)
        yield replace(ends, blobs=blobs)


def _given(store: Store, blobs: BlobsArgument | None) -> dict[str, str | BlobStore]:
    if blobs is None:
        from interstore._sync.with_blobs import StoreWithBlobs

        return dict(store.blobs) if isinstance(store, StoreWithBlobs) else {}
    named = dict(blobs) if isinstance(blobs, Mapping) else {"default": blobs}
    for name, place in named.items():
        if not isinstance(place, (str, BlobStore)):
            raise ConfigurationError(
                f"the blobs {name!r} are a {type(place).__name__}: pass a URL or a BlobStore"
            )
    return named


def _check_sides(
    given: tuple[dict[str, str | BlobStore], dict[str, str | BlobStore]],
    archives: list[bool],
    from_blobs: bool,
    to_blobs: bool,
) -> None:
    one, other = given
    for is_archive, said, role in (
        (archives[0], from_blobs, "source"),
        (archives[1], to_blobs, "target"),
    ):
        if is_archive and said:
            raise ConfigurationError(
                f"the {role} is an archive, which has its blobs in it: name the other side's only"
            )
    if from_blobs and not (other or archives[1]):
        raise ConfigurationError("say where the blobs go: to_blobs (--to-blobs URL)")
    if to_blobs and not (one or archives[0]):
        raise ConfigurationError("say where the blobs are: from_blobs (--from-blobs URL)")
    missing = [name for name in one if name not in other]
    if one and other and missing:
        raise ConfigurationError(
            f"the source's blob store {missing[0]!r} has no counterpart of that name in the "
            f"target, which has {', '.join(map(repr, other))}: documents name it"
        )


def _opened(
    side: dict[str, str | BlobStore], role: str, reach: Reach, stack: ExitStack
) -> dict[str, tuple[str, BlobStore, str]]:
    """By name: the reference of slices, the open store, and how it is shown."""
    from interstore.migration.ends import reference_for

    found: dict[str, tuple[str, BlobStore, str]] = {}
    for name, place in side.items():
        inside = f"blobs:{role}:{name}"
        if isinstance(place, BlobStore):
            if reach != "threads":
                raise ConfigurationError(
                    f"the blobs {name!r} of the {role} are an open store, which only threads of "
                    "this process can use: pass the URL, or another executor"
                )
            found[name] = inside, place, f"a store of {place.backend}"
            continue
        store = stack.enter_context(open_named(place, name))
        if reach == "threads":
            found[name] = inside, store, hidden(place)
        else:
            if not store.capabilities.persistent:
                raise ConfigurationError(
                    f"the blobs {name!r} of the {role} live in this process only: use threads"
                )
            reference = reference_for(place, f"{role} blobs {name}", reach, stack)
            found[name] = reference, store, hidden(place)
    return found


def open_named(reference: str, name: str) -> BlobStore:
    """The blob store at a URL, in which ``${env:NAME}`` stands for a variable."""
    from interstore.blobs.opening import open_blobs

    return open_blobs(expand(reference), name=None if name == "default" else name)


def sides_of(
    order: BlobOrder, resolver: Resolver, source: Operations, target: Operations
) -> tuple[Side, Side]:
    """Both sides of an order, for a slice."""
    one = _side(order.source, resolver, source)
    return one, _side(order.target, resolver, target)


def _side(references: Mapping[str, str], resolver: Resolver, operations: Operations) -> Side:
    archive = archive_of(operations)
    if archive is not None:
        return archive.blobs()
    return NamedBlobs(
        {name: resolver.open_blobs(reference, name) for name, reference in references.items()}
    )
