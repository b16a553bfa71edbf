# Generated from tests/_async/test_blobs_s3.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 5927369d83cfc2cd27c589f7

"""The kit on blobs in S3: that of SeaweedFS, or one's own bucket."""

from __future__ import annotations

import pytest

from interstore.blobs._sync.engine import Blobs
from interstore.blobs._sync.store import BlobStore
from interstore.errors import InvalidQueryError
from interstore.testing import BlobConformance
from interstore.testing._sync.blobs.suite import keys_of
from tests.blob_servers import s3_blobs

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
class TestPlainKeys(BlobConformance):
    """Keys as they are, on a server that holds them all."""

    @pytest.fixture(autouse=True)
    def _what_moto_lacks(self, request: pytest.FixtureRequest) -> None:
        reason = MOTO_LACKS.get(request.node.name)
        if reason is not None:
            request.applymarker(pytest.mark.xfail(reason=f"moto {reason}", strict=True))

    @pytest.fixture
    def blobs(self, moto_url: str) -> Blobs:
        return s3_blobs(moto_url, keys="plain")

    @pytest.fixture
    def second_blobs(self, moto_url: str) -> Blobs:
        return s3_blobs(moto_url, keys="plain")


class TestS3Blobs(BlobConformance):
    @pytest.fixture
    def blobs(self, s3_url: str) -> Blobs:
        return s3_blobs(s3_url)

    @pytest.fixture
    def second_blobs(self, s3_url: str) -> Blobs:
        return s3_blobs(s3_url)

    def test_the_longest_keys(self, store: BlobStore, root: str) -> None:
        """A flat name is longer than its key, and has 1,024 bytes at most."""
        names = sorted(["x" * 950, "x" * 900 + "/y", "é" * 450, "%" * 300])
        for name in names:
            store.put(root + name, name.encode())
        for name in names:
            assert store.get(root + name) == name.encode()
        assert keys_of(store, root) == names
        with pytest.raises(InvalidQueryError, match="more bytes than the store allows"):
            store.put(root + "%" * 900, b"")
