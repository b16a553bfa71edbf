"""The engine for blobs in Azure Blob Storage."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from azure.core import MatchConditions
from azure.storage.blob import BlobBlock, BlobSasPermissions, ContentSettings, generate_blob_sas
from azure.storage.blob.aio import (
    BlobClient,
    BlobServiceClient,
    ContainerClient,
    ExponentialRetry,
)

from interstore.blobs.blob import BlobEntry, BlobHead, BlobInfo, UrlGrant
from interstore.blobs.content_types import UNKNOWN
from interstore.blobs.problems import changed, exists, missing
from interstore.errors import ConfigurationError, UnavailableError
from interstore_backends._blobs.deadlines import deadline
from interstore_backends._blobs.heads import decode_metadata, encode_metadata, sha256_of
from interstore_backends._blobs.names import CAREFUL
from interstore_backends.blobs_azure import CAPABILITIES
from interstore_backends.blobs_azure.errors import (
    CAUGHT,
    is_missing,
    is_overtaken,
    is_unmet,
    status_of,
    translated,
)
from interstore_backends.blobs_azure.settings import AzureBlobsSettings
from interstore_backends.blobs_azure.writer import AzureWriter

__all__ = ["AzureBlobs"]

_AT_ONCE: Final = 16
_ATTEMPTS: Final = 4
"""How often content at hand is sent, while other writes of the same blob discard its blocks."""
_PAGE: Final = 1000
_WHOLE: Final = 2**20
"""Bytes that one request may bring: aiohttp blocks the event loop for them."""


class AzureBlobs:
    """Blobs in a container."""

    name = "azure"
    capabilities = CAPABILITIES

    def __init__(self, settings: AzureBlobsSettings) -> None:
        self._settings = settings
        self._service: BlobServiceClient | None = None
        self._native: Any = None
        scope = settings.encryption_scope
        self._encryption: dict[str, Any] = {} if scope is None else {"encryption_scope": scope}
        if "AccountKey=" not in settings.account_string():
            self.capabilities = replace(CAPABILITIES, signed_get=False, signed_put=False)
        self.part_size = settings.part_size
        self.whole = min(settings.part_size, _WHOLE)
        self.place = f"the container {settings.container!r}"

    @property
    def native(self) -> Any:
        """The `adlfs.AzureBlobFileSystem` of the account, on fsspec's own thread."""
        if self._native is None:
            from adlfs import AzureBlobFileSystem  # type: ignore[import-untyped]

            self._native = AzureBlobFileSystem(
                connection_string=self._settings.account_string(),
                use_listings_cache=False,
                skip_instance_cache=True,
            )
        return self._native

    async def connect(self) -> None:
        if self._service is not None:
            return
        try:
            self._service = BlobServiceClient.from_connection_string(
                self._settings.account_string(),
                connection_timeout=min(self._settings.timeout, 10.0),
                read_timeout=self._settings.timeout,
                # Microsoft's own pauses are of 15 s and more.
                retry_policy=ExponentialRetry(
                    initial_backoff=0, increment_base=2, retry_total=3, random_jitter_range=1
                ),
                max_single_get_size=self.part_size,
                max_chunk_get_size=self.part_size,
                max_single_put_size=2**62,
            )
        except ValueError:
            raise ConfigurationError(
                "AZURE_STORAGE_CONNECTION_STRING is not one of Azure Storage", backend=self.name
            ) from None
        try:
            with self._errors():
                async for _ in self._container.list_blob_names(results_per_page=1):
                    break
        except BaseException:
            await self.disconnect()
            raise

    async def disconnect(self) -> None:
        service, self._service = self._service, None
        self._native = None
        if service is not None:
            await service.close()

    @property
    def _container(self) -> ContainerClient:
        if self._service is None:
            raise UnavailableError(f"{self.place} is not connected", backend=self.name)
        return self._service.get_container_client(self._settings.container)

    def _blob(self, key: str) -> BlobClient:
        return self._container.get_blob_client(CAREFUL.name(key))

    @contextmanager
    def _errors(self, key: str | None = None) -> Generator[None]:
        try:
            yield
        except CAUGHT as error:
            raise translated(error, self.place, key) from error

    # Reading

    async def stat(self, key: str) -> BlobInfo | None:
        with self._errors(key):
            try:
                return _info(key, await self._blob(key).get_blob_properties())
            except CAUGHT as error:
                if is_missing(error):
                    return None
                raise

    async def open(self, key: str, start: int, end: int | None) -> _Reader:
        info = await self.stat(key)
        if info is None:
            raise missing(key, self.name)
        return _Reader(self, info, start, info.size if end is None else min(end, info.size))

    async def read(self, info: BlobInfo, start: int, size: int) -> bytes:
        """Some bytes of one version of a blob."""
        with self._errors(info.key):
            try:
                stream = await self._blob(info.key).download_blob(
                    start,
                    size,
                    etag=f'"{info.etag}"',
                    match_condition=MatchConditions.IfNotModified,
                )
                return await stream.readall()
            except CAUGHT as error:
                if is_unmet(error) or is_missing(error):
                    raise await self._changed(info.key, info.etag) from None
                raise

    async def get(self, key: str, start: int, end: int | None) -> tuple[BlobInfo, bytes]:
        length = None if end is None else end - start
        if length != 0:
            with self._errors(key):
                try:
                    stream = await self._blob(key).download_blob(
                        start or None if length is None else start, length
                    )
                    return _info(key, stream.properties), await stream.readall()
                except CAUGHT as error:
                    if is_missing(error):
                        raise missing(key, self.name) from None
                    if status_of(error) != 416:  # the range begins behind the end
                        raise
        info = await self.stat(key)
        if info is None:
            raise missing(key, self.name)
        return info, b""

    async def page(
        self, prefix: str, after: str, limit: int, delimiter: str | None
    ) -> list[BlobEntry]:
        entries: list[BlobEntry] = []
        common = after if delimiter and after.endswith(delimiter) and after > prefix else None
        with self._errors():
            async for key, found in self._listed(prefix, after):
                if key <= after or (common is not None and key.startswith(common)):
                    continue
                cut = key.find(delimiter, len(prefix)) if delimiter else -1
                if delimiter is None or cut < 0:
                    entries.append(BlobEntry(key, found.size, _utc(found.last_modified)))
                else:
                    common = key[: cut + len(delimiter)]
                    entries.append(BlobEntry(common))
                if len(entries) >= limit:
                    break
        return entries

    async def _listed(self, prefix: str, after: str) -> AsyncIterator[tuple[str, Any]]:
        name = CAREFUL.name(after)
        start: dict[str, Any] = {"start_from": name} if after > prefix else {}
        async for found in self._container.list_blobs(
            CAREFUL.name(prefix) or None, results_per_page=_PAGE, **start
        ):
            key = CAREFUL.key(found.name)
            if key is not None:
                yield key, found

    # Writing

    async def begin(self, key: str, head: BlobHead, **conditions: Any) -> AzureWriter:
        return AzureWriter(self, key, head, _given(conditions))

    async def put(self, key: str, data: bytes, head: BlobHead, **conditions: Any) -> BlobInfo:
        if len(data) <= self.whole:
            return await self.put_digested(key, data, head, head.sha256, _given(conditions))
        for attempt in range(_ATTEMPTS):
            writer = AzureWriter(self, key, head, _given(conditions))
            await writer.write(data)
            try:
                return await writer.commit(head.sha256 or "")
            except UnavailableError as error:
                if not is_overtaken(error.__cause__) or attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError("not reached")

    async def put_digested(
        self,
        key: str,
        data: bytes,
        head: BlobHead,
        sha256: str | None,
        conditions: Mapping[str, Any],
    ) -> BlobInfo:
        """Write a blob by one request."""

        def upload(**arguments: Any) -> Awaitable[Mapping[str, Any]]:
            if not conditions:
                arguments["overwrite"] = True
            return self._blob(key).upload_blob(data, length=len(data), **arguments)

        return await self._written(upload, key, head, len(data), sha256, conditions, sent=len(data))

    async def send_block(self, key: str, name: str, data: bytes) -> None:
        """Send a block, which `commit_blocks` is to name."""
        with self._errors(key):
            async with asyncio.timeout(deadline(self._settings.timeout, len(data))):
                await self._blob(key).stage_block(name, _Body(data), len(data), **self._encryption)

    async def commit_blocks(
        self,
        key: str,
        names: Sequence[str],
        head: BlobHead,
        size: int,
        sha256: str,
        conditions: Mapping[str, Any],
    ) -> BlobInfo:
        """Make a blob of the blocks."""

        def commit(**arguments: Any) -> Awaitable[Mapping[str, Any]]:
            blocks = [BlobBlock(name) for name in names]
            return self._blob(key).commit_block_list(blocks, **arguments)

        return await self._written(commit, key, head, size, sha256, conditions)

    async def _written(
        self,
        write: Callable[..., Awaitable[Mapping[str, Any]]],
        key: str,
        head: BlobHead,
        size: int,
        sha256: str | None,
        conditions: Mapping[str, Any],
        sent: int = 0,
    ) -> BlobInfo:
        with self._errors(key):
            try:
                async with asyncio.timeout(deadline(self._settings.timeout, sent)):
                    answer = await write(
                        metadata=encode_metadata(head, sha256),
                        content_settings=ContentSettings(content_type=head.content_type),
                        **_condition(conditions),
                        **self._encryption,
                    )
            except CAUGHT as error:
                if not conditions or not (is_unmet(error) or is_missing(error)):
                    raise
                if conditions.get("if_absent"):
                    raise exists(key, self.name) from None
                raise await self._changed(key, conditions["if_match"]) from None
        return BlobInfo(
            key=key,
            size=size,
            content_type=head.content_type,
            metadata=dict(head.metadata),
            etag=answer["etag"].strip('"'),
            sha256=sha256,
            modified=_utc(answer["last_modified"]),
        )

    async def _changed(self, key: str, expected: str) -> Exception:
        found = await self.stat(key)
        return changed(key, expected, None if found is None else found.etag, self.name)

    async def delete(self, key: str, *, if_match: str | None = None) -> bool:
        with self._errors(key):
            try:
                conditions = {} if if_match is None else {"if_match": if_match}
                await self._blob(key).delete_blob("include", **_condition(conditions))
            except CAUGHT as error:
                if if_match is not None and (is_missing(error) or is_unmet(error)):
                    raise await self._changed(key, if_match) from None
                if is_missing(error):
                    return False
                raise
        return True

    async def delete_many(self, keys: Sequence[str]) -> int:
        room = asyncio.Semaphore(_AT_ONCE)

        async def one(key: str) -> bool:
            async with room:
                return await self.delete(key)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(key)) for key in keys]
        return sum(task.result() for task in tasks)

    async def sign(self, grant: UrlGrant) -> str:
        blob = self._blob(grant.key)
        is_put = grant.method == "PUT"
        signature = generate_blob_sas(
            str(blob.account_name),
            blob.container_name,
            blob.blob_name,
            account_key=getattr(blob.credential, "account_key", None),
            permission=BlobSasPermissions(read=not is_put, write=is_put, create=is_put),
            expiry=datetime.now(UTC) + timedelta(seconds=grant.seconds),
            content_type=grant.content_type,
            content_disposition=grant.disposition,
            **(self._encryption if is_put else {}),
        )
        return f"{blob.url}?{signature}"


