"""`SignedUrlApp`: an ASGI application that serves the signed URLs of a store.

For stores that have no server of their own. Any ASGI server runs it, alone or mounted into an
application of Starlette, FastAPI, Django and others::

    store = interstore.open_blobs_async()  # LOCAL_STORAGE_URL and LOCAL_STORAGE_SECRET are set
    app = SignedUrlApp(store)
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import suppress
from typing import Any, Final, TypeAlias
from urllib.parse import unquote, urlsplit

from interstore.blobs._async.files import AsyncBlobReadFile
from interstore.blobs._async.operations import CHUNK
from interstore.blobs._async.store import AsyncBlobStore
from interstore.blobs.blob import BlobInfo, UrlGrant
from interstore.blobs.http import Unsatisfiable, byte_range, describing, precondition
from interstore.blobs.signing import UrlSigner
from interstore.errors import (
    ConfigurationError,
    ConflictError,
    DuplicateError,
    InterstoreError,
    InvalidDocumentError,
    InvalidQueryError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
)

__all__ = ["SignedUrlApp"]

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

_log: Final = logging.getLogger("interstore.blobs")

_STATUSES: Final[tuple[tuple[type[InterstoreError], int], ...]] = (
    (NotFoundError, 404),
    (DuplicateError, 412),
    (ConflictError, 412),
    (InvalidDocumentError, 422),
    (InvalidQueryError, 400),
    (UnavailableError, 503),
    (InterstoreError, 500),
)
_ATTEMPTS: Final = 3
_DRAINED: Final = CHUNK
"""Bytes of a refused upload that are read, so that its sender reads the answer."""


class SignedUrlApp:
    """Answers GET, HEAD and PUT of signed URLs; everything else is refused.

    A download has ranges and conditions (``Range``, ``If-None-Match`` and the others of
    RFC 9110). An upload is visible whole or not at all, is held to what its URL says and to the
    rules of the store, and may have ``If-None-Match: *`` or ``If-Match``.

    It opens the store when the server starts it, or with the first request, and closes it at
    the end if it opened it.

    Args:
        store: whose URLs they are; the engine has to sign them itself, as ``local`` does.

    Raises:
        ConfigurationError: it does not.
    """

    def __init__(self, store: AsyncBlobStore) -> None:
        signer = getattr(store._engine, "signer", None)
        if not isinstance(signer, UrlSigner):
            raise ConfigurationError(
                f"the {store.backend} store has no signed URLs to be served here: for a folder, "
                "set LOCAL_STORAGE_URL and LOCAL_STORAGE_SECRET",
                backend=store.backend,
            )
        self._store = store
        self._signer: UrlSigner = signer
        self._base_path = unquote(urlsplit(signer.base_url).path)
        self._opening = asyncio.Lock()
        self._opened = False

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one connection (ASGI 3)."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            raise ValueError(f"{scope['type']} is not served here, only HTTP")

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._open()
        except InterstoreError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if self._opened:
            await self._store.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _open(self) -> None:
        async with self._opening:
            if not self._store.is_open:
                await self._store.connect()
                self._opened = True

    async def _serve(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        exchange = _Exchange(scope, receive, send)
        try:
            if not self._store.is_open:
                await self._open()
            if exchange.method not in ("GET", "HEAD", "PUT"):
                await exchange.refuse(405, "use GET, HEAD or PUT", {"Allow": "GET, HEAD, PUT"})
                return
            permit = self._signer.verify(
                exchange.method, self._keys(scope), scope["query_string"].decode("latin-1")
            )
            if exchange.method == "PUT":
                await self._upload(exchange, permit.grant)
            else:
                await self._download(exchange, permit.grant)
        except PermissionDeniedError as error:
            # That of the signer says nothing; that of an engine may name files.
            text = str(error) if error.backend is None else "permission denied"
            await exchange.refuse(403, text)
        except InterstoreError as error:
            if exchange.answered:
                raise  # the connection breaks off, so that nobody takes this for the whole
            status = next(status for kind, status in _STATUSES if isinstance(error, kind))
            if status >= 500:
                _log.error("a signed URL of %s failed", self._store.name, exc_info=error)
            await exchange.refuse(status, str(error) if status < 500 else "try again later")

    def _keys(self, scope: Mapping[str, Any]) -> Iterator[str]:
        """What the key may be: the path without what this is mounted at."""
        path: str = scope["path"]
        for mounted in dict.fromkeys((scope.get("root_path", ""), self._base_path, "")):
            if path.startswith(f"{mounted}/"):
                yield path[len(mounted) + 1 :]

    # Downloads

    async def _download(self, exchange: _Exchange, grant: UrlGrant) -> None:
        for attempt in range(_ATTEMPTS):
            try:
                async with self._store.open(grant.key) as file:
                    await self._answer(exchange, grant, file)
                return
            except ConflictError:  # it was replaced between the look at it and its range
                if exchange.answered or attempt == _ATTEMPTS - 1:
                    raise

    async def _answer(self, exchange: _Exchange, grant: UrlGrant, file: AsyncBlobReadFile) -> None:
        info = await file.info()
        headers = describing(info, grant.content_type, grant.disposition)
        status = precondition(exchange.headers, info)
        if status == 304:
            await exchange.begin(304, headers)
            await exchange.send(b"", more=False)
            return
        if status is not None:
            await exchange.refuse(status, "it is not as the request demands")
            return
        try:
            wanted = byte_range(exchange.headers, info) if exchange.method == "GET" else None
        except Unsatisfiable:
            whole = {"Content-Range": f"bytes */{info.size}"}
            await exchange.refuse(416, "there is no such range", whole)
            return
        start, end = wanted or (0, info.size)
        headers["Content-Length"] = str(end - start)
        if wanted is not None:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{info.size}"
            await file.seek(start)
        left = end - start if exchange.method == "GET" else 0
        # Before the answer begins, so that what cannot be read has a status of its own.
        data = await file.read(min(left, CHUNK)) if left else b""
        await exchange.begin(206 if wanted else 200, headers)
        await exchange.stream(file, data, left)

    # Uploads

    async def _upload(self, exchange: _Exchange, grant: UrlGrant) -> None:
        sent = exchange.headers.get("content-type")
        if grant.content_type is not None and sent != grant.content_type:
            await exchange.refuse(403, f"the URL is for content of type {grant.content_type}")
            return
        length = exchange.headers.get("content-length", "")
        limit = grant.max_size
        if limit is not None and length.isdecimal() and int(length) > limit:
            await exchange.refuse(413, f"the URL is for {limit:,} bytes at most")
            return
        try:
            info = await self._stored(exchange, grant.key, sent, limit)
        except _TooLarge:
            await exchange.refuse(413, f"the URL is for {limit:,} bytes at most")
        except _Gone:
            pass  # nobody is left to be answered
        else:
            await exchange.begin(200, {"ETag": f'"{info.etag}"', "Content-Length": "0"})
            await exchange.send(b"", more=False)

    async def _stored(
        self, exchange: _Exchange, key: str, content_type: str | None, limit: int | None
    ) -> BlobInfo:
        etag = exchange.headers.get("if-match")
        size = 0
        file = self._store.open(
            key,
            "wb",
            content_type=content_type,
            if_absent=exchange.headers.get("if-none-match") == "*",
            if_match=None if etag is None else etag.strip('"'),
        )
        async with file:
            async for data in exchange.body():
                size += len(data)
                if limit is not None and size > limit:
                    raise _TooLarge
                if data:
                    await file.write(data)
        assert file.result is not None
        return file.result


class _TooLarge(Exception):
    """More bytes than the URL allows."""


class _Gone(Exception):
    """Whoever asked has hung up."""


class _Exchange:
    """One request and its answer.

    Attributes:
        method: of the request.
        headers: of the request, their names in lower case.
        answered: whether the answer has begun.
    """

    def __init__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.headers = {
            bytes(name).decode("latin-1").lower(): bytes(value).decode("latin-1")
            for name, value in scope["headers"]
        }
        self.answered = False
        self._receive = receive
        self._send = send
        self._is_read = False

    async def body(self) -> AsyncIterator[bytes]:
        """The content of the request as it comes; raises `_Gone` if it does not come whole."""
        while not self._is_read:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._is_read = True
                raise _Gone
            self._is_read = not message.get("more_body", False)
            yield message.get("body", b"")

    async def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the head of the answer."""
        self.answered = True
        encoded = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in headers.items()
        ]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def send(self, data: bytes, *, more: bool) -> None:
        """Send some of the answer."""
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def stream(self, file: AsyncBlobReadFile, data: bytes, left: int) -> None:
        """Send `left` bytes, of which `data` are the first; stop if nobody listens any more."""
        gone = asyncio.ensure_future(self._hung_up())
        try:
            while left > len(data) and not gone.done():
                left -= len(data)
                await self.send(data, more=True)
                data = await file.read(min(left, CHUNK))
            if not gone.done():
                await self.send(data, more=False)
        finally:
            gone.cancel()
            with suppress(asyncio.CancelledError):
                await gone

    async def _hung_up(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def refuse(
        self, status: int, text: str, headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer with an error."""
        read = 0
        with suppress(_Gone):
            async for data in self.body():
                read += len(data)
                if read > _DRAINED:
                    break
        body = b"" if self.method == "HEAD" else f"{text}\n".encode()
        plain = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body))}
        await self.begin(status, {**plain, "X-Content-Type-Options": "nosniff", **(headers or {})})
        await self.send(body, more=False)
