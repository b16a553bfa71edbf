# Generated from core/interstore/blobs/_async/sources.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 3b7ea09703464ec32efecc5d

"""What a blob's content can come from, as chunks of bytes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from hashlib import file_digest
from typing import Any, BinaryIO, TypeAlias

from interstore._compat import to_thread
from interstore.blobs._sync.operations import CHUNK
from interstore.errors import InvalidQueryError

__all__ = ["Source", "checked", "chunks_of", "digest_of", "whole"]

Source: TypeAlias = bytes | bytearray | memoryview | os.PathLike[str] | BinaryIO | Iterable[bytes]


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


def chunks_of(source: Any) -> Iterator[bytes]:
    """The content of a file, given by its path or open, or of an iterator.

    Raises:
        InvalidQueryError: it is none of them, or gives something else than bytes.
    """
    if isinstance(source, os.PathLike):
        with to_thread(open, source, "rb") as file:
            while data := to_thread(file.read, CHUNK):
                yield data
    elif hasattr(source, "read"):
        while data := to_thread(source.read, CHUNK):
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


def digest_of(source: Any) -> str | None:
    """The SHA-256 of a content that can be read twice, and then is where it was."""
    if isinstance(source, os.PathLike):
        with to_thread(open, source, "rb") as file:
            return to_thread(file_digest, file, "sha256").hexdigest()
    seekable = getattr(source, "seekable", None)
    if hasattr(source, "readinto") and seekable is not None and seekable():
        position = source.tell()
        digest = to_thread(file_digest, source, "sha256")
        source.seek(position)
        return digest.hexdigest()
    return None
