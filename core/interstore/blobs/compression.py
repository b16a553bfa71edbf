"""Transparent compression: which contents gain by it, and how they are kept.

What is kept is a file of gzip or zstd, as its own tools read it, and ends with a part that they
pass over: the size of the content, which a stream tells last. Beside it stands, as metadata that
no user sees, which of the two it is, and the size where that was known before.

zstd is the standard library's from Python 3.14 on; before, it is the package `backports.zstd`.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Final, Protocol

from interstore.blobs.blob import BlobHead, BlobInfo
from interstore.blobs.capabilities import BlobCapabilities
from interstore.errors import ConfigurationError, MissingDriverError, UnsupportedError

__all__ = [
    "ENCODING",
    "SIZE",
    "Compression",
    "Decoder",
    "decoder",
    "decoding_errors",
    "encoding_of",
    "marked",
    "shown",
    "size_in",
    "trailer",
    "trailer_size",
]

ENCODING: Final = "interstore_encoding"
SIZE: Final = "interstore_size"

_LEAST: Final = 512
"""Bytes below which a content stays as it is."""
_GAIN: Final = 0.9
"""A content stays as it is, too, if its beginning does not shrink to less than this."""
_PROBED: Final = 1 << 16
_GAINING: Final = re.compile(
    r"(?:text/.*|.*[/+](?:json|xml|yaml|csv)"
    r"|application/(?:javascript|jsonl|x-ndjson|toml|sql|rtf|wasm|x-tar|vnd\.sqlite3)"
    r"|image/(?:bmp|tiff|x-icon)|font/(?:ttf|otf)|audio/(?:wav|x-wav))\Z",
    re.IGNORECASE,
)
_GZIP: Final = bytes.fromhex("1f8b0804000000000000ff")[:10] + struct.pack("<H2sH", 12, b"IS", 8)
_GZIP_END: Final = bytes.fromhex("0300") + bytes(8)  # an empty block, its checksum and its size
_ZSTD: Final = struct.pack("<II", 0x184D2A5E, 8)
_WINDOW_LOG: Final = 23
"""Memory that a file of zstd may ask a reader for, as a power of 2: 8 MB, which RFC 8878 has all
readers support. What is written here asks for 4 MB at most."""


class Encoder(Protocol):
    """Makes a compressed file."""

    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


class Decoder(Protocol):
    """Reads one, in pieces of bounded size."""

    @property
    def needs_input(self) -> bool:
        """Whether it has given all that it can without more."""
        ...

    @property
    def eof(self) -> bool:
        """Whether the end of the file was reached."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What stands behind the end."""
        ...

    def decompress(self, data: bytes, /, max_length: int = -1) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Compression:
    """How a store compresses.

    Attributes:
        encoding: ``"gzip"`` or ``"zstd"``.
    """

    encoding: str

    @classmethod
    def of(cls, said: Any, capabilities: BlobCapabilities, backend: str) -> Compression | None:
        """What a setting means.

        Raises:
            ConfigurationError: it is none of those that are known.
            UnsupportedError: the engine keeps no metadata, and so could not tell.
            MissingDriverError: what it needs is not installed.
        """
        if said is None:
            return None
        if said not in _ENCODERS:
            raise ConfigurationError(f"compression is 'gzip' or 'zstd', not {said!r}")
        if not capabilities.metadata:
            raise UnsupportedError(
                f"{backend} keeps no metadata, by which a compressed blob is known: open the "
                "store without compression",
                backend=backend,
            )
        compression = cls(said)
        compression.encoder()
        return compression

    def encoder(self, level: int | None = None) -> Encoder:
        """What makes one compressed file.

        Args:
            level: how much effort is made; by default 6 of gzip, and 3 of zstd.

        Raises:
            MissingDriverError: what it needs is not installed.
        """
        return _ENCODERS[self.encoding](level)

    def gains(self, content_type: str, start: bytes) -> bool:
        """Whether a content of this type, with these first bytes, shrinks."""
        if len(start) < _LEAST or not _GAINING.match(content_type.partition(";")[0].strip()):
            return False
        start = start[:_PROBED]
        return len(zlib.compress(start, 1)) < len(start) * _GAIN

    def packed(self, data: bytes) -> bytes:
        """A whole content, as it is kept."""
        encoder = self.encoder()
        return encoder.compress(data) + encoder.flush() + trailer(self.encoding, len(data))


def _gzip_encoder(level: int | None) -> Encoder:
    return zlib.compressobj(level or 6, zlib.DEFLATED, 31)


def _zstd_encoder(level: int | None) -> Encoder:
    encoder: Encoder = _zstd().ZstdCompressor(level)
    return encoder


def _zstd() -> Any:
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return import_module(name)
        except ImportError:
            continue
    raise MissingDriverError(
        'zstd needs Python 3.14 or the package backports.zstd: pip install "interstore[zstd]"'
    )


_ENCODERS: Final[Mapping[str, Callable[[int | None], Encoder]]] = {
    "gzip": _gzip_encoder,
    "zstd": _zstd_encoder,
}


class _Gunzip:
    """zlib's decoder with the manners of zstd's."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(31)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, /, max_length: int = -1) -> bytes:
        limit = max(0, max_length)
        found = self._inner.decompress(self._inner.unconsumed_tail + data, limit)
        self.needs_input = not self._inner.unconsumed_tail and (not limit or len(found) < limit)
        return found


def decoder(encoding: str) -> Decoder:
    """What reads one compressed file.

    Raises:
        MissingDriverError: what it needs is not installed.
    """
    if encoding == "gzip":
        return _Gunzip()
    zstd = _zstd()
    limit = {zstd.DecompressionParameter.window_log_max: _WINDOW_LOG}
    found: Decoder = zstd.ZstdDecompressor(options=limit)
    return found


def decoding_errors(encoding: str) -> tuple[type[Exception], ...]:
    """What `Decoder.decompress` raises for what is no such file.

    Raises:
        MissingDriverError: what reads one is not installed.
    """
    return (zlib.error,) if encoding == "gzip" else (_zstd().ZstdError,)


def trailer(encoding: str, size: int) -> bytes:
    """What a kept file ends with."""
    if encoding == "gzip":
        return _GZIP + struct.pack("<Q", size) + _GZIP_END
    return _ZSTD + struct.pack("<Q", size)


def trailer_size(encoding: str) -> int:
    """How many bytes `trailer` has."""
    return len(trailer(encoding, 0))


def size_in(encoding: str, end: bytes) -> int | None:
    """The size that the end of a kept file tells; ``None`` if it is none."""
    at = len(_GZIP if encoding == "gzip" else _ZSTD)
    if len(end) != trailer_size(encoding):
        return None
    size = int(struct.unpack_from("<Q", end, at)[0])
    return size if trailer(encoding, size) == end else None


def encoding_of(info: BlobInfo) -> str | None:
    """How a blob is kept, as its engine knows it; ``None`` if as it is."""
    return info.metadata.get(ENCODING)


def marked(head: BlobHead, encoding: str, size: int | None) -> BlobHead:
    """What an engine is told of a compressed blob."""
    own = {ENCODING: encoding} | ({} if size is None else {SIZE: str(size)})
    return replace(head, metadata={**head.metadata, **own}, size=None)


def shown(info: BlobInfo, size: int) -> BlobInfo:
    """What is told of a compressed blob: its content, not what is kept of it."""
    metadata = {
        name: value for name, value in info.metadata.items() if name not in (ENCODING, SIZE)
    }
    return replace(
        info,
        size=size,
        metadata=metadata,
        encoding=info.metadata[ENCODING],
        stored_size=info.size,
    )