class _Body(io.BytesIO):
    """What aiohttp sends piece by piece, and would close, when another attempt needs it."""

    def close(self) -> None:
        """Not yet."""


class _Reader:
    """A read under way, by ranges of one version."""

    def __init__(self, blobs: AzureBlobs, info: BlobInfo, start: int, end: int) -> None:
        self.info = info
        self._blobs = blobs
        self._position = start
        self._end = end

    async def read(self, size: int, /) -> bytes:
        size = min(size, self._end - self._position)
        if size <= 0:
            return b""
        data = await self._blobs.read(self.info, self._position, size)
        self._position += len(data)
        return data

    async def close(self) -> None:
        """Nothing is held between reads."""


def _given(conditions: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in conditions.items() if value}


def _condition(conditions: Mapping[str, Any]) -> dict[str, Any]:
    if conditions.get("if_absent"):
        return {"match_condition": MatchConditions.IfMissing}
    etag = conditions.get("if_match")
    if etag is None:
        return {}
    return {"etag": f'"{etag}"', "match_condition": MatchConditions.IfNotModified}


def _utc(when: datetime) -> datetime:
    return when.astimezone(UTC)


def _info(key: str, found: Any) -> BlobInfo:
    # Of a range, `size` is the range's.
    whole = getattr(found, "content_range", None)
    return BlobInfo(
        key=key,
        size=int(whole.rpartition("/")[2]) if whole else found.size,
        content_type=found.content_settings.content_type or UNKNOWN,
        metadata=decode_metadata(found.metadata),
        etag=found.etag.strip('"'),
        sha256=sha256_of(found.metadata),
        modified=_utc(found.last_modified),
    )
