"""A program on a bare install, run and type-checked by `.ci/bare`; it is given an empty folder."""

import asyncio
import importlib.util
import os
from typing import Any, assert_type

import interstore

EXTRAS = (
    "adlfs",
    "azure",
    "cryptography",
    "dask",
    "psycopg",
    "pydantic",
    "pymongo",
    "redis",
    "s3fs",
)


def documents() -> None:
    with interstore.connect() as store:
        made = store.create("city", {"id": "oslo", "name": "Oslo", "people": 717_710})
        assert_type(made, interstore.Document)
        assert (made.id, made.version) == ("oslo", 1)
        assert store.update("city", "oslo", {"$inc": {"people": 1}}).version == 2
        found = store.find("city", {"people": {"$gt": 717_710}}).to_list()
        assert_type(found, list[interstore.Document])
        assert [city["name"] for city in found] == ["Oslo"]


async def documents_async() -> None:
    async with interstore.connect_async() as store:
        city: dict[str, Any] | None = await store.find_by_id("city", "bergen")
        assert city is None
        await store.create("city", {"id": "bergen"})
        assert [city.id async for city in store.find("city", {"id": "bergen"})] == ["bergen"]
        assert await store.delete("city", "bergen")


def main() -> None:
    present = [name for name in EXTRAS if importlib.util.find_spec(name)]
    assert not present, f"not a bare install: {present}"
    os.environ["DATABASE_DATA_DIR"] = "documents"
    os.environ["DATABASE_PATH"] = "documents.sqlite"
    for engine in ("json", "sqlite", "memory"):
        os.environ["DATABASE_TYPE"] = engine
        documents()
        asyncio.run(documents_async())
        print(f"{engine}: works")
    assert os.path.isdir("documents")
    assert os.path.isfile("documents.sqlite")


if __name__ == "__main__":
    main()
