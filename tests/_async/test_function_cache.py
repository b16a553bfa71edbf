"""Functions whose results are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from interstore.errors import ConfigurationError, InvalidDocumentError
from interstore_plugins.cache import AsyncCache


@dataclass
class User:
    id: int
    name: str


async def test_a_result_is_kept_by_its_key() -> None:
    calls: list[int] = []
    async with AsyncCache() as cache:

        @cache.cacheable("user:{id}", tags=["users", "user:{id}"])
        async def load(id: int, name: str = "Ada") -> User:
            calls.append(id)
            return User(id, name)

        @cache.invalidates(tags=["user:{id}"])
        async def rename(id: int) -> None:
            if id == 3:
                raise ValueError("no such user")

        assert await load(1) == await load(id=1) == User(1, "Ada")
        assert calls == [1]
        await load(2)
        await rename(1)
        await load(1)
        await load(2)
        assert calls == [1, 2, 1]
        await load(3)
        with pytest.raises(ValueError, match="no such user"):
            await rename(3)
        await load(3)
        assert calls == [1, 2, 1, 3, 3]
        await cache.invalidate(patterns=["user:[12]"])
        for id in (1, 2, 3):
            await load(id)
        assert calls == [1, 2, 1, 3, 3, 1, 2]
        await cache.invalidate(tags=["users"])
        await load(3)
        assert calls[-1] == 3
        assert cache.stats()["hits"] >= 3


async def test_what_is_wrong_is_said() -> None:
    async with AsyncCache() as cache:

        @cache.cacheable("{nobody}")
        async def one(id: int) -> int:
            return id

        with pytest.raises(ConfigurationError, match="which is no argument"):
            await one(1)

        @cache.cacheable("{id}")
        async def two(id: int) -> Any:
            return object()

        with pytest.raises(InvalidDocumentError, match="a object cannot be kept"):
            await two(1)

        async def three() -> int | float | Callable[[], int] | User | dict[str, User]:
            return 3

        with pytest.raises(ConfigurationError, match="cannot be made from JSON"):
            cache.cacheable("three")(three)


async def test_two_processes_share_results(valkey_url: str) -> None:
    calls = 0
    async with (
        AsyncCache("shared", url=valkey_url) as one,
        AsyncCache("shared", url=valkey_url) as two,
    ):

        async def count() -> int:
            nonlocal calls
            calls += 1
            return calls

        first, second = one.cacheable("n", tags=["t"])(count), two.cacheable("n", tags=["t"])(count)
        assert await first() == await second() == 1
        await one.invalidate(patterns=["n*"])
        assert await first() == 2
        await one.invalidate(tags=["t"])
        assert await first() == 3
