"""Blobs: a folder beside files by hand, S3 and Azure beside their drivers; fsspec and obstore."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from importlib.util import find_spec
from itertools import count
from typing import Any, Final

from interstore.blobs._async.store import AsyncBlobStore
from interstore.blobs._sync.store import BlobStore
from tests.benchmarks.aims import Within
from tests.benchmarks.contenders import blobs as rivals
from tests.benchmarks.measure import Case, Prepare
from tests.benchmarks.suites import Context, Sizes, Suite
from tests.blob_engines import local_blobs, local_blobs_async
from tests.blob_servers import azure_blobs_async, s3_blobs_async

__all__ = ["SUITES"]

AT_ONCE: Final = 50
SMALL: Final = 10_000
LARGE: Final = 8 * 2**20
"""Bytes; what one request still carries, so that nobody needs to send parts."""

KEYS: Final = 64
"""As many as are written over and over again."""


def _contents(context: Context) -> dict[str, bytes]:
    large = LARGE if context.effort.rounds > 1 else 2**18
    return {"10 kB": os.urandom(SMALL), f"{large / 2**20:g} MiB": os.urandom(large)}


def _key(number: int) -> str:
    return f"blob-{number % KEYS:02}"


# In a folder.


def _local_cases(context: Context, *, synced: bool) -> Iterator[Case]:
    title = _local_title(synced)
    by_hand = "by hand"
    for size, data in _contents(context).items():
        names = [f"{verb} {size}" for verb in ("put", "get")]
        if not any(context.wants(title, name) for name in names):
            continue
        folders = [context.new_folder(f"{synced}{size}{number}") for number in range(4)]
        store = BlobStore(local_blobs(folders[0], "fsync" if synced else "os"))
        store.connect()
        contenders: dict[str, Any] = {
            "Interstore": store,
            by_hand: rivals.ByHand(folders[1], synced=synced),
        }
        if not synced:  # which these never do
            contenders["fsspec"] = rivals.FsspecLocal(folders[2])
            if find_spec("obstore"):
                contenders["obstore"] = rivals.ObstoreLocal(folders[3])
        for one in contenders.values():
            one.put(_key(0), data)
        for name, work in zip(names, (_putting(data), _getting), strict=True):
            if context.wants(title, name):
                prepared = {who: work(one) for who, one in contenders.items()}
                yield Case(name, prepared, aims={by_hand: Within(1.1)})


def _putting(data: bytes) -> Callable[[Any], Prepare]:
    def of(store: Any) -> Prepare:
        def prepare(n: int) -> Callable[[], None]:
            def run() -> None:
                for number in range(n):
                    store.put(_key(number), data)

            return run

        return prepare

    return of


def _getting(store: Any) -> Prepare:
    def prepare(n: int) -> Callable[[], None]:
        def run() -> None:
            for _ in range(n):
                store.get(_key(0))

        return run

    return prepare


def _local_title(synced: bool) -> str:
    return f"Blobs in a folder, {'each synced' if synced else 'left to the system'}"


# For asyncio: one after the other, and many at once.

Open = Callable[[Context], Mapping[str, Any]]


def _async_cases(context: Context, title: str, open_all: Open, driver: str) -> Iterator[Case]:
    wanted = [
        (verb, size, data, at_once)
        for size, data in _contents(context).items()
        for verb in ("put", "get")
        for at_once in (1, AT_ONCE)
        if not (at_once > 1 and len(data) > SMALL)
        if context.wants(title, _name(verb, size, at_once))
    ]
    if not wanted:
        return
    runner = context.closing.enter_context(asyncio.Runner())
    stores = open_all(context)
    for store in stores.values():
        if hasattr(store, "connect"):
            runner.run(store.connect())
        context.closing.callback(_close, runner, store)
    for verb, size, data, at_once in wanted:
        for store in stores.values():
            runner.run(store.put(_key(0), data))
        yield Case(
            _name(verb, size, at_once),
            {who: _calls(runner, store, verb, data, at_once) for who, store in stores.items()},
            aims={driver: Within(1.1)},
            documents=at_once,
        )


def _close(runner: asyncio.Runner, store: Any) -> None:
    runner.run(store.close())


def _name(verb: str, size: str, at_once: int) -> str:
    return f"{verb} {size}" if at_once == 1 else f"{verb} {size}, {at_once} at once"


def _calls(runner: asyncio.Runner, store: Any, verb: str, data: bytes, at_once: int) -> Prepare:
    keys = count()

    def call() -> Awaitable[object]:
        put = verb == "put"
        one: Awaitable[object] = store.put(_key(next(keys)), data) if put else store.get(_key(0))
        return one

    async def repeat(n: int) -> None:
        for _ in range(n):
            if at_once == 1:
                await call()
            else:
                await asyncio.gather(*(call() for _ in range(at_once)))

    return lambda n: lambda: runner.run(repeat(n))


def _open_local(context: Context) -> Mapping[str, Any]:
    folders = [context.new_folder(f"async{number}") for number in range(3)]
    stores: dict[str, Any] = {
        "Interstore": AsyncBlobStore(local_blobs_async(folders[0], "os")),
        "by hand": rivals.ByHandAsync(folders[1], synced=False),
    }
    if find_spec("obstore"):
        stores["obstore"] = rivals.ObstoreLocalAsync(folders[2])
    return stores


def _open_s3(context: Context) -> Mapping[str, Any]:
    server = context.servers.s3
    url = context.closing.enter_context(server.bucket())
    stores: dict[str, Any] = {
        "Interstore": AsyncBlobStore(s3_blobs_async(url)),
        "aiobotocore": rivals.Aiobotocore(server, url),
        "s3fs": rivals.S3fs(server, url),
    }
    if find_spec("obstore"):
        stores["obstore"] = rivals.ObstoreS3(server, url)
    return stores


def _open_azure(context: Context) -> Mapping[str, Any]:
    server = context.servers.azure
    url = context.closing.enter_context(server.container())
    stores: dict[str, Any] = {
        "Interstore": AsyncBlobStore(azure_blobs_async(url)),
        "azure-storage-blob": rivals.AzureSdk(server, url),
        "adlfs": rivals.Adlfs(server, url),
    }
    if find_spec("obstore"):
        stores["obstore"] = rivals.ObstoreAzure(server, url)
    return stores


def _local(synced: bool) -> Suite:
    return Suite(
        lambda _: _local_title(synced), lambda context: _local_cases(context, synced=synced)
    )


def _async(title: str, open_all: Open, driver: str) -> Suite:
    def titled(_: Sizes) -> str:
        return title

    return Suite(titled, lambda context: _async_cases(context, title, open_all, driver))


SUITES: Final = (
    _local(synced=True),
    _local(synced=False),
    _async("Blobs in a folder, asyncio, left to the system", _open_local, "by hand"),
    _async("Blobs in S3, asyncio", _open_s3, "aiobotocore"),
    _async("Blobs in Azure, asyncio", _open_azure, "azure-storage-blob"),
)
