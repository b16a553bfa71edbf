"""The kit on blobs in S3: that of SeaweedFS, or one's own bucket."""

from __future__ import annotations

import pytest

from interstore._compat_async import ASYNC
from interstore.blobs._async.engine import AsyncBlobs
from interstore.blobs._async.store import AsyncBlobStore
from interstore.errors import InvalidQueryError
from interstore.testing import AsyncBlobConformance
from interstore.testing._async.blobs.suite import keys_of
from tests.blob_servers import s3_blobs_async

if not ASYNC:
    # By a bridge that others are tested with as well.
    pytestmark = pytest.mark.long


MOTO_LACKS = {
    "test_an_upload_of_one_type": "checks no signatures",
    "test_what_was_tampered_with": "checks no signatures",
    "test_what_was_not_granted": "checks no signatures",
    "test_what_has_expired": "checks no expiry",
    "test_if_absent": "copies over what is there",
    "test_a_key['line\\\\nend']": "does not find such a key",
}


@pytest.mark.long
class TestPlainKeys(AsyncBlobConformance):
    """Keys as they are, on a server that holds them all."""

    @pytest.fixture(autouse=True)
    def _what_moto_lacks(self, request: pytest.FixtureRequest) -> None:
        reason = MOTO_LACKS.get(request.node.name)
        if reason is not None:
            request.applymarker(pytest.mark.xfail(reason=f"moto {reason}", strict=True))

    @pytest.fixture
    def blobs(self, moto_url: str) -> AsyncBlobs:
        return s3_blobs_async(moto_url, keys="plain")

    @pytest.fixture
    def second_blobs(self, moto_url: str) -> AsyncBlobs:
        return s3_blobs_async(moto_url, keys="plain")


class TestS3Blobs(AsyncBlobConformance):
    @pytest.fixture
    def blobs(self, s3_url: str) -> AsyncBlobs:
        return s3_blobs_async(s3_url)

    @pytest.fixture
    def second_blobs(self, s3_url: str) -> AsyncBlobs:
        return s3_blobs_async(s3_url)

    async def test_the_longest_keys(self, store: AsyncBlobStore, root: str) -> None:
        """A flat name is longer than its key, and has 1,024 bytes at most."""
        names = sorted(["x" * 950, "x" * 900 + "/y", "é" * 450, "%" * 300])
        for name in names:
            await store.put(root + name, name.encode())
        for name in names:
            assert await store.get(root + name) == name.encode()
        assert await keys_of(store, root) == names
        with pytest.raises(InvalidQueryError, match="more bytes than the store allows"):
            await store.put(root + "%" * 900, b"")
