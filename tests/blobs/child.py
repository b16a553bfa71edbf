"""A process of its own for tests: `python -m tests.blobs.child URL COMMAND`, orders on stdin."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from interstore import BlobStore, ConflictError, DuplicateError
from interstore.settings import URL
from tests import blob_engines, blob_servers

PART = bytes(range(256)) * 4096


def opened(url: str, **options: Any) -> BlobStore:
    """The store at a URL of the tests."""
    scheme = URL.parse(url).scheme
    if scheme == "s3":
        return BlobStore(blob_servers.s3_blobs(url, **options))
    if scheme == "azure":
        return BlobStore(blob_servers.azure_blobs(url, **options))
    return BlobStore(blob_engines.local_blobs(Path(url.removeprefix("local:"))))


def say(what: object) -> None:
    print(json.dumps(what), flush=True)


def obey(store: BlobStore, order: list[Any]) -> object:
    """Do one order, and say what came of it."""
    verb, *arguments = order
    if verb == "put":
        return store.put(arguments[0], arguments[1].encode()).etag
    if verb == "delete":
        return store.delete(arguments[0])
    if verb == "list":
        return [entry.key for entry in store.list(arguments[0])]
    key, data, condition = arguments
    try:
        return store.put(key, data.encode(), **condition).etag
    except (DuplicateError, ConflictError):
        return None


def endless() -> Iterator[bytes]:
    for number in range(10**9):
        if number % 8 == 0:
            say(number)
        yield PART


def peak() -> int:
    """The most memory so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (
        2**20 if sys.platform == "darwin" else 1024
    )


def stream(store: BlobStore, megabytes: int) -> None:
    """Write and read so many; say how much memory that took beyond what a small one takes."""
    store.put("small", iter([PART] * 24))
    with store.open("small") as file:
        assert sum(map(len, file)) == 24 * len(PART)
    before = peak()
    store.put("large", (PART for _ in range(megabytes)))
    written = peak() - before
    with store.open("large") as file:
        assert sum(map(len, file)) == megabytes * len(PART)
    say({"written": written, "read": peak() - before})
    store.delete("large")


def main(url: str, command: str, *arguments: str) -> None:
    with opened(url) as store:
        if command == "upload":
            store.put(arguments[0], endless())
        elif command == "stream":
            stream(store, int(arguments[0]))
        else:
            say("ready")
            for line in sys.stdin:
                say(obey(store, json.loads(line)))


if __name__ == "__main__":
    main(*sys.argv[1:])
