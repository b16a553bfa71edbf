"""What is kept beside a blob's content on stores that keep metadata of ASCII."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from interstore.blobs.blob import BlobHead
from interstore.blobs.metadata import decode_value, encode_value

__all__ = ["decode_metadata", "encode_metadata", "sha256_of"]

SHA256: Final = "interstore_sha256"
OWN: Final = "interstore"
"""What the names begin with that are not the user's."""
_HIDDEN: Final = frozenset({SHA256, f"{OWN}_write"})
"""What is only the engine's; the rest of our own is for core."""
_EMPTY: Final = "%00"
"""No value of a user's; headers without a value get lost."""


def encode_metadata(head: BlobHead, sha256: str | None, **more: str) -> dict[str, str]:
    """The metadata to keep: the user's, the digest where it is known, and more of our own."""
    kept = {name: encode_value(value) or _EMPTY for name, value in head.metadata.items()}
    if sha256 is not None:
        kept[SHA256] = sha256
    return kept | {f"{OWN}_{name}": value for name, value in more.items()}


def decode_metadata(kept: Mapping[str, str]) -> dict[str, str]:
    """The user's part of it, and core's. Stores may give names in upper case."""
    return {
        name.lower(): "" if value == _EMPTY else decode_value(value)
        for name, value in kept.items()
        if name.lower() not in _HIDDEN
    }


def sha256_of(kept: Mapping[str, str]) -> str | None:
    """The digest, if it is there."""
    return next((value for name, value in kept.items() if name.lower() == SHA256), None)
