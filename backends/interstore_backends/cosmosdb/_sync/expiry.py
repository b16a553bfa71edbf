# Generated from backends/interstore_backends/cosmosdb/_async/expiry.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: bd0064c857b86226c18e99ac

"""Documents that expire: containers that let items live for a time, and who knows of it.

A container has time to live switched on, without a default, from its first document that expires
on; each such item has a ``ttl``, by which the service removes it.
"""

from __future__ import annotations

from typing import Any, Final

from azure.cosmos.exceptions import CosmosHttpResponseError

from interstore._compat import sleep
from interstore.errors import UnavailableError
from interstore.expiry import seconds_until, unexpired
from interstore.filters.tree import Node
from interstore_backends.cosmosdb._sync.indexes import BELIEVED_SECONDS, Indexes
from interstore_backends.cosmosdb.errors import is_gone, is_unmet

__all__ = ["Expiry"]

_ATTEMPTS: Final = 20
_NO_DEFAULT: Final = -1


class Expiry(Indexes):
    """What is known of expiry, and how it begins."""

    def _living(self, model: str, tree: Node) -> Node:
        """The tree for what has not expired: the same where nothing does."""
        return unexpired(tree) if self._declared(model).expiring else tree

    def _expire(self, model: str, expires: str | None) -> None:
        """Let documents of a model expire, of which one is to be stored that does.

        Whoever takes it for granted that none does is waited for, if that expires sooner.
        """
        if expires is None or self._declared(model).expiring:
            return
        for attempt in range(_ATTEMPTS):
            properties = self._properties(model)
            if properties.get("defaultTtl") is not None:
                break
            changed = {**properties, "defaultTtl": _NO_DEFAULT}
            try:
                self._replace_container(model, changed, properties["indexingPolicy"])
            except CosmosHttpResponseError as error:
                if not is_unmet(error):
                    raise
                sleep(0.05 * (attempt + 1))
                continue
            if seconds_until(expires) <= BELIEVED_SECONDS:
                sleep(BELIEVED_SECONDS)
            break
        else:
            raise UnavailableError(
                f"the container of {model} was changed by others {_ATTEMPTS} times while this "
                "call tried to let documents expire; try again later",
                backend="cosmosdb",
                model=model,
            )
        self._learn(model, self._container(model).read())

    def _properties(self, model: str) -> Any:
        """Those of the container, which is made if there is none."""
        try:
            return self._container(model).read()
        except CosmosHttpResponseError as error:
            if not is_gone(error):
                raise
        self._make(model, expiring=True)
        return self._container(model).read()
