"""Signed URLs: they do what they say, for as long as they say, and nothing else."""

from __future__ import annotations

from typing import Any, Literal

from interstore._compat_async import sleep, to_thread
from interstore.blobs._async.store import AsyncBlobStore
from interstore.blobs.rules import BlobRules
from interstore.errors import InvalidQueryError, UnsupportedError
from interstore.testing._async.blobs.contents import LARGE
from interstore.testing._async.blobs.suite import AsyncBlobSuite, keys_of
from interstore.testing.checks import refuses, require
from interstore.testing.http import Answer, fetch

__all__ = ["AsyncBlobSignedSuite"]

KEY = "a b/ü+50%?#.txt"


class AsyncBlobSignedSuite(AsyncBlobSuite):
    """`signed_url`, each asked by a client of HTTP that knows nothing else."""

    async def test_a_download(self, store: AsyncBlobStore, root: str) -> None:
        require(store, "signed_get")
        key = root + KEY
        await store.put(key, LARGE, content_type="text/plain")
        answer = await to_thread(fetch, await store.signed_url(key))
        assert answer.status == 200
        assert answer.body == LARGE, "the content differs"
        assert answer.headers["content-type"] == "text/plain"
        assert "content-disposition" not in answer.headers
        url = await store.signed_url(key, content_type="text/x", filename="größe 1.txt")
        answer = await to_thread(fetch, url, headers={"Range": "bytes=5-8"})
        assert (answer.status, answer.body) == (206, LARGE[5:9])
        assert answer.headers["content-type"] == "text/x"
        expected = "attachment; filename*=UTF-8''gr%C3%B6%C3%9Fe%201.txt"
        assert answer.headers["content-disposition"] == expected

    async def test_a_download_of_what_is_not_there(self, store: AsyncBlobStore, root: str) -> None:
        require(store, "signed_get")
        url = await store.signed_url(root + KEY)
        assert (await to_thread(fetch, url)).status == 404
        await store.put(root + KEY, b"1")
        assert (await to_thread(fetch, url)).body == b"1"

    async def test_an_upload(self, store: AsyncBlobStore, root: str) -> None:
        require(store, "signed_put")
        key = root + KEY
        for data in (b"1", LARGE, b""):
            url = await store.signed_url(key, method="PUT")
            assert (await _upload(store, url, data, "text/csv")).status in (200, 201)
            assert await store.get(key) == data
            stat = await store.stat(key)
            assert (stat.size, stat.content_type) == (len(data), "text/csv")
        assert await keys_of(store, root) == [KEY]

    async def test_an_upload_of_one_type(self, store: AsyncBlobStore, root: str) -> None:
        require(store, "signed_put_type")
        key = root + KEY
        url = await store.signed_url(key, method="PUT", content_type="image/png")
        assert (await _upload(store, url, b"1", "text/html")).status == 403
        assert not await store.exists(key)
        assert (await _upload(store, url, b"1", "image/png")).status in (200, 201)
        assert (await store.stat(key)).content_type == "image/png"

    async def test_an_upload_within_limits(self, store: AsyncBlobStore, root: str) -> None:
        require(store, "signed_put_rules")
        key = root + KEY
        url = await store.signed_url(key, method="PUT", max_size=10)
        assert (await _upload(store, url, b"x" * 11, "text/plain")).status == 413
        assert not await store.exists(key)
        assert (await _upload(store, url, b"x" * 10, "text/plain")).status in (200, 201)
        assert await store.get(key) == b"x" * 10

    async def test_what_was_tampered_with(self, store: AsyncBlobStore, root: str) -> None:
        require(store, "signed_get")
        await store.put(root + KEY, b"mine")
        await store.put(f"{root}other", b"secret")
        url = await store.signed_url(root + KEY, content_type="text/plain", filename="a.txt")
        start, _, query = url.partition("?")
        pairs = query.split("&")
        other = f"{start.rpartition('/')[0].rpartition('/')[0]}/other"
        changed = [start, f"{other}?{query}"]
        for number, pair in enumerate(pairs):
            flipped = pair[:-1] + ("1" if pair[-1] != "1" else "2")
            for instead in ([flipped], []):
                parts = [*pairs[:number], *instead, *pairs[number + 1 :]]
                changed.append(f"{start}?{'&'.join(parts)}")
        for each in changed:
            answer = await to_thread(fetch, each)
            assert answer.status >= 400, each
            assert b"mine" not in answer.body
            assert b"secret" not in answer.body
        assert (await to_thread(fetch, url)).body == b"mine"

    async def test_what_was_not_granted(self, store: AsyncBlobStore, root: str) -> None:
        require(store, "signed_put")
        key = root + KEY
        await store.put(key, b"mine")
        url = await store.signed_url(key)
        assert (await _upload(store, url, b"x", "text/plain")).status >= 400
        assert (await to_thread(fetch, url, "DELETE")).status >= 400
        url = await store.signed_url(key, method="PUT")
        answer = await to_thread(fetch, url)
        assert answer.status >= 400
        assert b"mine" not in answer.body
        assert (await to_thread(fetch, url, "DELETE")).status >= 400
        assert await store.get(key) == b"mine"

    async def test_what_has_expired(self, store: AsyncBlobStore, root: str) -> None:
        require(store, "signed_put")
        key = root + KEY
        await store.put(key, b"mine")
        get = await store.signed_url(key, expires=1)
        put = await store.signed_url(key, method="PUT", expires=1)
        await sleep(2.1)
        assert (await to_thread(fetch, get)).status == 403
        assert (await _upload(store, put, b"x", "text/plain")).status == 403
        assert await store.get(key) == b"mine"

    async def test_what_is_not_declared(self, store: AsyncBlobStore, root: str) -> None:
        key = f"{root}a"
        methods: list[Literal["GET", "PUT"]] = ["GET", "PUT"]
        for method in methods:
            if not getattr(store.capabilities, f"signed_{method.lower()}"):
                with refuses(UnsupportedError, f"a signed URL for {method} (not declared)"):
                    await store.signed_url(key, method=method)
        if not store.capabilities.signed_put_type:
            with refuses(UnsupportedError, "a signed URL that demands a type (not declared)"):
                await store.signed_url(key, method="PUT", content_type="text/plain")
        if not store.capabilities.signed_put_rules:
            with refuses(UnsupportedError, "a signed URL with a limit (not declared)"):
                await store.signed_url(key, method="PUT", max_size=10)
            store.rules = BlobRules(max_size=10)
            with refuses(UnsupportedError, "a signed URL that goes round the store's rules"):
                await store.signed_url(key, method="PUT")

    async def test_what_is_not_valid(self, store: AsyncBlobStore, root: str) -> None:
        arguments: list[dict[str, Any]] = [
            {"method": "DELETE"},
            {"expires": 0},
            {"expires": 8 * 24 * 3600},
            {"content_type": "no"},
            {"filename": "a/b"},
            {"filename": "a\n"},
            {"method": "PUT", "filename": "a"},
            {"max_size": 5},
            {"method": "PUT", "max_size": -1},
        ]
        for wrong in arguments:
            with refuses(InvalidQueryError, f"a signed URL with {wrong}"):
                await store.signed_url(f"{root}a", **wrong)


async def _upload(store: AsyncBlobStore, url: str, data: bytes, content_type: str) -> Answer:
    headers = {**dict(store.capabilities.signed_put_headers), "Content-Type": content_type}
    return await to_thread(fetch, url, "PUT", data, headers)
