"""What can be set."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from interstore.errors import ConfigurationError
from interstore.settings import URL, Secret, Settings, env

__all__ = ["S3BlobsSettings"]


class S3BlobsSettings(Settings, kw_only=True, frozen=True):
    """Settings of blobs in S3.

    What is not said about credentials and region is found as AWS's own tools find it: in the
    files of a profile, or from the machine that this runs on.

    A URL is ``s3://bucket/prefix``, or ``s3://key:secret@bucket/prefix``, with other settings
    behind ``?``.
    """

    bucket: Annotated[
        str,
        env("AWS_S3_BUCKET", "AWS_STORAGE_BUCKET_NAME", help="The bucket, which must exist."),
    ]
    prefix: Annotated[
        str, env("AWS_S3_PREFIX", help="What stands before all keys; a '/' follows it.")
    ] = ""
    access_key_id: Annotated[str | None, env("AWS_ACCESS_KEY_ID", help="Who we are.")] = None
    secret_access_key: Annotated[
        Secret | None, env("AWS_SECRET_ACCESS_KEY", help="What proves it.")
    ] = None
    session_token: Annotated[
        Secret | None, env("AWS_SESSION_TOKEN", help="What temporary credentials have besides.")
    ] = None
    profile: Annotated[str | None, env("AWS_PROFILE", help="Of AWS's own configuration.")] = None
    region: Annotated[
        str | None, env("AWS_REGION", "AWS_DEFAULT_REGION", help="Where the bucket is.")
    ] = None
    endpoint: Annotated[
        str | None,
        env("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", help="The server, if it is not AWS."),
    ] = None
    keys: Annotated[
        Literal["plain", "flat"],
        env(
            "AWS_S3_KEYS",
            help="How keys are written: 'plain', as they are; or 'flat', for servers that keep "
            "objects in folders (SeaweedFS, MinIO) and cannot have 'a' beside 'a/b'.",
        ),
    ] = "plain"
    part_size: Annotated[
        int,
        env(
            "AWS_S3_PART_SIZE",
            help="Bytes; what is larger is sent in parts, and a few of them are in memory.",
            ge=5 * 2**20,
            le=2**30,
        ),
    ] = 8 * 2**20
    pool_size: Annotated[
        int, env("AWS_S3_POOL_SIZE", help="At most so many requests at a time.", ge=1, le=1000)
    ] = 50
    timeout: Annotated[
        float,
        env("AWS_S3_TIMEOUT", help="Seconds that the server may be silent.", ge=0.1, le=86_400),
    ] = 60.0
    sse: Annotated[
        Literal["AES256", "aws:kms", "aws:kms:dsse"] | None,
        env("AWS_S3_SSE", help="How the server encrypts what is written."),
    ] = None
    sse_kms_key_id: Annotated[
        str | None, env("AWS_S3_SSE_KMS_KEY_ID", help="The key for 'aws:kms'.")
    ] = None
    sse_bucket_key: Annotated[
        bool,
        env(
            "AWS_S3_SSE_BUCKET_KEY",
            help="Whether the bucket has a key of its own from 'aws:kms', which costs less.",
        ),
    ] = False

    def __post_init__(self) -> None:
        if not self.bucket or "/" in self.bucket:
            raise ConfigurationError(
                f"{self.bucket!r} is not the name of a bucket: set AWS_S3_BUCKET", backend="s3"
            )
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ConfigurationError(
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together: set both, or neither",
                backend="s3",
            )
        if (self.sse_kms_key_id or self.sse_bucket_key) and self.sse in (None, "AES256"):
            raise ConfigurationError(
                "AWS_S3_SSE_KMS_KEY_ID and AWS_S3_SSE_BUCKET_KEY go with AWS_S3_SSE=aws:kms",
                backend="s3",
            )
        if self.prefix.startswith("/"):
            raise ConfigurationError(f"the prefix {self.prefix!r} begins with '/'", backend="s3")

    def encryption(self) -> dict[str, str | bool]:
        """What requests that write say of encryption."""
        said: dict[str, str | bool | None] = {
            "ServerSideEncryption": self.sse,
            "SSEKMSKeyId": self.sse_kms_key_id,
            "BucketKeyEnabled": self.sse_bucket_key or None,
        }
        return {name: value for name, value in said.items() if value is not None}

    @classmethod
    def from_url(cls, url: URL) -> dict[str, Any]:
        if url.port is not None:
            raise ConfigurationError(
                "an s3 URL names a bucket, not a server: write s3://bucket?endpoint=http://host:port",
                backend="s3",
            )
        parts = {
            "bucket": url.host,
            "prefix": url.path.strip("/") or None,
            "access_key_id": url.username,
            "secret_access_key": url.password,
        }
        return {name: value for name, value in parts.items() if value is not None}
