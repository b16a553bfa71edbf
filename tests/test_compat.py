"""The pair of modules that the sync twins are renamed between."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

import pytest

from interstore import _compat, _compat_async


def test_the_two_modules_offer_the_same_names() -> None:
    assert ["ASYNC", *_compat.__all__] == _compat_async.__all__
    for name in ("gather", "sleep", "to_thread"):
        ours = inspect.signature(getattr(_compat, name))
        theirs = inspect.signature(getattr(_compat_async, name))
        assert list(ours.parameters) == list(theirs.parameters)


async def _doubled(number: int) -> int:
    await _compat_async.sleep(0)
    return 2 * number


async def test_gather_keeps_the_order() -> None:
    calls: list[Callable[[], Awaitable[int]]] = [lambda n=n: _doubled(n) for n in (3, 1, 2)]  # type: ignore[misc]
    assert await _compat_async.gather(calls) == [6, 2, 4]
    assert _compat.gather([lambda: 3, lambda: 1]) == [3, 1]


async def test_gather_leaves_nothing_running_after_an_error() -> None:
    ended: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("slow")

    async def broken() -> None:
        await asyncio.sleep(0)
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await _compat_async.gather([slow, broken])
    assert ended == ["slow"]


async def test_to_thread_passes_arguments_and_result() -> None:
    assert await _compat_async.to_thread(divmod, 7, 2) == (3, 1)
    assert _compat.to_thread(divmod, 7, 2) == (3, 1)


async def test_locks_exclude() -> None:
    async with _compat_async.Lock() as _:
        pass
    lock = _compat.Lock()
    with lock:
        assert lock.locked()
