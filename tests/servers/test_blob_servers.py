"""The servers for blobs start, are what they should be, and can be killed, stopped and cut off."""

from __future__ import annotations

import re
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from azure.core.exceptions import AzureError, ResourceExistsError
from azure.storage.blob import ContainerClient
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from tests.servers.azure import Azure
from tests.servers.process import ServerProcess
from tests.servers.proxy import Proxy
from tests.servers.s3 import S3


def place(url: str) -> str:
    """The bucket or container of a URL."""
    return urlsplit(url).netloc.rpartition("@")[2]


@pytest.fixture
def bucket(s3_url: str) -> str:
    if urlsplit(s3_url).path:
        pytest.skip("a bucket of your own is left as it is")
    return place(s3_url)


class TestS3:
    def test_checks_signatures(self, s3_server: S3, bucket: str) -> None:
        other = S3(s3_server.endpoint, s3_server.key, "wrong", s3_server.region)
        with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
            other.client.put_object(Bucket=bucket, Key="a", Body=b"1")
        other.close()
        with pytest.raises(HTTPError, match="403"):
            urlopen(f"{s3_server.endpoint}/{bucket}/a")

    def test_checks_signed_urls(self, s3_server: S3, bucket: str) -> None:
        s3_server.client.put_object(Bucket=bucket, Key="a", Body=b"1")
        what = {"Bucket": bucket, "Key": "a"}
        url = s3_server.client.generate_presigned_url("get_object", what, ExpiresIn=60)
        with urlopen(url) as answer:
            assert answer.read() == b"1"
        with pytest.raises(HTTPError, match="403"):
            urlopen(re.sub(r"(X-Amz-Expires|Expires)=(\d)", r"\1=9\2", url))

    def test_knows_conditions(self, s3_server: S3, bucket: str) -> None:
        client: Any = s3_server.client
        first = client.put_object(Bucket=bucket, Key="a", Body=b"1", IfNoneMatch="*")
        with pytest.raises(ClientError, match="PreconditionFailed"):
            client.put_object(Bucket=bucket, Key="a", Body=b"2", IfNoneMatch="*")
        client.put_object(Bucket=bucket, Key="a", Body=b"3", IfMatch=first["ETag"])
        with pytest.raises(ClientError, match="PreconditionFailed"):
            client.put_object(Bucket=bucket, Key="a", Body=b"4", IfMatch=first["ETag"])

    @pytest.mark.parametrize("time", [1, 2])
    def test_bucket_is_empty(self, s3_server: S3, bucket: str, time: int) -> None:
        assert "Contents" not in s3_server.client.list_objects_v2(Bucket=bucket)
        assert s3_server.uploads(bucket) == []
        s3_server.client.put_object(Bucket=bucket, Key="a/b", Body=b"1")
        s3_server.client.create_multipart_upload(Bucket=bucket, Key="c")
        assert s3_server.uploads(bucket) == ["c"]

    @pytest.mark.long  # it takes seconds to be itself again
    def test_data_outlives_a_kill(
        self, s3_server: S3, bucket: str, s3_process: ServerProcess
    ) -> None:
        s3_server.client.put_object(Bucket=bucket, Key="a", Body=b"1")
        s3_process.kill()
        s3_process.start()

        found = s3_server.client.get_object(Bucket=bucket, Key="a")
        assert found["Body"].read() == b"1"

    def test_through_a_proxy(self, s3_server: S3, bucket: str) -> None:
        with Proxy(*s3_server.address) as proxy:
            url = s3_server.url(bucket, port=proxy.port)
            assert str(proxy.port) in url
            other = S3(f"http://127.0.0.1:{proxy.port}", s3_server.key, s3_server.secret)
            other.client.put_object(Bucket=bucket, Key="a", Body=b"1")
            other.close()
            assert proxy.accepted


class TestAzure:
    @pytest.fixture
    def container(self, azure_server: Azure, azure_url: str) -> ContainerClient:
        return azure_server.client.get_container_client(place(azure_url))

    def test_checks_signatures(self, azure_server: Azure, container: ContainerClient) -> None:
        key = "d3Jvbmc="
        with (
            ContainerClient(azure_server.endpoint, container.container_name, key) as other,
            pytest.raises(AzureError, match=r"403|AuthorizationFailure|AuthenticationFailed"),
        ):
            other.upload_blob("a", b"1")

    def test_knows_conditions(self, container: ContainerClient) -> None:
        container.upload_blob("a", b"1")
        with pytest.raises(ResourceExistsError):
            container.upload_blob("a", b"2")

    @pytest.mark.parametrize("time", [1, 2])
    def test_container_is_empty(self, container: ContainerClient, time: int) -> None:
        assert list(container.list_blob_names()) == []
        container.upload_blob("a/b", b"1")

    def test_comes_back_after_a_kill(
        self, azure_server: Azure, azure_process: ServerProcess
    ) -> None:
        azure_server.ping()
        azure_process.kill()
        with pytest.raises(AzureError):
            azure_server.ping()
        azure_process.start()
        azure_server.ping()

    def test_through_a_proxy(self, azure_server: Azure, container: ContainerClient) -> None:
        with Proxy(*azure_server.address) as proxy:
            url = azure_server.endpoint_at(proxy.port)
            name = container.container_name
            with ContainerClient(url, name, azure_server.key) as other:
                other.upload_blob("a", b"1")
            assert proxy.accepted
