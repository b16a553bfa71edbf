# Generated from tests/_async/test_function_cache.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 7aa39a55f00156b3710d7427

"""Functions whose results are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from interstore.errors import ConfigurationError, InvalidDocumentError
from interstore_plugins.cache import Cache


@dataclass
class User:
    id: int
    name: str


def test_a_result_is_kept_by_its_key() -> None:
    calls: list[int] = []
    with Cache() as cache:

        @cache.cacheable("user:{id}", tags=["users", "user:{id}"])
        def load(id: int, name: str = "Ada") -> User:
            calls.append(id)
            return User(id, name)

        @cache.invalidates(tags=["user:{id}"])
        def rename(id: int) -> None:
            if id == 3:
                raise ValueError("no such user")

        assert load(1) == load(id=1) == User(1, "Ada")
        assert calls == [1]
        load(2)
        rename(1)
        load(1)
        load(2)
        assert calls == [1, 2, 1]
        load(3)
        with pytest.raises(ValueError, match="no such user"):
            rename(3)
        load(3)
        assert calls == [1, 2, 1, 3, 3]
        cache.invalidate(patterns=["user:[12]"])
        for id in (1, 2, 3):
            load(id)
        assert calls == [1, 2, 1, 3, 3, 1, 2]
        cache.invalidate(tags=["users"])
        load(3)
        assert calls[-1] == 3
        assert cache.stats()["hits"] >= 3


def test_what_is_wrong_is_said() -> None:
    with Cache() as cache:

        @cache.cacheable("{nobody}")
        def one(id: int) -> int:
            return id

        with pytest.raises(ConfigurationError, match="which is no argument"):
            one(1)

        @cache.cacheable("{id}")
        def two(id: int) -> Any:
            return object()

        with pytest.raises(InvalidDocumentError, match="a object cannot be kept"):
            two(1)

        def three() -> int | float | Callable[[], int] | User | dict[str, User]:
            return 3

        with pytest.raises(ConfigurationError, match="cannot be made from JSON"):
            cache.cacheable("three")(three)


def test_two_processes_share_results(valkey_url: str) -> None:
    calls = 0
    with (
        Cache("shared", url=valkey_url) as one,
        Cache("shared", url=valkey_url) as two,
    ):

        def count() -> int:
            nonlocal calls
            calls += 1
            return calls

        first, second = one.cacheable("n", tags=["t"])(count), two.cacheable("n", tags=["t"])(count)
        assert first() == second() == 1
        one.invalidate(patterns=["n*"])
        assert first() == 2
        one.invalidate(tags=["t"])
        assert first() == 3
