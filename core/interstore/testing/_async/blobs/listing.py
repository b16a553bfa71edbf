"""Listings: in order, by prefix, cut at a delimiter, page by page."""

from __future__ import annotations

from interstore.blobs._async.store import AsyncBlobStore
from interstore.errors import InvalidQueryError
from interstore.testing._async.blobs.suite import AsyncBlobSuite, keys_of
from interstore.testing.checks import refuses

__all__ = ["AsyncBlobListingSuite"]

NAMES = sorted(
    [
        *("a", "a!", "a/1", "a/2", "a/b/3", "a0", "b", "b/", "b//x", "B", "é", "z/1", "~", "%"),
        *(f"many/{number:02}" for number in range(12)),
    ]
)


async def _fill(store: AsyncBlobStore, root: str) -> None:
    for name in NAMES:
        await store.put(root + name, name.encode())


class AsyncBlobListingSuite(AsyncBlobSuite):
    """`list` and `page`."""

    async def test_order_and_prefixes(self, store: AsyncBlobStore, root: str) -> None:
        await _fill(store, root)
        assert await keys_of(store, root) == NAMES
        for prefix in ("a", "a/", "a/b", "many/0", "b/", "é", "nothing", "z/1", "A"):
            expected = [name for name in NAMES if name.startswith(prefix)]
            found = [prefix + rest for rest in await keys_of(store, root + prefix)]
            assert found == expected, prefix
        assert await keys_of(store, root.replace("kit", "kat")) == []

    async def test_entries(self, store: AsyncBlobStore, root: str) -> None:
        await store.put(f"{root}a", b"12345")
        stat = await store.stat(f"{root}a")
        (entry,) = (await store.page(root)).entries
        assert (entry.key, entry.size, entry.is_prefix) == (f"{root}a", 5, False)
        assert entry.modified == stat.modified

    async def test_delimiters(self, store: AsyncBlobStore, root: str) -> None:
        await _fill(store, root)
        for delimiter in ("/", "!", "//", "many"):
            for prefix in ("", "a", "a/", "b/", "many/"):
                expected: list[str] = []
                for name in NAMES:
                    if name.startswith(prefix):
                        cut = name.find(delimiter, len(prefix))
                        item = name if cut < 0 else name[: cut + len(delimiter)]
                        if item not in expected[-1:]:
                            expected.append(item)
                found = await keys_of(store, root + prefix, delimiter=delimiter)
                assert [prefix + rest for rest in found] == expected, (delimiter, prefix)
        page = await store.page(root, delimiter="/", limit=1000)
        kinds = {entry.key.removeprefix(root): entry.is_prefix for entry in page.entries}
        assert kinds["a/"]
        assert not kinds["a"]
        assert kinds["b/"], "a key that ends with the delimiter is cut as well"

    async def test_pages(self, store: AsyncBlobStore, root: str) -> None:
        await _fill(store, root)
        for delimiter in (None, "/"):
            whole = await keys_of(store, root, delimiter=delimiter)
            for limit in (1, 2, 5, len(whole), 1000):
                found: list[str] = []
                after: str | None = None
                while True:
                    page = await store.page(root, after=after, limit=limit, delimiter=delimiter)
                    assert len(page.entries) <= limit
                    found += [entry.key.removeprefix(root) for entry in page.entries]
                    after = page.after
                    if after is None:
                        break
                assert found == whole, (delimiter, limit)

    async def test_pages_while_others_write(self, store: AsyncBlobStore, root: str) -> None:
        await _fill(store, root)
        found: list[str] = []
        after: str | None = None
        number = 0
        while True:
            page = await store.page(root, after=after, limit=3)
            found += [entry.key.removeprefix(root) for entry in page.entries]
            after = page.after
            if after is None:
                break
            await store.put(f"{root}!{number}", b"before all")
            await store.delete(root + found[0])
            number += 1
        assert found == NAMES

    async def test_what_is_written_is_listed_at_once(
        self, store: AsyncBlobStore, second: AsyncBlobStore, root: str
    ) -> None:
        for _ in range(3):
            assert await keys_of(second, root) == []
            await store.put(f"{root}a/b", b"1")
            assert await keys_of(second, root) == ["a/b"]
            assert await second.get(f"{root}a/b") == b"1"
            await second.put(f"{root}a/b", b"2")
            assert await store.get(f"{root}a/b") == b"2"
            assert await store.delete(f"{root}a/b")
            assert not await second.exists(f"{root}a/b")

    async def test_arguments_that_are_refused(self, store: AsyncBlobStore) -> None:
        with refuses(InvalidQueryError, "a limit of 0"):
            await store.page(limit=0)
        with refuses(InvalidQueryError, "an empty delimiter"):
            await store.page(delimiter="")
        for prefix in ("/", "../", "a/../", "\0"):
            with refuses(InvalidQueryError, f"the prefix {prefix!r}"):
                await store.page(prefix)
