"""The engine for blobs in S3."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any, Final, TypeVar

from aiobotocore.session import AioSession  # type: ignore[import-untyped]
from botocore.handlers import add_expect_header  # type: ignore[import-untyped]
from s3fs import S3FileSystem  # type: ignore[import-untyped]

from interstore.blobs.blob import BlobEntry, BlobHead, BlobInfo, UrlGrant
from interstore.blobs.problems import changed, exists, missing
from interstore.errors import UnavailableError
from interstore_backends._blobs.deadlines import deadline
from interstore_backends._blobs.heads import encode_metadata
from interstore_backends._blobs.names import FLAT, PLAIN
from interstore_backends.blobs_s3 import CAPABILITIES
from interstore_backends.blobs_s3.errors import CAUGHT, is_missing, is_unmet, status_of, translated
from interstore_backends.blobs_s3.listing import page
from interstore_backends.blobs_s3.objects import info_of, written
from interstore_backends.blobs_s3.reader import S3Reader
from interstore_backends.blobs_s3.settings import S3BlobsSettings
from interstore_backends.blobs_s3.writer import S3Writer, finished, mark

__all__ = ["S3Blobs"]

T = TypeVar("T")

_COPIED_AT_ONCE: Final = 5 * 2**30
_COPIED_PART: Final = 2**30
_AT_ONCE: Final = 16
"""Requests of one call for many blobs."""
_CONFLICTS: Final = 6
"""How often a write is repeated that S3 refused only because another was under way."""
_WRITE: Final = "interstore_write"
_SSE: Final = {
    "ServerSideEncryption": "x-amz-server-side-encryption",
    "SSEKMSKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
    "BucketKeyEnabled": "x-amz-server-side-encryption-bucket-key-enabled",
}
"""What S3 is told of encryption, and the headers that signed uploads have for it."""


class S3Blobs:
    """Blobs in a bucket."""

    name = "s3"
    capabilities = CAPABILITIES

    def __init__(self, settings: S3BlobsSettings) -> None:
        self._settings = settings
        self._prefix = f"{settings.prefix.rstrip('/')}/" if settings.prefix else ""
        self._names = FLAT if settings.keys == "flat" else PLAIN
        self._encryption = settings.encryption()
        if self._encryption:
            headers = tuple(
                (_SSE[name], _in_header(value)) for name, value in self._encryption.items()
            )
            self.capabilities = replace(CAPABILITIES, signed_put_headers=headers)
        self._filesystem: Any = None
        self._client: Any = None
        self.part_size = settings.part_size
        self.place = f"the bucket {settings.bucket!r}"

    @property
    def native(self) -> Any:
        """The `s3fs.S3FileSystem`. Its methods that block are for other threads than the loop's."""
        return self._filesystem

    async def connect(self) -> None:
        if self._client is not None:
            return
        filesystem = S3FileSystem(**self._options(), loop=asyncio.get_running_loop())
        with self._errors():
            # Otherwise s3fs would close the client when it is collected, after the loop.
            filesystem.asynchronous = True
            self._client = await filesystem.set_session()
            filesystem.asynchronous = False
            self._filesystem = filesystem
        # A server that hangs would be waited for without end: aiohttp's timeout begins when
        # the body is sent, which is when the server has said that it expects it.
        self._client.meta.events.unregister("before-call.s3", add_expect_header)
        try:
            with self._errors():
                await self.ask("list_objects_v2", Prefix=self._prefix, MaxKeys=1)
        except BaseException:
            await self.disconnect()
            raise

    def _options(self) -> dict[str, Any]:
        given = self._settings
        proof, token = given.secret_access_key, given.session_token
        return {
            "key": given.access_key_id,
            "secret": None if proof is None else proof.reveal(),
            "token": None if token is None else token.reveal(),
            "endpoint_url": given.endpoint,
            "client_kwargs": {} if given.region is None else {"region_name": given.region},
            "config_kwargs": {
                "signature_version": "s3v4",
                "max_pool_connections": given.pool_size,
                "connect_timeout": min(given.timeout, 10.0),
                "read_timeout": given.timeout,
                "retries": {"mode": "standard", "max_attempts": 3},
            },
            "use_listings_cache": False,
            "skip_instance_cache": True,
            "session": _session(given.profile),
        }

    async def disconnect(self) -> None:
        client, self._client = self._client, None
        filesystem, self._filesystem = self._filesystem, None
        if client is not None:
            await client.__aexit__(None, None, None)
            filesystem._s3 = None

    async def ask(self, method: str, **arguments: Any) -> Any:
        """What S3 answers; raises the driver's errors."""
        if self._client is None:
            raise UnavailableError(f"{self.place} is not connected", backend=self.name)
        body = arguments.get("Body", b"")
        async with asyncio.timeout(deadline(self._settings.timeout, len(body))):
            return await getattr(self._client, method)(Bucket=self._settings.bucket, **arguments)

    @contextmanager
    def _errors(self, key: str | None = None) -> Generator[None]:
        try:
            yield
        except CAUGHT as error:
            raise translated(error, self.place, key) from error

    def object_name(self, key: str) -> str:
        """The name of the object, or the beginning of those of keys that begin so."""
        return self._prefix + self._names.name(key)

    def key_of(self, name: str) -> str | None:
        """The key of an object; ``None`` if it has none."""
        return self._names.key(name[len(self._prefix) :])

    # Reading

    async def stat(self, key: str) -> BlobInfo | None:
        with self._errors(key):
            answer = await self._head(key)
        return None if answer is None else info_of(key, answer)

    async def _head(self, key: str) -> Mapping[str, Any] | None:
        try:
            answer: Mapping[str, Any] = await self.ask("head_object", Key=self.object_name(key))
        except CAUGHT as error:
            if is_missing(error):
                return None
            raise
        return answer

    async def open(self, key: str, start: int, end: int | None) -> S3Reader:
        info, body = await self._get(key, start, end)
        stop = info.size if end is None else min(end, info.size)
        return S3Reader(self, info, body, start, stop)

    async def get(self, key: str, start: int, end: int | None) -> tuple[BlobInfo, bytes]:
        info, body = await self._get(key, start, end)
        if body is None:
            return info, b""
        try:
            return info, await body.read()
        except CAUGHT:
            body.close()
        reader = S3Reader(
            self, info, None, start, info.size if end is None else min(end, info.size)
        )
        parts = []
        while data := await reader.read(self.part_size):
            parts.append(data)
        return info, b"".join(parts)

    async def _get(self, key: str, start: int, end: int | None) -> tuple[BlobInfo, Any]:
        """The object and its body; no body if the range is empty."""
        with self._errors(key):
            if end is None or end > start:
                asked = {} if not start and end is None else {"Range": _range(start, end)}
                try:
                    answer = await self.ask("get_object", Key=self.object_name(key), **asked)
                    return info_of(key, answer), answer["Body"]
                except CAUGHT as error:
                    if is_missing(error):
                        raise missing(key, self.name) from None
                    if status_of(error) != 416:  # the range begins behind the end
                        raise
            answer = await self._head(key)
        if answer is None:
            raise missing(key, self.name)
        return info_of(key, answer), None

    async def body(self, key: str, start: int, end: int, etag: str) -> Any:
        """The rest of an object that is being read; raises ConflictError if it has changed."""
        try:
            answer = await self.ask(
                "get_object",
                Key=self.object_name(key),
                Range=_range(start, end),
                IfMatch=f'"{etag}"',
            )
        except CAUGHT as error:
            if is_missing(error) or is_unmet(error):
                raise await self._changed(key, etag) from None
            raise
        return answer["Body"]

    async def page(
        self, prefix: str, after: str, limit: int, delimiter: str | None
    ) -> list[BlobEntry]:
        with self._errors():
            return await page(self, prefix, after, limit, delimiter)

    # Writing

    async def begin(self, key: str, head: BlobHead, **conditions: Any) -> S3Writer:
        return S3Writer(self, key, head, conditions)

    async def put(self, key: str, data: bytes, head: BlobHead, **conditions: Any) -> BlobInfo:
        if len(data) > self.part_size:
            writer = S3Writer(self, key, head, conditions)
            try:
                await writer.write(data)
                return await writer.commit(head.sha256 or "")
            except BaseException:
                await writer.abort()
                raise
        return await self.put_digested(key, data, head, head.sha256, conditions)

    async def put_digested(
        self,
        key: str,
        data: bytes,
        head: BlobHead,
        sha256: str | None,
        conditions: Mapping[str, Any],
    ) -> BlobInfo:
        """Write an object by one request."""
        own = mark(conditions)
        with self._errors(key):
            for attempt in range(_CONFLICTS):
                try:
                    answer = await self.ask(
                        "put_object",
                        Key=self.object_name(key),
                        Body=data,
                        ContentType=head.content_type,
                        Metadata=encode_metadata(head, sha256, **own),
                        **_headers(conditions),
                        **self._encryption,
                    )
                    return written(key, head, len(data), sha256, answer)
                except CAUGHT as error:
                    if status_of(error) != 409 or not conditions or attempt == _CONFLICTS - 1:
                        return await self._unmet(error, key, conditions, own)
                await asyncio.sleep(0.02 * 2**attempt)
        raise AssertionError("not reached")

    async def _unmet(
        self,
        error: Exception,
        key: str,
        conditions: Mapping[str, Any],
        own: Mapping[str, str],
    ) -> BlobInfo:
        """The error of a condition; or the blob, if our own first attempt made it."""
        if not conditions or not (is_unmet(error) or is_missing(error)):
            raise error
        found = await self._head(key)
        if found is not None and found.get("Metadata", {}).get(_WRITE) == own["write"]:
            return info_of(key, found)
        if conditions.get("if_absent"):
            raise exists(key, self.name) from None
        etag = None if found is None else info_of(key, found).etag
        raise changed(key, conditions["if_match"], etag, self.name) from None

    async def _changed(self, key: str, expected: str) -> Exception:
        found = await self._head(key)
        etag = None if found is None else info_of(key, found).etag
        return changed(key, expected, etag, self.name)

    async def begin_upload(
        self, key: str, head: BlobHead, own: Mapping[str, str] | None = None
    ) -> str:
        """Begin an upload in parts; its id."""
        with self._errors(key):
            answer = await self.ask(
                "create_multipart_upload",
                Key=self.object_name(key),
                ContentType=head.content_type,
                Metadata=encode_metadata(head, head.sha256, **(own or {})),
                **self._encryption,
            )
        return str(answer["UploadId"])

    async def send_part(self, key: str, upload: str, number: int, data: bytes) -> dict[str, Any]:
        """Send a part; what `end_upload` is to be told of it."""
        with self._errors(key):
            answer = await self.ask(
                "upload_part",
                Key=self.object_name(key),
                UploadId=upload,
                PartNumber=number,
                Body=data,
            )
        return {"PartNumber": number, "ETag": answer["ETag"]}

    async def end_upload(
        self,
        key: str,
        upload: str,
        parts: Sequence[Mapping[str, Any]],
        conditions: Mapping[str, Any],
        own: Mapping[str, str],
    ) -> BlobInfo:
        """Make an object of the parts."""
        with self._errors(key):
            try:
                await self.ask(
                    "complete_multipart_upload",
                    Key=self.object_name(key),
                    UploadId=upload,
                    MultipartUpload={"Parts": list(parts)},
                    **_headers(conditions),
                )
            except CAUGHT as error:
                return await self._unmet(error, key, conditions, own)
        info = await self.stat(key)
        if info is None:
            raise missing(key, self.name)  # another has removed it since
        return info

    async def drop_upload(self, key: str, upload: str) -> None:
        """Abort an upload; raises the driver's errors."""
        await self.ask("abort_multipart_upload", Key=self.object_name(key), UploadId=upload)

    async def copy(self, source: str, target: str, *, if_absent: bool = False) -> BlobInfo:
        old = await self.stat(source)
        if old is None:
            raise missing(source, self.name)
        conditions = {"if_absent": True} if if_absent else {}
        where = {"Bucket": self._settings.bucket, "Key": self.object_name(source)}
        if old.size > _COPIED_AT_ONCE:
            return await self._copy_parts(where, old, target, conditions)
        with self._errors(source):
            try:
                await self.ask(
                    "copy_object",
                    Key=self.object_name(target),
                    CopySource=where,
                    **_headers(conditions),
                    **self._encryption,
                )
            except CAUGHT as error:
                if if_absent and is_unmet(error):
                    raise exists(target, self.name) from None
                if is_missing(error):
                    raise missing(source, self.name) from None
                raise
        info = await self.stat(target)
        if info is None:
            raise missing(target, self.name)
        return info

    async def _copy_parts(
        self, where: Mapping[str, str], old: BlobInfo, target: str, conditions: Mapping[str, Any]
    ) -> BlobInfo:
        own = mark(conditions)
        head = BlobHead(
            content_type=old.content_type, metadata=old.metadata, size=old.size, sha256=old.sha256
        )
        upload = await self.begin_upload(target, head, own)
        try:
            with self._errors(old.key):
                parts: list[dict[str, Any]] = []
                for start in range(0, old.size, _COPIED_PART):
                    answer = await self.ask(
                        "upload_part_copy",
                        Key=self.object_name(target),
                        UploadId=upload,
                        PartNumber=len(parts) + 1,
                        CopySource=where,
                        CopySourceIfMatch=f'"{old.etag}"',
                        CopySourceRange=_range(start, min(start + _COPIED_PART, old.size)),
                    )
                    etag = answer["CopyPartResult"]["ETag"]
                    parts.append({"PartNumber": len(parts) + 1, "ETag": etag})
            return await self.end_upload(target, upload, parts, conditions, own)
        except BaseException:
            await finished(lambda: self.drop_upload(target, upload))
            raise

    async def delete(self, key: str, *, if_match: str | None = None) -> bool:
        with self._errors(key):
            if if_match is None:
                # S3 does not tell.
                if await self._head(key) is None:
                    return False
                await self.ask("delete_object", Key=self.object_name(key))
                return True
            try:
                await self.ask("delete_object", Key=self.object_name(key), IfMatch=f'"{if_match}"')
            except CAUGHT as error:
                if is_unmet(error) or is_missing(error):
                    raise await self._changed(key, if_match) from None
                raise
        return True

    async def delete_many(self, keys: Sequence[str]) -> int:
        room = asyncio.Semaphore(_AT_ONCE)

        async def one(key: str) -> bool:
            async with room:
                return await self.delete(key)

        return sum(await _all([one(key) for key in keys]))

    async def sign(self, grant: UrlGrant) -> str:
        is_put = grant.method == "PUT"
        parameters = {
            "Bucket": self._settings.bucket,
            "Key": self.object_name(grant.key),
            "ContentType" if is_put else "ResponseContentType": grant.content_type,
            "ResponseContentDisposition": grant.disposition,
            **(self._encryption if is_put else {}),
        }
        with self._errors(grant.key):
            url = await self._client.generate_presigned_url(
                "put_object" if is_put else "get_object",
                Params={name: value for name, value in parameters.items() if value is not None},
                ExpiresIn=grant.seconds,
            )
        return str(url)


@cache
def _definitions() -> Any:
    """Of AWS's services: half a megabyte of JSON, read once."""
    return AioSession().get_component("data_loader")


def _session(profile: str | None) -> Any:
    """With credentials of its own."""
    session = AioSession(profile=profile)
    session.register_component("data_loader", _definitions())
    return session


def _in_header(value: str | bool) -> str:
    return value if isinstance(value, str) else str(value).lower()


def _range(start: int, end: int | None) -> str:
    return f"bytes={start}-{'' if end is None else end - 1}"


def _headers(conditions: Mapping[str, Any]) -> dict[str, str]:
    if conditions.get("if_absent"):
        return {"IfNoneMatch": "*"}
    etag = conditions.get("if_match")
    return {} if etag is None else {"IfMatch": f'"{etag}"'}


async def _all(calls: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Their results; if one fails, none is left under way."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(call) for call in calls]
    return [task.result() for task in tasks]
