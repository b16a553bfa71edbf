"""Backups as of one instant: the source's snapshot in the place of the source."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING

from interstore._sync.store import Store
from interstore.errors import ConfigurationError, UnsupportedError
from interstore.migration.chunks import archive_of
from interstore.migration.ends import Instant
from interstore.migration.increments import Increment
from interstore.times import now

if TYPE_CHECKING:
    from interstore.migration.ends import Ends
    from interstore.migration.executors import Reach

__all__ = ["at_one_instant"]


@contextmanager
def at_one_instant(ends: Ends, *, reach: Reach, wanted: bool) -> Generator[Ends]:
    """The ends of a backup, with a source that does not change; else as they are.

    What changes after the instant is known by the tokens, which are taken before.
    """
    database = ends.source.database
    if archive_of(ends.target.database) is None or archive_of(database) is not None:
        yield ends
        return
    why_not = ""
    if not wanted:
        why_not = "that was not wanted"
    elif not database.capabilities.snapshot:
        why_not = f"{database.name} has no snapshots"
    elif reach != "threads":
        why_not = "other processes did the work, which do not share a snapshot"
    tokens = _tokens(ends.source)
    with ExitStack() as stack:
        snapshot = ends.source
        if not why_not:
            try:
                snapshot = stack.enter_context(ends.source.snapshot())
            except UnsupportedError as error:  # such as a MongoDB that is a single server
                why_not = str(error)
        instant = Instant(
            live=ends.source, tokens=tokens, at=None if why_not else now(), why_not=why_not
        )
        increment = None
        if reach == "threads":
            snapshot = copy(snapshot)
            increment, operations = Increment.over(snapshot.database, ends.target.database)
            snapshot.database = operations
        one, other = ends.both
        yield replace(
            ends,
            source=snapshot,
            both=(replace(one, store=snapshot), other),
            instant=instant,
            increment=increment,
        )


def _tokens(source: Store) -> dict[str, str]:
    """Where the changes of each model go on that come from now on, of those that are recorded."""
    tokens: dict[str, str] = {}
    capabilities = source.database.capabilities
    if not (capabilities.watch_deletes and capabilities.models):
        return tokens
    for model in source.models():
        try:
            with source.watch(model) as changes:
                tokens[model] = changes.start()
        except (ConfigurationError, UnsupportedError):  # they are not recorded
            continue
    return tokens
