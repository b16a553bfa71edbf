"""How the files of an archive are compressed: each is one file of gzip or zstd, as their own tools
read it.
"""

from __future__ import annotations

from typing import Final

from interstore.blobs.compression import Compression as Codec
from interstore.blobs.compression import decoder, decoding_errors
from interstore.migration.chunks import Compression

__all__ = ["ENDINGS", "Packer", "compression_of", "unpack"]

ENDINGS: Final[dict[Compression, str]] = {"gzip": "gz", "zstd": "zst"}
"""What the names of files end with."""

LEVEL: Final = 6
"""Of both: with it, zstd takes half of the time that gzip takes, and makes smaller files."""


class Packer:
    """Makes one file. Equal content makes an equal file: there is no time in it.

    Raises:
        MissingDriverError: what it needs is not installed.
    """

    def __init__(self, compression: Compression) -> None:
        self._encoder = Codec(compression).encoder(LEVEL)
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Add to it."""
        self._parts.append(self._encoder.compress(data))

    def finish(self) -> bytes:
        """The file."""
        self._parts.append(self._encoder.flush())
        return b"".join(self._parts)


def compression_of(name: str) -> Compression:
    """How a file of that name is compressed."""
    return "zstd" if name.endswith(ENDINGS["zstd"]) else "gzip"


def unpack(compression: Compression, file: bytes, size: int) -> bytes:
    """What a file holds, which is `size` bytes. Never more is unpacked: a small one can hold
    anything.

    Raises:
        ValueError: it holds something else, or is damaged; the message goes on after its name.
        MissingDriverError: what it needs is not installed.
    """
    inner = decoder(compression)
    try:
        data = inner.decompress(file, max_length=size + 1)
    except decoding_errors(compression) as error:
        raise ValueError(f"cannot be unpacked: {error}") from None
    if len(data) != size or not inner.eof:
        raise ValueError(f"does not hold the {size:,} bytes that it should")
    if inner.unused_data:
        raise ValueError("goes on after its end")
    return data
