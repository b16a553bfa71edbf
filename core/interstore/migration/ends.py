"""The two stores of a migration, open, and how slices come by them."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from interstore._sync.operations import Operations
from interstore._sync.replicated import primary_of
from interstore._sync.store import Store
from interstore.errors import ConfigurationError
from interstore.migration.references import expand, has_secret, is_private, place_of, url_of
from interstore.migration.views import reference_of, viewed

if TYPE_CHECKING:
    from interstore.blobs._sync.store import BlobStore
    from interstore.migration.blobs.ends import BlobEnds
    from interstore.migration.executors import Reach
    from interstore.migration.increments import Increment
    from interstore.migration.references import Place
    from interstore.migration.views import Views

__all__ = ["End", "Ends", "Instant", "open_ends", "open_itself", "reference_for"]

DUAL_WRITE: Final = "dual-write"


@dataclass(frozen=True, slots=True)
class End:
    """One of the two stores.

    Attributes:
        store: the open store.
        reference: by which slices open it.
        place: where it is, without secrets.
    """

    store: Store
    reference: str
    place: Place


@dataclass(frozen=True, slots=True)
class Instant:
    """Of what moment a backup is.

    Attributes:
        live: the source itself, where what is read is its snapshot.
        tokens: by model, where to go on watching for what changes after that moment.
        at: the moment; ``None`` if each document is of a moment of its own.
        why_not: why that is so.
    """

    live: Store
    tokens: Mapping[str, str]
    at: str | None
    why_not: str


@dataclass(frozen=True, slots=True)
class Ends:
    """Both stores; a `Resolver` for slices in this process.

    Attributes:
        source: where documents are read.
        target: where they are written.
        both: the same, with how slices and messages call them.
        blobs: the blob stores of both sides; ``None`` if blobs stay where they are.
        instant: of a backup, of what moment it is.
        increment: of a backup, what `source` reads by, which can leave out what did not change.
    """

    source: Store
    target: Store
    both: tuple[End, End]
    blobs: BlobEnds | None = None
    instant: Instant | None = None
    increment: Increment | None = None

    @property
    def blobs_shown(self) -> Mapping[str, str]:
        """Where the blobs are and go, for plans and reports; nothing if they stay."""
        return {} if self.blobs is None else self.blobs.shown

    def open(self, reference: str) -> Store:
        """See `Resolver`."""
        for end in self.both:
            if end.reference == reference:
                return end.store
        raise ConfigurationError(f"there is no store {reference}")

    def open_blobs(self, reference: str, name: str) -> BlobStore:
        """See `Resolver`."""
        if self.blobs is None or reference not in self.blobs.stores:
            raise ConfigurationError(f"there is no blob store {reference}")
        return self.blobs.stores[reference]


@contextmanager
def open_ends(
    source: str | Store,
    target: str | Store,
    *,
    reach: Reach,
    create: bool,
    live: bool = False,
    views: Views | None = None,
) -> Generator[Ends]:
    """Open what is not open yet, and close it at the end.

    Args:
        source: a URL or an open store.
        target: likewise.
        reach: where slices run: in threads of this process they can use the open stores.
        create: whether a target that is not there is made. A source never is.
        live: whether records of the move are written to the source.
        views: what to read of the source, if other programs wrote it.

    Raises:
        ConfigurationError: a store is given where only a URL can be passed on, or something
            else than either.
        UnavailableError: a store cannot be reached.
    """
    with ExitStack() as stack:
        if live and isinstance(source, str):
            open_itself(expand(source), create=False).close()
        one = _open(source, "source", reach, live, stack)
        if views:
            one = _viewing(one, views)
        other = _open(target, "target", reach, create, stack)
        yield Ends(one.store, other.store, (one, other))


def _viewing(end: End, views: Views) -> End:
    """The end, as a source whose models are these views."""
    local = end.reference.startswith("store:")
    reference = end.reference if local else reference_of(end.reference, views)
    return End(viewed(end.store, views), reference, end.place)


def _open(given: str | Store, role: str, reach: Reach, create: bool, stack: ExitStack) -> End:
    if isinstance(given, Store):
        if reach != "threads":
            raise ConfigurationError(
                f"the {role} is an open store, which only threads of this process can use: pass "
                "its URL, or another executor"
            )
        return End(_fresh(given), f"store:{role}", place_of(given))
    if not isinstance(given, str):
        raise ConfigurationError(
            f"the {role} is a {type(given).__name__}: pass a URL or a Store (for an AsyncStore, "
            "its URL)"
        )
    if role == "source":
        given = url_of(given)
    store = stack.enter_context(open_itself(expand(given), create=create))
    if reach == "threads":
        return End(_fresh(store), f"store:{role}", place_of(store, given))
    if is_private(store):
        raise ConfigurationError(
            f"the {role} lives in this process only ({store.database.name}): use threads"
        )
    return End(_fresh(store), reference_for(given, role, reach, stack), place_of(store, given))


def open_itself(url: str, *, create: bool) -> Store:
    """The store of a URL, within the plugins in force but `DUAL_WRITE`: with that, it would be
    both of the stores that data moves between.
    """
    from interstore.connection import (
        open_existing,
        open_resolved,
        plugins_in_force,
        settings_in_force,
    )

    plugins = [active for active in plugins_in_force() if active.name != DUAL_WRITE]
    if create:
        return open_resolved(settings_in_force(url), plugins)
    return open_existing(url, plugins)


def _fresh(store: Store) -> Store:
    """The store, with all of its reads answered by the primary, whatever replicas there are."""
    primary = primary_of(store.database.database)
    if primary is store.database.database:
        return store
    store = copy(store)
    store.database = Operations(primary)
    return store


def reference_for(url: str, role: str, reach: Reach, stack: ExitStack) -> str:
    """`url` for orders: if it has a secret, by a variable of this process and its children.

    Raises:
        ConfigurationError: workers elsewhere would have to be sent the secret.
    """
    if not has_secret(url):
        return url
    if reach == "remote":
        raise ConfigurationError(
            f"the {role}'s URL has a secret in it, which is not sent to workers elsewhere: write "
            "${env:NAME} in its place, and set that variable where they run"
        )
    name = f"INTERSTORE_MIGRATION_{role.upper().replace(' ', '_')}_URL"
    before = os.environ.get(name)
    os.environ[name] = expand(url)
    stack.callback(_restore, name, before)
    return f"${{env:{name}}}"


def _restore(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
