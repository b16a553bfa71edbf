"""The account's key comes out by no way, whatever the driver logs."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

import pytest

from interstore._async.store import AsyncStore
from interstore._sync.store import Store
from interstore.errors import InterstoreError
from tests.databases import cosmosdb, cosmosdb_async
from tests.engines.test_secrets import texts
from tests.servers.cosmosdb import CosmosDB

WRONG = base64.b64encode(b"a wrong key, which is as secret as the right one").decode()
LOGGERS = (None, "azure", "azure.cosmos", "azure.core", "urllib3", "aiohttp", "asyncio")


def work(url: str) -> list[str]:
    with Store(cosmosdb(url)) as store:
        store.put("m", {"id": "a", "n": 1})
        store.update("m", "a", {"$inc": {"n": 1}})
        found = store.find("m", {"n": {"$gt": 0}}, sort="n").to_list()
        return [repr(store), repr(store.database), repr(store.stats()), repr(found)]


async def work_async(url: str) -> list[str]:
    async with AsyncStore(cosmosdb_async(url)) as store:
        await store.put("m", {"id": "a", "n": 1})
        found = await store.find("m", sort="n").to_list()
        return [repr(store), repr(store.database), repr(await store.stats()), repr(found)]


def shown_by(action: Callable[[], Iterable[str]]) -> list[str]:
    try:
        return list(action())
    except InterstoreError as error:
        return list(texts(error))


@pytest.mark.parametrize("fault", ["none", "wrong key", "wrong name"])
def test_no_key_is_logged(
    cosmosdb_url: str, cosmosdb_server: CosmosDB, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    for logger in LOGGERS:
        caplog.set_level(logging.DEBUG, logger=logger)
    key, url = cosmosdb_server.key, cosmosdb_url
    if fault == "wrong key":
        url = url.replace(quote(key, safe=""), quote(WRONG, safe=""))
    if fault == "wrong name":
        url = url.replace("?", "_nosuch?")
    assert (url == cosmosdb_url) is (fault == "none")
    shown = [*shown_by(lambda: work(url)), *shown_by(lambda: asyncio.run(work_async(url)))]
    assert ("<Store" in shown[0]) is (fault == "none")
    assert any(record.name.startswith("azure") for record in caplog.records)
    shown.append(caplog.text)
    records: list[Any] = caplog.records
    shown += [repr(vars(record)) for record in records]
    for trace in (key, quote(key, safe=""), WRONG, quote(WRONG, safe="")):
        assert not [text[:500] for text in shown if trace in text]
