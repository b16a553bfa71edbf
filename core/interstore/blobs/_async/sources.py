"""What a blob's content can come from, as chunks of bytes."""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from hashlib import file_digest
from typing import Any, BinaryIO, TypeAlias

from interstore._compat_async import ASYNC, to_thread
from interstore.blobs._async.operations import CHUNK
from interstore.errors import InvalidQueryError

__all__ = ["AsyncSource", "checked", "chunks_of", "digest_of", "whole"]

if ASYNC:
    AsyncSource: TypeAlias = (
        bytes
        | bytearray
        | memoryview
        | os.PathLike[str]
        | BinaryIO
        | Iterable[bytes]
        | AsyncIterable[bytes]
    )
else:
    AsyncSource: TypeAlias = (
        bytes | bytearray | memoryview | os.PathLike[str] | BinaryIO | Iterable[bytes]
    )


def whole(source: Any) -> bytes | None:
    """The content, if it is at hand; a copy if the caller could change it."""
    if isinstance(source, bytes):
        return source
    if isinstance(source, (bytearray, memoryview)):
        return bytes(source)
    if isinstance(source, str):
        raise InvalidQueryError(
            "a text is no content of a blob: pass text.encode(), or pathlib.Path(name) for a file"
        )
    return None


async def chunks_of(source: Any) -> AsyncIterator[bytes]:
    """The content of a file, given by its path or open, or of an iterator.

    Raises:
        InvalidQueryError: it is none of them, or gives something else than bytes.
    """
    if ASYNC:  # noqa: SIM102 (the twin has nothing in its place)
        if isinstance(source, AsyncIterable):
            async for data in source:
                yield checked(data)
            return
    if isinstance(source, os.PathLike):
        with await to_thread(open, source, "rb") as file:
            while data := await to_thread(file.read, CHUNK):
                yield data
    elif hasattr(source, "read"):
        while data := await to_thread(source.read, CHUNK):
            yield checked(data)
    elif isinstance(source, Iterable):
        for data in source:
            yield checked(data)
    else:
        raise InvalidQueryError(
            f"the content of a blob is bytes, a Path, a binary file or an iterator of bytes, not "
            f"of type {type(source).__name__}"
        )


def checked(data: Any) -> bytes:
    """`data`, which is a part of a content, as bytes of its own."""
    if isinstance(data, bytes):
        return data
    if isinstance(data, (bytearray, memoryview)):
        return bytes(data)
    raise InvalidQueryError(
        f"the content of a blob is bytes, and what was given is of type {type(data).__name__}: "
        "open files in binary mode ('rb'), and encode texts"
    )


async def digest_of(source: Any) -> str | None:
    """The SHA-256 of a content that can be read twice, and then is where it was."""
    if isinstance(source, os.PathLike):
        with await to_thread(open, source, "rb") as file:
            return (await to_thread(file_digest, file, "sha256")).hexdigest()
    seekable = getattr(source, "seekable", None)
    if hasattr(source, "readinto") and seekable is not None and seekable():
        position = source.tell()
        digest = await to_thread(file_digest, source, "sha256")
        source.seek(position)
        return digest.hexdigest()
    return None
