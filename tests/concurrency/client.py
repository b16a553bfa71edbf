"""Clients that do random things to few documents, and note what came of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import replace
from random import Random
from typing import Any, Final

from interstore._async.store import AsyncStore
from interstore._sync.store import Store
from interstore.document import Document
from interstore.errors import (
    ConflictError,
    DuplicateError,
    NotFoundError,
    OperationTimeoutError,
    UnavailableError,
)
from tests.concurrency.history import FOREVER, Call, Kind

__all__ = ["Client", "ask", "final_reads", "work", "work_async"]

KINDS: Final[list[Kind]] = ["create", "put", "increment", "increment", "delete", "read", "read"]
ANSWERS: Final = (DuplicateError, ConflictError, NotFoundError)
UNKNOWN: Final = (UnavailableError, OperationTimeoutError)
"""Errors after which nobody knows whether the call took effect."""


class Client:
    """Decides what to ask, and notes the answers.

    Args:
        number: its own; it decides what is asked.
        keys: the documents.
    """

    def __init__(self, number: int, keys: list[str]) -> None:
        self.calls: list[Call] = []
        self._number = number
        self._keys = keys
        self._random = Random(number)
        self._versions: dict[str, int] = {}

    def next(self) -> Call:
        """The next call, begun now."""
        key, kind = self._random.choice(self._keys), self._random.choice(KINDS)
        demanding = kind in ("put", "increment", "delete") and self._random.random() < 0.4
        return Call(
            self._number,
            key,
            kind,
            begun=time.monotonic_ns(),
            number=1 if kind == "increment" else self._random.randrange(10**6),
            if_version=self._versions.get(key, 1) if demanding else None,
        )

    def heard(self, call: Call, answer: Any) -> None:
        """The answer to the call, which came now: what was returned, or an error."""
        if isinstance(answer, BaseException) and not isinstance(answer, ANSWERS):
            if not isinstance(answer, (*UNKNOWN, asyncio.CancelledError)):
                raise answer
            if call.kind != "read":  # of which nothing follows
                self.calls.append(replace(call, ended=FOREVER))
            return
        result = answer
        if isinstance(answer, Document):
            self._versions[call.key] = answer.version
            result = (answer.version, answer["n"])
        elif isinstance(answer, Exception):
            result = type(answer).__name__
        self.calls.append(replace(call, ended=time.monotonic_ns(), result=result))


def ask(store: Store | AsyncStore, model: str, call: Call) -> Any:
    """Make the call; of an asynchronous store, what it returns is to be awaited."""
    document = {"id": call.key, "n": call.number}
    match call.kind:
        case "create":
            return store.create(model, document)
        case "put":
            return store.put(model, document, if_version=call.if_version)
        case "increment":
            change = {"$inc": {"n": call.number}}
            return store.update(model, call.key, change, if_version=call.if_version)
        case "delete":
            return store.delete(model, call.key, if_version=call.if_version)
        case "read":
            return store.find_by_id(model, call.key)


def work(store: Store, model: str, client: Client, count: int) -> list[Call]:
    """So many calls, one after the other."""
    for _ in range(count):
        call = client.next()
        try:
            answer = ask(store, model, call)
        except (*ANSWERS, *UNKNOWN) as error:
            answer = error
        client.heard(call, answer)
    return client.calls


async def work_async(
    store: AsyncStore, model: str, client: Client, count: int, cancelled: Random | None = None
) -> list[Call]:
    """The same as a task, which cancels some of its calls if it is given chance."""
    for _ in range(count):
        call = client.next()
        asked: Awaitable[Any] = ask(store, model, call)
        if cancelled is not None and cancelled.random() < 0.15:
            asked = _soon_cancelled(asked, cancelled.random() / 1000)
        try:
            answer = await asked
        except (*ANSWERS, *UNKNOWN, asyncio.CancelledError) as error:
            answer = error
        client.heard(call, answer)
    return client.calls


async def _soon_cancelled(asked: Awaitable[Any], seconds: float) -> Any:
    task = asyncio.ensure_future(asked)
    await asyncio.sleep(seconds)
    task.cancel()
    return await task


def final_reads(store: Store, model: str, keys: list[str]) -> list[Call]:
    """What is there in the end, as calls of a client that nobody is beside."""
    client = Client(-1, keys)
    for key in keys:
        call = Call(-1, key, "read", begun=time.monotonic_ns())
        client.heard(call, ask(store, model, call))
    return client.calls
