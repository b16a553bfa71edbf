"""The conformance kit: what an engine has to do to be interchangeable with the others.

An engine adopts it in a few lines, and gets every suite that its capabilities call for::

    import pytest
    from interstore.testing import AsyncConformance, Conformance

    from mine import AsyncMyDatabase, MyDatabase, MySettings


    class TestMine(Conformance):
        @pytest.fixture
        def database(self, tmp_path):
            return MyDatabase(MySettings(path=tmp_path))  # not connected yet

        @pytest.fixture
        def second_database(self, tmp_path):  # only if it declares `persistent`
            return MyDatabase(MySettings(path=tmp_path))


    class TestMineAsync(AsyncConformance):
        @pytest.fixture
        def database(self, tmp_path):
            return AsyncMyDatabase(MySettings(path=tmp_path))

An engine for blobs does the same with `BlobConformance` and a fixture `blobs`, and
`second_blobs` if it is persistent::

    class TestMyBlobs(BlobConformance):
        @pytest.fixture
        def blobs(self, tmp_path):
            return MyBlobs(MyBlobsSettings(path=tmp_path))  # not connected yet

An engine of one flavour gets the other from `interstore.bridge`
(`interstore.blobs.bridge`). Every test works in models of
its own and removes them, so `database` may lead to a server that other tests share.

What an engine declares must work, and what it does not declare must be refused; a test of a
capability that is not declared is skipped, with its name as the reason (``pytest -rs``).

The kit needs ``interstore[testing]``: pytest, hypothesis and pytest-asyncio (in any of its
modes). It adds nothing to pytest. How many documents and filters the differential part
makes up follows the Hypothesis profile in force (``settings.load_profile``); `tally` says how many
comparisons it has made.
"""

from __future__ import annotations

import pytest

# Before the suites are imported, or their assertions would fail without saying why.
pytest.register_assert_rewrite(
    "interstore.testing._async", "interstore.testing._sync", "interstore.testing.checks"
)

from interstore.testing._async.blobs.conformance import AsyncBlobConformance  # noqa: E402
from interstore.testing._async.conformance import AsyncConformance  # noqa: E402
from interstore.testing._sync.blobs.conformance import BlobConformance  # noqa: E402
from interstore.testing._sync.conformance import Conformance  # noqa: E402
from interstore.testing.checks import tally  # noqa: E402

__all__ = [
    "AsyncBlobConformance",
    "AsyncConformance",
    "BlobConformance",
    "Conformance",
    "tally",
]
