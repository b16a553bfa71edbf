# Generated from core/interstore/testing/_async/blobs/listing.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 5bab251ceadde522b2909e9a

"""Listings: in order, by prefix, cut at a delimiter, page by page."""

from __future__ import annotations

from interstore.blobs._sync.store import BlobStore
from interstore.errors import InvalidQueryError
from interstore.testing._sync.blobs.suite import BlobSuite, keys_of
from interstore.testing.checks import refuses

__all__ = ["BlobListingSuite"]

NAMES = sorted(
    [
        *("a", "a!", "a/1", "a/2", "a/b/3", "a0", "b", "b/", "b//x", "B", "é", "z/1", "~", "%"),
        *(f"many/{number:02}" for number in range(12)),
    ]
)


def _fill(store: BlobStore, root: str) -> None:
    for name in NAMES:
        store.put(root + name, name.encode())


class BlobListingSuite(BlobSuite):
    """`list` and `page`."""

    def test_order_and_prefixes(self, store: BlobStore, root: str) -> None:
        _fill(store, root)
        assert keys_of(store, root) == NAMES
        for prefix in ("a", "a/", "a/b", "many/0", "b/", "é", "nothing", "z/1", "A"):
            expected = [name for name in NAMES if name.startswith(prefix)]
            found = [prefix + rest for rest in keys_of(store, root + prefix)]
            assert found == expected, prefix
        assert keys_of(store, root.replace("kit", "kat")) == []

    def test_entries(self, store: BlobStore, root: str) -> None:
        store.put(f"{root}a", b"12345")
        stat = store.stat(f"{root}a")
        (entry,) = store.page(root).entries
        assert (entry.key, entry.size, entry.is_prefix) == (f"{root}a", 5, False)
        assert entry.modified == stat.modified

    def test_delimiters(self, store: BlobStore, root: str) -> None:
        _fill(store, root)
        for delimiter in ("/", "!", "//", "many"):
            for prefix in ("", "a", "a/", "b/", "many/"):
                expected: list[str] = []
                for name in NAMES:
                    if name.startswith(prefix):
                        cut = name.find(delimiter, len(prefix))
                        item = name if cut < 0 else name[: cut + len(delimiter)]
                        if item not in expected[-1:]:
                            expected.append(item)
                found = keys_of(store, root + prefix, delimiter=delimiter)
                assert [prefix + rest for rest in found] == expected, (delimiter, prefix)
        page = store.page(root, delimiter="/", limit=1000)
        kinds = {entry.key.removeprefix(root): entry.is_prefix for entry in page.entries}
        assert kinds["a/"]
        assert not kinds["a"]
        assert kinds["b/"], "a key that ends with the delimiter is cut as well"

    def test_pages(self, store: BlobStore, root: str) -> None:
        _fill(store, root)
        for delimiter in (None, "/"):
            whole = keys_of(store, root, delimiter=delimiter)
            for limit in (1, 2, 5, len(whole), 1000):
                found: list[str] = []
                after: str | None = None
                while True:
                    page = store.page(root, after=after, limit=limit, delimiter=delimiter)
                    assert len(page.entries) <= limit
                    found += [entry.key.removeprefix(root) for entry in page.entries]
                    after = page.after
                    if after is None:
                        break
                assert found == whole, (delimiter, limit)

    def test_pages_while_others_write(self, store: BlobStore, root: str) -> None:
        _fill(store, root)
        found: list[str] = []
        after: str | None = None
        number = 0
        while True:
            page = store.page(root, after=after, limit=3)
            found += [entry.key.removeprefix(root) for entry in page.entries]
            after = page.after
            if after is None:
                break
            store.put(f"{root}!{number}", b"before all")
            store.delete(root + found[0])
            number += 1
        assert found == NAMES

    def test_what_is_written_is_listed_at_once(
        self, store: BlobStore, second: BlobStore, root: str
    ) -> None:
        for _ in range(3):
            assert keys_of(second, root) == []
            store.put(f"{root}a/b", b"1")
            assert keys_of(second, root) == ["a/b"]
            assert second.get(f"{root}a/b") == b"1"
            second.put(f"{root}a/b", b"2")
            assert store.get(f"{root}a/b") == b"2"
            assert store.delete(f"{root}a/b")
            assert not second.exists(f"{root}a/b")

    def test_arguments_that_are_refused(self, store: BlobStore) -> None:
        with refuses(InvalidQueryError, "a limit of 0"):
            store.page(limit=0)
        with refuses(InvalidQueryError, "an empty delimiter"):
            store.page(delimiter="")
        for prefix in ("/", "../", "a/../", "\0"):
            with refuses(InvalidQueryError, f"the prefix {prefix!r}"):
                store.page(prefix)
