"""``manifest.json``: what an archive holds, with a checksum of its own."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any, Final

import msgspec

from interstore._version import __version__
from interstore.errors import CorruptionError, InterstoreError
from interstore.migration.chunks import Base, Chunk, Compression, Contents, Ids, Sums
from interstore.names import check_model
from interstore_backends.archive.packing import ENDINGS

__all__ = ["MANIFEST", "decode_manifest", "encode_manifest", "identity_of"]

MANIFEST: Final = "manifest.json"
FORMAT: Final = 1

MAX_CHUNK: Final = 512_000_000
"""No chunk holds more bytes: a slice ends long before."""

_FILE: Final = re.compile(
    r"data/([A-Za-z][A-Za-z0-9_-]{0,47})/[0-9a-f]{32}\.(jsonl|ids)\.(gz|zst)\Z"
)
_NAME: Final = re.compile(r"[^/\\\x00-\x1f]{1,255}\Z")


def encode_manifest(contents: Contents) -> bytes:
    """The file that says what an archive holds."""
    plain = msgspec.to_builtins(contents)
    whole = {
        "format": "interstore archive",
        "format_version": FORMAT,
        "interstore": __version__,
        "sha256": _checksum(plain),
        "contents": plain,
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n"


def decode_manifest(text: bytes, place: str) -> Contents:
    """What the file says.

    Raises:
        CorruptionError: it is damaged, or names files that no archive has.
    """
    try:
        whole = msgspec.json.decode(text, type=dict[str, Any])
        if whole.get("format") != "interstore archive":
            raise ValueError("it is not the manifest of an archive")
        if whole.get("format_version") != FORMAT:
            raise ValueError(
                f"its format is {whole.get('format_version')!r}; this version of Interstore reads "
                f"{FORMAT}"
            )
        if whole.get("sha256") != _checksum(whole.get("contents")):
            raise ValueError("its checksum is wrong: it was altered after it was written")
        contents = msgspec.convert(whole["contents"], Contents)
        if contents.base is not None:
            _check_base(contents.base)
        for model, held in contents.models.items():
            check_model(model)
            for chunk in held.chunks:
                _check_file(model, chunk, "jsonl", chunk.sums.count, contents.compression)
            for ids in held.changed or ():
                _check_file(model, ids, "ids", ids.count, contents.compression)
            if held.changed is not None and contents.base is None:
                raise ValueError(f"of {model} it has what changed, and no base")
            if Sums.total([chunk.sums for chunk in held.chunks]) != held.sums:
                raise ValueError(f"the chunks of {model} do not add up")
    except (ValueError, RecursionError, msgspec.MsgspecError, InterstoreError) as error:
        raise CorruptionError(
            f"{MANIFEST} of {place} cannot be used: {error}", file=f"{place}/{MANIFEST}"
        ) from None
    return contents


def _check_file(
    model: str, file: Chunk | Ids, kind: str, count: int, compression: Compression
) -> None:
    match = _FILE.match(file.file)
    if match is None or match.groups() != (model, kind, ENDINGS[compression]):
        raise ValueError(f"{file.file!r:.120} is not the name of a file of {model}")
    if not 0 < file.bytes <= MAX_CHUNK or count < 1:
        raise ValueError(f"{file.file} cannot hold {file.bytes} bytes")


def _check_base(base: Base) -> None:
    if not _NAME.match(base.name) or base.name in {".", ".."}:
        raise ValueError(f"{base.name!r:.120} is not the name of a folder beside it")


def identity_of(text: bytes, place: str) -> str:
    """The checksum by which an archive is known.

    Raises:
        CorruptionError: the manifest cannot be used.
    """
    decode_manifest(text, place)
    checksum: str = msgspec.json.decode(text, type=dict[str, Any])["sha256"]
    return checksum


def _checksum(plain: Any) -> str:
    return sha256(msgspec.json.encode(plain, order="sorted")).hexdigest()
