# Generated from core/interstore/testing/_async/conformance.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: c33a2626951377c3b4b55104

"""The whole kit in one class."""

from __future__ import annotations

from interstore.testing._sync.aggregates import AggregateSuite
from interstore.testing._sync.bulk import BulkSuite
from interstore.testing._sync.crud import CrudSuite
from interstore.testing._sync.declarations import DeclarationSuite
from interstore.testing._sync.differential import DifferentialSuite
from interstore.testing._sync.envelope import EnvelopeSuite
from interstore.testing._sync.expiry import ExpirySuite
from interstore.testing._sync.filters import FilterSuite
from interstore.testing._sync.indexes import IndexSuite
from interstore.testing._sync.inspection import InspectionSuite
from interstore.testing._sync.isolation import IsolationSuite
from interstore.testing._sync.locking import LockingSuite
from interstore.testing._sync.models import ModelSuite
from interstore.testing._sync.order import OrderSuite
from interstore.testing._sync.paging import PagingSuite
from interstore.testing._sync.persistence import PersistenceSuite
from interstore.testing._sync.programs import ProgramSuite
from interstore.testing._sync.refusals import RefusalSuite
from interstore.testing._sync.scan import ScanSuite
from interstore.testing._sync.sessions import SessionSuite
from interstore.testing._sync.snapshots import SnapshotSuite
from interstore.testing._sync.transactions import TransactionSuite
from interstore.testing._sync.updates import UpdateSuite
from interstore.testing._sync.values import ValueSuite
from interstore.testing._sync.watching import WatchSuite

__all__ = ["Conformance"]


class Conformance(
    CrudSuite,
    EnvelopeSuite,
    LockingSuite,
    UpdateSuite,
    FilterSuite,
    OrderSuite,
    PagingSuite,
    BulkSuite,
    AggregateSuite,
    RefusalSuite,
    ValueSuite,
    IsolationSuite,
    ModelSuite,
    DeclarationSuite,
    InspectionSuite,
    IndexSuite,
    ScanSuite,
    ExpirySuite,
    SessionSuite,
    TransactionSuite,
    SnapshotSuite,
    WatchSuite,
    PersistenceSuite,
    DifferentialSuite,
    ProgramSuite,
):
    """Every suite. Inherit from it, and define the fixture `database`.

    A test that your engine cannot pass for a reason of its own is best marked
    ``pytest.mark.xfail(reason=...)`` on an override in your class, not left out.
    """
