"""Entries on a Valkey or Redis server, which processes share."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from hashlib import sha1
from typing import Any, Final, NamedTuple
from uuid import uuid4

import msgspec

from interstore._compat_async import ASYNC
from interstore.settings import Secret

if ASYNC:
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
else:
    from redis import Redis
    from redis.retry import Retry

__all__ = ["AsyncShared", "Ticket"]

CONNECT_SECONDS: Final = 1.0
ANSWER_SECONDS: Final = 2.0
"""No longer is the server waited for: the engine can be asked instead."""

MARK_SECONDS: Final = 60
"""So long the mark of an invalidation stands, against which an old answer is refused: longer
than any engine is waited for."""

_MARK: Final = b"!"
_STORE: Final = """
local current = redis.call('GET', KEYS[1])
local digest = ''
if current then digest = redis.sha1hex(current) end
if digest ~= ARGV[1] then return 0 end
for number = 2, #KEYS do
  local token = redis.call('GET', KEYS[number])
  if token then
    if token ~= ARGV[2 + number] then return 0 end
  elseif string.sub(ARGV[2 + number], 1, 1) ~= '+' then
    return 0
  end
end
for number = 2, #KEYS do
  redis.call('SET', KEYS[number], ARGV[2 + number], 'EX', 604800)
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""
"""Keeps an entry if nothing was written or invalidated since it was asked for. Tokens of scopes
that nobody had made yet begin with a plus sign."""


class Ticket(NamedTuple):
    """What was there when an entry was asked for: with it, the answer can be kept."""

    digest: str
    tokens: tuple[str, ...]


class _Stored(msgspec.Struct, array_like=True):
    tokens: tuple[str, ...]
    value: msgspec.Raw


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(_Stored).decode


class AsyncShared:
    """The server's part of a cache.

    Each scope has a random token; an entry holds the tokens of its scopes, and counts only as
    long as they are the same. So a scope is invalidated by one write, whatever belongs to it.

    Args:
        url: the server.
        prefix: what its keys begin with.
    """

    def __init__(self, url: Secret, prefix: str) -> None:
        self._prefix = prefix
        self.channel = f"{prefix}:changes"
        self._client: Any = Redis.from_url(
            url.reveal(),
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            retry=Retry(backoff=_no_pause(), retries=0),
        )
        self._script: Any = self._client.register_script(_STORE)

    async def get(self, key: str, scopes: Sequence[str]) -> tuple[bytes | None, Ticket]:
        """The text under a key, and the ticket to keep another one."""
        [raw, *found] = await self._client.mget([self._entry(key), *map(self._scope, scopes)])
        tokens = tuple(f"+{uuid4().hex}" if token is None else token.decode() for token in found)
        ticket = Ticket("" if raw is None else sha1(raw, usedforsecurity=False).hexdigest(), tokens)
        if raw is None or raw.startswith(_MARK):
            return None, ticket
        stored = _decode(raw)
        return (bytes(stored.value) if stored.tokens == tokens else None), ticket

    async def put(
        self, key: str, scopes: Sequence[str], text: bytes, seconds: float, ticket: Ticket
    ) -> bool:
        """Keep a text, if nothing has changed since the ticket; whether it was kept."""
        stored = _encode(_Stored(ticket.tokens, msgspec.Raw(text)))
        kept = await self._script(
            keys=[self._entry(key), *map(self._scope, scopes)],
            args=[ticket.digest, stored, max(1, int(seconds * 1000)), *ticket.tokens],
        )
        return bool(kept)

    async def invalidate(
        self, keys: Iterable[str], scopes: Iterable[str], patterns: Iterable[str], message: bytes
    ) -> None:
        """Drop entries, and tell the other processes, in one round trip."""
        wanted = [self._entry(key) for key in keys]
        for pattern in patterns:
            found = self._client.scan_iter(
                match=f"{_literal(self._prefix)}:e:{pattern}", count=1_000
            )
            wanted += [name.decode() async for name in found]
        mark = _MARK + uuid4().hex.encode()
        pipeline = self._client.pipeline(transaction=True)
        for name in wanted:
            pipeline.set(name, mark, ex=MARK_SECONDS)
        for scope in scopes:
            pipeline.set(self._scope(scope), uuid4().hex, ex=604_800)
        pipeline.publish(self.channel, message)
        await pipeline.execute()

    async def ping(self) -> float:
        """Seconds until it answers."""
        started = time.monotonic()
        await self._client.ping()
        return time.monotonic() - started

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()

    def _entry(self, key: str) -> str:
        return f"{self._prefix}:e:{key}"

    def _scope(self, scope: str) -> str:
        return f"{self._prefix}:s:{scope}"


def _no_pause() -> Any:
    from redis.backoff import NoBackoff

    return NoBackoff()


def _literal(text: str) -> str:
    """`text` as a pattern of the server's that matches nothing else."""
    return "".join(f"\\{char}" if char in "*?[]\\^-" else char for char in text)
