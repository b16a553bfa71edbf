"""The health application, served by uvicorn and asked by httpx."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

import interstore
from interstore import UnavailableError
from interstore.plugins import Reply, Wrapper, hookimpl
from interstore_plugins.observe import health_app
from tests.databases import memory
from tests.patience import eventually, no_hang
from tests.servers.asgi import free_url, serving

CANARY = "canary-91ac"


class Failing(Wrapper):
    """Does not answer as it should, until it is mended."""

    failure: Callable[[], object] | None = None

    def ping(self) -> None:
        if self.failure is not None:
            self.failure()


def fail() -> None:
    raise UnavailableError(f"{CANARY} at db.internal:5432 does not answer")


def test_health_of_several_stores(tmp_path: Path) -> None:
    failing, url = Failing(memory()), free_url()
    with (
        interstore.connect(f"sqlite:///{tmp_path}/db", plugins="observe") as one,
        interstore.connect(database=failing) as other,
        serving(health_app({"one": one, "other": other}), url),
        httpx.Client(base_url=url) as client,
    ):
        well = client.get("/health")
        assert well.status_code == 200
        assert well.json()["status"] == "ok"
        assert set(well.json()["stores"]) == {"one", "other"}
        assert well.json()["stores"]["one"]["backend"] == "sqlite"
        assert 0 <= well.json()["stores"]["one"]["seconds"] < 60
        assert well.headers["cache-control"] == "no-store"
        failing.failure = fail
        ill = client.get("/health")
        assert ill.status_code == 503
        assert ill.json()["status"] == "failing"
        assert ill.json()["stores"]["one"]["status"] == "ok"
        assert ill.json()["stores"]["other"]["error"] == "UnavailableError"
        assert CANARY not in ill.text
        assert "internal" not in ill.text
        failing.failure = None
        assert client.get("/health").status_code == 200


def test_a_store_that_hangs() -> None:
    """It is told in time, and asked once at a time, however often it is asked after."""
    failing, url, calls = Failing(memory()), free_url(), []
    release = threading.Event()

    def hang() -> None:
        calls.append(1)
        release.wait(30)

    with (
        interstore.connect(database=failing) as store,
        serving(health_app(store, timeout=0.2), url),
        httpx.Client(base_url=url, timeout=10) as client,
    ):
        failing.failure = hang
        with no_hang():
            for _ in range(3):
                answer = client.get("/health")
                assert answer.status_code == 503
                assert "no answer within 0.2" in answer.json()["stores"]["store"]["error"]
        assert len(calls) == 1
        release.set()
        failing.failure = None
        eventually(lambda: client.get("/health").raise_for_status(), 5)


def test_stats_and_metrics(tmp_path: Path) -> None:
    url = free_url()
    with (
        interstore.connect(f"sqlite:///{tmp_path}/db", plugins="observe,retry") as store,
        serving(health_app(store), url),
        httpx.Client(base_url=url) as client,
    ):
        store.create_many("users", [{"id": CANARY}, {"id": "b", "name": CANARY}])
        stats = client.get("/stats")
        told = stats.json()["stores"]["store"]
        assert told["models"]["users"]["documents"] == 2
        assert told["plugins"]["observe"]["create_many"]["users"]["documents"] == 2
        assert told["plugins"]["retry"]["circuit"] == "closed"
        metrics = client.get("/metrics")
        assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert 'operation="create_many",model="users"} 1' in metrics.text
        assert CANARY not in stats.text + metrics.text
        assert str(tmp_path) not in stats.text + metrics.text


def test_other_requests() -> None:
    url = free_url()
    with (
        interstore.connect(database=memory()) as store,
        serving(health_app(store), url),
        httpx.Client(base_url=url) as client,
    ):
        missing = client.get("/nothing")
        assert missing.status_code == 404
        assert "/health" in missing.json()["error"]
        posted = client.post("/health")
        assert (posted.status_code, posted.headers["allow"]) == (405, "GET, HEAD")
        head = client.head("/health")
        assert (head.status_code, head.text) == (200, "")
        assert int(head.headers["content-length"]) > 10
        assert client.get("/health/").status_code == 200


def test_routes_of_plugins() -> None:
    def broken() -> Reply:
        raise KeyError(CANARY)

    async def later() -> Reply:
        return Reply(b"later", "text/plain", 201)

    routes = {"/now": lambda: Reply("now", "text/plain"), "/later": later, "/broken": broken}
    bring = hookimpl(specname="interstore_routes")(lambda stores: routes)
    plugin = type("Routing", (), {"interstore_routes": staticmethod(bring)})()
    url = free_url()
    with (
        interstore.connect(database=memory(), plugins=[plugin]) as store,
        serving(health_app(store), url),
        httpx.Client(base_url=url) as client,
    ):
        assert client.get("/now").text == "now"
        assert (client.get("/later").status_code, client.get("/later").text) == (201, "later")
        assert client.get("/broken").status_code == 500
        assert CANARY not in client.get("/broken").text


def test_an_asynchronous_store_mounted_into_an_application(tmp_path: Path) -> None:
    """As a framework mounts it: with a root path, on the loop that uses the store."""
    store = interstore.connect_async(f"sqlite:///{tmp_path}/db")
    health = health_app({"main": store})

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await store.connect()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await store.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
        await health(scope | {"root_path": "/ops"}, receive, send)

    url = free_url()
    with serving(app, url), httpx.Client(base_url=url) as client:
        assert client.get("/ops/health").json()["stores"]["main"]["status"] == "ok"
        assert client.get("/ops/stats").json()["stores"]["main"]["models"] == {}
        assert client.get("/ops").status_code == 404


@pytest.mark.timeout(60)
def test_serve_health(tmp_path: Path) -> None:
    """The command: a store that is there, and one that is not."""
    url = free_url()
    port = url.rpartition(":")[2]
    command = [
        sys.executable, "-c", "from interstore.cli import main; main()", "serve-health",
        "--port", port, "--store", f"one=sqlite:///{tmp_path}/db",
        "--store", f"other=postgresql://app:{CANARY}@127.0.0.1:1/app?timeout=1",
    ]  # fmt: skip
    environment = os.environ | {"INTERSTORE_PLUGINS": "observe"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        answer = _asked(f"{url}/health")
        assert answer.status_code == 503
        assert answer.json()["stores"]["one"]["status"] == "ok"
        assert answer.json()["stores"]["other"]["status"] == "failing"
        assert "127.0.0.1" not in answer.text
        assert httpx.get(f"{url}/metrics").status_code == 200
    finally:
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    assert CANARY not in answer.text + told


def _asked(url: str) -> httpx.Response:
    for _ in range(200):
        try:
            return httpx.get(url, timeout=20)
        except httpx.ConnectError:
            time.sleep(0.1)
    raise AssertionError("the server did not start")


def test_serve_health_is_of_a_plugin() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from interstore.cli import main; main()", "serve-health"],
        capture_output=True,
        text=True,
        env={name: value for name, value in os.environ.items() if name != "INTERSTORE_PLUGINS"},
        check=False,
    )
    assert done.returncode != 0
    assert "of the plugin 'observe': name it in INTERSTORE_PLUGINS" in done.stderr
