"""Documents that expire: containers that let items live for a time, and who knows of it.

A container has time to live switched on, without a default, from its first document that expires
on; each such item has a ``ttl``, by which the service removes it.
"""

from __future__ import annotations

from typing import Any, Final

from azure.cosmos.exceptions import CosmosHttpResponseError

from interstore._compat_async import sleep
from interstore.errors import UnavailableError
from interstore.expiry import seconds_until, unexpired
from interstore.filters.tree import Node
from interstore_backends.cosmosdb._async.indexes import BELIEVED_SECONDS, AsyncIndexes
from interstore_backends.cosmosdb.errors import is_gone, is_unmet

__all__ = ["AsyncExpiry"]

_ATTEMPTS: Final = 20
_NO_DEFAULT: Final = -1


class AsyncExpiry(AsyncIndexes):
    """What is known of expiry, and how it begins."""

    async def _living(self, model: str, tree: Node) -> Node:
        """The tree for what has not expired: the same where nothing does."""
        return unexpired(tree) if (await self._declared(model)).expiring else tree

    async def _expire(self, model: str, expires: str | None) -> None:
        """Let documents of a model expire, of which one is to be stored that does.

        Whoever takes it for granted that none does is waited for, if that expires sooner.
        """
        if expires is None or (await self._declared(model)).expiring:
            return
        for attempt in range(_ATTEMPTS):
            properties = await self._properties(model)
            if properties.get("defaultTtl") is not None:
                break
            changed = {**properties, "defaultTtl": _NO_DEFAULT}
            try:
                await self._replace_container(model, changed, properties["indexingPolicy"])
            except CosmosHttpResponseError as error:
                if not is_unmet(error):
                    raise
                await sleep(0.05 * (attempt + 1))
                continue
            if seconds_until(expires) <= BELIEVED_SECONDS:
                await sleep(BELIEVED_SECONDS)
            break
        else:
            raise UnavailableError(
                f"the container of {model} was changed by others {_ATTEMPTS} times while this "
                "call tried to let documents expire; try again later",
                backend="cosmosdb",
                model=model,
            )
        self._learn(model, await self._container(model).read())

    async def _properties(self, model: str) -> Any:
        """Those of the container, which is made if there is none."""
        try:
            return await self._container(model).read()
        except CosmosHttpResponseError as error:
            if not is_gone(error):
                raise
        await self._make(model, expiring=True)
        return await self._container(model).read()
