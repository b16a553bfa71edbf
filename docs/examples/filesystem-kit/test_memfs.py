import fsspec
import pytest

from interstore.testing import BlobConformance
from interstore_backends.blobs_fsspec import FsspecBlobsSettings
from interstore_backends.blobs_fsspec.engine import FsspecBlobs


class TestMemFS(BlobConformance):
    @pytest.fixture
    def filesystem(self):
        return fsspec.filesystem("memfs", skip_instance_cache=True)  # of the package morefs

    @pytest.fixture
    def blobs(self, filesystem):
        return FsspecBlobs(FsspecBlobsSettings(filesystem=filesystem, path="/kit"))

    @pytest.fixture
    def second_blobs(self, filesystem):
        return FsspecBlobs(FsspecBlobsSettings(filesystem=filesystem, path="/kit"))
