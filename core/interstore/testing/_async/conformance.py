"""The whole kit in one class."""

from __future__ import annotations

from interstore.testing._async.aggregates import AsyncAggregateSuite
from interstore.testing._async.bulk import AsyncBulkSuite
from interstore.testing._async.crud import AsyncCrudSuite
from interstore.testing._async.declarations import AsyncDeclarationSuite
from interstore.testing._async.differential import AsyncDifferentialSuite
from interstore.testing._async.envelope import AsyncEnvelopeSuite
from interstore.testing._async.expiry import AsyncExpirySuite
from interstore.testing._async.filters import AsyncFilterSuite
from interstore.testing._async.indexes import AsyncIndexSuite
from interstore.testing._async.inspection import AsyncInspectionSuite
from interstore.testing._async.isolation import AsyncIsolationSuite
from interstore.testing._async.locking import AsyncLockingSuite
from interstore.testing._async.models import AsyncModelSuite
from interstore.testing._async.order import AsyncOrderSuite
from interstore.testing._async.paging import AsyncPagingSuite
from interstore.testing._async.persistence import AsyncPersistenceSuite
from interstore.testing._async.programs import AsyncProgramSuite
from interstore.testing._async.refusals import AsyncRefusalSuite
from interstore.testing._async.scan import AsyncScanSuite
from interstore.testing._async.sessions import AsyncSessionSuite
from interstore.testing._async.snapshots import AsyncSnapshotSuite
from interstore.testing._async.transactions import AsyncTransactionSuite
from interstore.testing._async.updates import AsyncUpdateSuite
from interstore.testing._async.values import AsyncValueSuite
from interstore.testing._async.watching import AsyncWatchSuite

__all__ = ["AsyncConformance"]


class AsyncConformance(
    AsyncCrudSuite,
    AsyncEnvelopeSuite,
    AsyncLockingSuite,
    AsyncUpdateSuite,
    AsyncFilterSuite,
    AsyncOrderSuite,
    AsyncPagingSuite,
    AsyncBulkSuite,
    AsyncAggregateSuite,
    AsyncRefusalSuite,
    AsyncValueSuite,
    AsyncIsolationSuite,
    AsyncModelSuite,
    AsyncDeclarationSuite,
    AsyncInspectionSuite,
    AsyncIndexSuite,
    AsyncScanSuite,
    AsyncExpirySuite,
    AsyncSessionSuite,
    AsyncTransactionSuite,
    AsyncSnapshotSuite,
    AsyncWatchSuite,
    AsyncPersistenceSuite,
    AsyncDifferentialSuite,
    AsyncProgramSuite,
):
    """Every suite. Inherit from it, and define the fixture `database`.

    A test that your engine cannot pass for a reason of its own is best marked
    ``pytest.mark.xfail(reason=...)`` on an override in your class, not left out.
    """
