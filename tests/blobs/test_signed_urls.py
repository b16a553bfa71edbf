"""Signed URLs of a folder, served by uvicorn and fetched by httpx."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

import interstore
from interstore import BlobRules, BlobStore, ConfigurationError, Secret, UnsupportedError
from interstore.blobs._async.store import AsyncBlobStore
from interstore.blobs.blob import UrlGrant
from interstore.blobs.serving import SignedUrlApp
from interstore.blobs.signing import UrlSigner
from interstore.testing.blob_keys import HOSTILE
from tests.blob_engines import local_blobs, local_blobs_async, memory_blobs_async, served_folder
from tests.patience import eventually
from tests.servers.asgi import free_url, serving

DATA = bytes(range(256)) * 10_000
SECRET = Secret("canary-secret-of-the-tests")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BlobStore]:
    rules = BlobRules(max_size=3_000_000, content_types=["text/*", "image/*", "application/*"])
    with (
        served_folder(tmp_path, rules) as settings,
        BlobStore(local_blobs(tmp_path, **settings), rules=rules) as store,
    ):
        yield store


@pytest.fixture
def url(store: BlobStore) -> str:
    """Of one blob."""
    store.put("a.bin", DATA)
    return store.signed_url("a.bin")


class TestDownloads:
    def test_headers(self, store: BlobStore, url: str) -> None:
        info = store.stat("a.bin")
        for method in ("GET", "HEAD"):
            answer = httpx.request(method, url)
            assert answer.status_code == 200
            assert answer.headers["content-length"] == str(len(DATA))
            assert answer.headers["etag"] == f'"{info.etag}"'
            assert answer.headers["accept-ranges"] == "bytes"
            assert answer.headers["cache-control"] == "private, no-cache"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "content-security-policy" not in answer.headers
            assert answer.content == (DATA if method == "GET" else b"")

    @pytest.mark.parametrize(
        ("asked", "start", "end"),
        [
            ("bytes=0-0", 0, 1),
            ("bytes=5-", 5, len(DATA)),
            ("bytes=-5", len(DATA) - 5, len(DATA)),
            ("bytes=-99999999", 0, len(DATA)),
            ("bytes=100-99999999", 100, len(DATA)),
            ("bytes= 1000000-2100000", 1_000_000, 2_100_001),
        ],
    )
    def test_a_range(self, url: str, asked: str, start: int, end: int) -> None:
        answer = httpx.get(url, headers={"Range": asked})
        assert answer.status_code == 206
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{len(DATA)}"
        assert answer.headers["content-length"] == str(end - start)
        assert answer.content == DATA[start:end]

    @pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=5-2", "lines=1-2", "bytes=", "x"])
    def test_what_is_no_range_is_the_whole(self, url: str, asked: str) -> None:
        answer = httpx.get(url, headers={"Range": asked})
        assert (answer.status_code, answer.content) == (200, DATA)

    @pytest.mark.parametrize("asked", [f"bytes={len(DATA)}-", "bytes=-0"])
    def test_a_range_behind_the_end(self, url: str, asked: str) -> None:
        answer = httpx.get(url, headers={"Range": asked})
        assert answer.status_code == 416
        assert answer.headers["content-range"] == f"bytes */{len(DATA)}"

    def test_conditions(self, store: BlobStore, url: str) -> None:
        head = httpx.head(url).headers
        etag, modified = head["etag"], head["last-modified"]
        early, late = "Mon, 01 Jan 2001 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
        for headers, status in (
            ({"If-None-Match": etag}, 304),
            ({"If-None-Match": f'"x", W/{etag}'}, 304),
            ({"If-None-Match": "*"}, 304),
            ({"If-None-Match": '"x"'}, 200),
            ({"If-None-Match": '"x"', "If-Modified-Since": late}, 200),
            ({"If-Modified-Since": modified}, 304),
            ({"If-Modified-Since": early}, 200),
            ({"If-Modified-Since": "yesterday"}, 200),
            ({"If-Match": etag}, 200),
            ({"If-Match": f"W/{etag}"}, 412),
            ({"If-Match": '"x"', "If-Unmodified-Since": late}, 412),
            ({"If-Unmodified-Since": early}, 412),
            ({"If-Unmodified-Since": modified}, 200),
            ({"Range": "bytes=0-1", "If-Range": etag}, 206),
            ({"Range": "bytes=0-1", "If-Range": modified}, 206),
            ({"Range": "bytes=0-1", "If-Range": '"x"'}, 200),
            ({"Range": "bytes=0-1", "If-Range": early}, 200),
            ({"Range": "bytes=0-1", "If-None-Match": etag}, 304),
        ):
            answer = httpx.get(url, headers=headers)
            assert answer.status_code == status, headers
            if status == 304:
                assert (answer.headers["etag"], answer.content) == (etag, b"")
        store.put("a.bin", b"changed")
        answer = httpx.get(url, headers={"If-None-Match": etag})
        assert (answer.status_code, answer.content) == (200, b"changed")

    def test_any_key(self, store: BlobStore) -> None:
        with httpx.Client() as client:
            for number, name in enumerate(HOSTILE):
                store.put(name, b"%d" % number, content_type="text/plain")
                answer = client.get(store.signed_url(name))
                assert (answer.status_code, answer.content) == (200, b"%d" % number), name

    def test_what_a_page_of_an_uploader_may_do(self, store: BlobStore) -> None:
        for key, content in (("a.html", b"<html>"), ("a.svg", b"<svg>"), ("a.xml", b"<a/>")):
            store.put(key, content)
            answer = httpx.get(store.signed_url(key))
            assert answer.headers["content-security-policy"] == "sandbox", key

    def test_damage_breaks_the_answer_off(self, store: BlobStore, url: str, tmp_path: Path) -> None:
        times = (tmp_path / "a.bin").stat()
        (tmp_path / "a.bin").write_bytes(DATA[:-1] + b"x")
        os.utime(tmp_path / "a.bin", ns=(times.st_atime_ns, times.st_mtime_ns))
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(url)


class TestUploads:
    def test_conditions(self, store: BlobStore) -> None:
        url = store.signed_url("a.txt", method="PUT")
        first = httpx.put(url, content=b"1", headers={"If-None-Match": "*"})
        assert (first.status_code, first.content) == (200, b"")
        assert first.headers["etag"] == f'"{store.stat("a.txt").etag}"'
        assert httpx.put(url, content=b"2", headers={"If-None-Match": "*"}).status_code == 412
        etag = {"If-Match": first.headers["etag"]}
        assert httpx.put(url, content=b"3", headers=etag).status_code == 200
        assert httpx.put(url, content=b"4", headers=etag).status_code == 412
        assert store.get("a.txt") == b"3"

    def test_what_the_rules_do_not_let_in(self, store: BlobStore) -> None:
        store.put("a.png", b"\x89PNG\r\n\x1a\n")
        url = store.signed_url("a.png", method="PUT")
        program = httpx.put(url, content=b"MZ\x90\x00")
        assert (program.status_code, "its first bytes" in program.text) == (422, True)
        large = b"\x89PNG\r\n\x1a\n" + bytes(3_000_000)
        assert httpx.put(url, content=large).status_code == 422
        assert store.get("a.png") == b"\x89PNG\r\n\x1a\n"

    def test_a_limit_that_is_not_told_before(self, store: BlobStore) -> None:
        url = store.signed_url("a.txt", method="PUT", max_size=300_000)
        chunks = iter([b"x" * 200_000, b"x" * 100_001])
        assert httpx.put(url, content=chunks).status_code == 413
        assert not store.exists("a.txt")
        assert httpx.put(url, content=iter([b"x" * 300_000])).status_code == 200

    def test_what_does_not_come_whole_leaves_nothing(
        self, store: BlobStore, tmp_path: Path
    ) -> None:
        store.put("a.txt", b"before")
        url = urlsplit(store.signed_url("a.txt", method="PUT"))
        with socket.create_connection((str(url.hostname), url.port or 80)) as client:
            head = f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: x\r\nContent-Length: 2500000"
            client.sendall(f"{head}\r\n\r\n".encode() + b"x" * 2_000_000)
            eventually(lambda: _drafts(tmp_path, 1))
        eventually(lambda: _drafts(tmp_path, 0))
        assert store.get("a.txt") == b"before"

    def test_other_methods(self, url: str) -> None:
        for method in ("POST", "DELETE", "PATCH"):
            answer = httpx.request(method, url)
            assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, PUT")


def _drafts(folder: Path, number: int) -> None:
    """There are so many writes under way."""
    assert len(os.listdir(folder / ".interstore/drafts")) == number


class TestSettings:
    def test_the_secret_is_not_shown(self, tmp_path: Path, monkeypatch: Any) -> None:
        monkeypatch.setenv("LOCAL_STORAGE_URL", "https://example.org/files/")
        monkeypatch.setenv("LOCAL_STORAGE_SECRET", SECRET.reveal())
        with interstore.open_blobs(backend="local", path=str(tmp_path)) as store:
            engine: Any = store._engine
            url = store.signed_url("a")
            shown = f"{store!r} {engine!r} {engine.signer!r} {vars(engine)!r} {url}"
        assert url.startswith("https://example.org/files/a?expires=")
        assert "canary" not in shown

    def test_what_is_refused(self, tmp_path: Path) -> None:
        good: dict[str, Any] = {"base_url": "https://example.org", "secret": SECRET}
        for wrong, said in (
            ({"secret": None}, "go together"),
            ({"secret": Secret("canary")}, "less than 16 bytes"),
            ({"base_url": "example.org/files"}, "begins with http"),
            ({"base_url": "https://u:canary@example.org"}, "without user"),
        ):
            with pytest.raises(ConfigurationError, match=said) as refusal:
                interstore.open_blobs(backend="local", path=str(tmp_path), **{**good, **wrong})
            assert "canary" not in repr(refusal.value)
        with pytest.raises(ConfigurationError, match="LOCAL_STORAGE_SECRET"):
            SignedUrlApp(AsyncBlobStore(memory_blobs_async()))
        with (
            interstore.open_blobs("memory:") as store,
            pytest.raises(UnsupportedError, match="let your application serve"),
        ):
            store.signed_url("a")

    def test_another_secret_or_place_signs_other_urls(self) -> None:
        grant = UrlGrant(key="a", method="GET", seconds=60)
        signer = UrlSigner("https://a.example/files", SECRET)
        for other in (
            UrlSigner("https://a.example/files", Secret("another secret of the tests")),
            UrlSigner("https://b.example/files", SECRET),
        ):
            with pytest.raises(interstore.PermissionDeniedError, match="not signed"):
                signer.verify("GET", ["a"], urlsplit(other.sign(grant)).query)


class TestMounting:
    """What stands before the application may strip its path, or not."""

    @pytest.mark.parametrize("stripped", [False, True])
    @pytest.mark.parametrize("key", ["a", "files/a", "x/files/a"])
    def test_below_a_path(self, tmp_path: Path, stripped: bool, key: str) -> None:
        signed: dict[str, Any] = {"base_url": free_url("/files"), "secret": SECRET}
        inner = SignedUrlApp(AsyncBlobStore(local_blobs_async(tmp_path, **signed)))

        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                path = scope["path"].removeprefix("/files") if stripped else scope["path"]
                scope = {**scope, "path": path, "root_path": "" if stripped else "/files"}
            await inner(scope, receive, send)

        with (
            serving(app, signed["base_url"]),
            BlobStore(local_blobs(tmp_path, **signed)) as store,
        ):
            store.put(key, key.encode())
            assert httpx.get(store.signed_url(key)).content == key.encode()
