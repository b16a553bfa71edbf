"""Page tokens: opaque text that says where the next page begins."""

from __future__ import annotations

import dataclasses
import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

import msgspec

from interstore.errors import InvalidQueryError
from interstore.filters.references import shown
from interstore.filters.regex import PortableRegex
from interstore.filters.tree import Node
from interstore.paths import Envelope
from interstore.prepared import Position, SortKey
from interstore.values import canonical_scalar

__all__ = ["decode_token", "encode_token", "fingerprint"]


def fingerprint(model: str, tree: Node, order: Sequence[SortKey]) -> str:
    """A short text that differs where model, filter or order do, and is the same in every
    process and version of Python. It begins with the number of keys of the order."""
    told = msgspec.json.encode([model, _plain(tree), _plain(tuple(order))])
    digest = hashlib.blake2b(told, digest_size=12).digest()
    return f"{len(order)}.{urlsafe_b64encode(digest).decode()}"


def encode_token(query_fingerprint: str, position: Position) -> str:
    """A token for the page after `position` of the query with this fingerprint."""
    told = msgspec.json.encode([query_fingerprint, position])
    return urlsafe_b64encode(told).decode().rstrip("=")


def decode_token(token: Any, query_fingerprint: str) -> Position:
    """The position that a token holds.

    Raises:
        InvalidQueryError: the token is damaged, or of another model, filter or sort.
    """
    if not isinstance(token, str):
        raise InvalidQueryError(f"a page token is the text of page.next, not {shown(token)}")
    try:
        padded = token.encode("ascii") + b"=" * (-len(token) % 4)
        told, values = msgspec.json.decode(urlsafe_b64decode(padded), type=tuple[str, list[Any]])
        position = tuple(canonical_scalar(value) for value in values)
    except (ValueError, msgspec.MsgspecError, RecursionError):
        raise InvalidQueryError(f"page token {shown(token)} is damaged") from None
    if told != query_fingerprint:
        raise InvalidQueryError(
            "the page token belongs to another model, filter or sort; ask for every page with "
            "those of the first"
        )
    if len(position) != int(told.partition(".")[0]) or type(position[-1]) is not str:
        raise InvalidQueryError(f"page token {shown(token)} is damaged")
    return position


def _plain(value: Any) -> Any:
    """`value` as JSON that says all there is to it."""
    if isinstance(value, Envelope):
        return {"envelope": value.value}
    if isinstance(value, PortableRegex):
        return {"regex": value.source, "ignore_case": value.ignore_case}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if dataclasses.is_dataclass(value):
        fields = (getattr(value, field.name) for field in dataclasses.fields(value))
        return {type(value).__name__: [_plain(item) for item in fields]}
    return value
