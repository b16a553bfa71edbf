"""The blobs of documents: where they are written, and when they are removed."""

from __future__ import annotations

import os
import warnings
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from copy import copy
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from interstore.attaching import FRESH, AttachmentRules, OnDelete, filename_of
from interstore.blobs._async.sources import AsyncSource, chunks_of, digest_of, whole
from interstore.blobs._async.store import AsyncBlobStore
from interstore.blobs.blob import BlobInfo
from interstore.blobs.content_types import extension_of, guess
from interstore.blobs.reference import BlobRef, new_key, owner_prefix, shared_key
from interstore.errors import ConfigurationError, InterstoreError, NotFoundError
from interstore.warnings import InterstoreWarning

__all__ = ["AsyncAttachments"]


class AsyncAttachments:
    """The blob stores of one store, by their names; the first is where blobs are written.

    Attributes:
        stores: the blob stores, by their names.
        rules: where in them, and what becomes of blobs.
    """

    def __init__(self, stores: Sequence[AsyncBlobStore], rules: AttachmentRules) -> None:
        if not stores:
            raise ConfigurationError("with_blobs needs at least one blob store")
        self.stores: dict[str, AsyncBlobStore] = {}
        for store in stores:
            if not isinstance(store, AsyncBlobStore):
                raise ConfigurationError(
                    f"with_blobs takes blob stores, such as of open_blobs(), not {store!r:.80}"
                )
            if store.name in self.stores:
                raise ConfigurationError(
                    f"two blob stores are called {store.name!r}: open one with another name="
                )
            self.stores[store.name] = store
        self.rules = rules
        self._later: list[BlobRef] | None = None

    def store(self, name: str | None = None) -> AsyncBlobStore:
        """The blob store of that name; the first one by default.

        Raises:
            ConfigurationError: there is none.
        """
        if name is None:
            return next(iter(self.stores.values()))
        if name not in self.stores:
            raise ConfigurationError(
                f"there is no blob store {name!r} here, but {', '.join(self.stores)}: pass it to "
                f"with_blobs as well, opened with name={name!r}"
            )
        return self.stores[name]

    async def put(
        self,
        blobs: AsyncBlobStore,
        model: str,
        id: str,
        source: AsyncSource,
        *,
        content_type: str | None,
        metadata: Mapping[str, str] | None,
        deduplicate: bool | None,
    ) -> BlobRef:
        """Write the content of an attachment, and return the reference to it."""
        name = filename_of(source)
        kind = content_type or guess(name)
        arguments: dict[str, Any] = {"metadata": metadata}
        if blobs.capabilities.metadata:
            arguments["content_type"] = kind
        if not guess(name) and content_type:
            name += extension_of(content_type)
        key = new_key(self.rules.prefix, model, id, name)
        if self.rules.deduplicate if deduplicate is None else deduplicate:
            info, digest = await self._put_shared(blobs, key, source, arguments)
        else:
            info, digest = await _put(blobs, key, source, arguments)
        return BlobRef(
            store=blobs.name,
            key=info.key,
            size=info.size,
            sha256=digest,
            content_type=kind or info.content_type,
        )

    async def _put_shared(
        self, blobs: AsyncBlobStore, draft: str, source: AsyncSource, arguments: dict[str, Any]
    ) -> tuple[BlobInfo, str]:
        """Write a content under the key that is made of it, unless it is there."""
        data = whole(source)
        digest = await digest_of(source) if data is None else sha256(data).hexdigest()
        if digest is None:  # to be read once only
            _, digest = await _put(blobs, draft, source, arguments)
            return await blobs.move(draft, shared_key(self.rules.prefix, digest)), digest
        key = shared_key(self.rules.prefix, digest)
        try:
            info = await blobs.stat(key)
        except NotFoundError:
            pass
        else:
            # An old one may be about to be removed, by who saw that nothing refers to it.
            if info.sha256 in (None, digest) and datetime.now(UTC) - info.modified < FRESH:
                return info, digest
        return await blobs.put(key, source, **arguments), digest

    async def discard(self, ref: BlobRef) -> None:
        """Remove a blob that was written for a document which does not refer to it."""
        if not self.rules.is_shared(ref.key):
            await self._remove([ref])

    async def release(
        self,
        model: str,
        id: str,
        refs: Iterable[BlobRef],
        remaining: Iterable[BlobRef],
        policy: OnDelete | None,
    ) -> None:
        """Remove the blobs to which a document does not refer any more, as far as it owns them.

        Within a transaction, once it is committed.
        """
        if self.rules.policy(model, policy) == "keep":
            return
        owned = owner_prefix(self.rules.prefix, model, id)
        kept = {(ref.store, ref.key) for ref in remaining}
        gone = [
            ref
            for ref in refs
            if ref.store in self.stores
            and ref.key.startswith(owned)
            and (ref.store, ref.key) not in kept
        ]
        if self._later is None:
            await self._remove(gone)
        else:
            self._later += gone

    async def _remove(self, refs: Sequence[BlobRef]) -> None:
        for name in dict.fromkeys(ref.store for ref in refs):
            keys = [ref.key for ref in refs if ref.store == name]
            try:
                await self.stores[name].delete_many(keys)
            except InterstoreError as error:
                # The documents are as they should be: an error would say that they are not.
                warnings.warn(
                    f"no document refers to the blob {keys[0]!r} any more, but it could not be "
                    f"removed ({error}); `interstore blobs check --delete-orphans` does it later",
                    InterstoreWarning,
                    stacklevel=2,
                )

    def in_transaction(self) -> AsyncAttachments:
        """The same, but blobs are removed by `end_transaction`."""
        attachments = copy(self)
        attachments._later = []
        return attachments

    async def end_transaction(self) -> None:
        """Remove what is to be removed now that the transaction is committed."""
        later, self._later = self._later or [], []
        await self._remove(later)


async def _put(
    blobs: AsyncBlobStore, key: str, source: AsyncSource, arguments: dict[str, Any]
) -> tuple[BlobInfo, str]:
    """Write a blob; what is known of it, and its digest even where the store keeps none."""
    data = whole(source)
    if data is not None:
        info = await blobs.put(key, data, **arguments)
        return info, info.sha256 or sha256(data).hexdigest()
    twice = isinstance(source, os.PathLike) or hasattr(source, "seekable")
    if blobs.capabilities.digest and (blobs.capabilities.late_digest or twice):
        info = await blobs.put(key, source, **arguments)
        if info.sha256 is not None:
            return info, info.sha256
        # A file that cannot be read twice, on a store that wants the digest first.
        return info, await _digest_of_blob(blobs, key)
    digest = sha256()

    async def hashed() -> AsyncIterator[bytes]:
        async for chunk in chunks_of(source):
            digest.update(chunk)
            yield chunk

    return await blobs.put(key, hashed(), **arguments), digest.hexdigest()


async def _digest_of_blob(blobs: AsyncBlobStore, key: str) -> str:
    digest = sha256()
    async with blobs.open(key) as file:
        async for chunk in file:
            digest.update(chunk)
    return digest.hexdigest()
