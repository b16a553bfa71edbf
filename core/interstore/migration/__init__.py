"""Moving data between stores, with proof that all of it arrived.

`migrate` plans, checks, copies and verifies; `verify` compares two stores at any time. The
unit of work is a slice (`interstore.migration.slice`), the only truth about what was done is
the journal (`interstore.migration.journal`), and both sides are read again to verify
(`interstore.migration.verification`). While an application goes on writing
(`interstore.migration.live`), `cutover`, `rollback`, `finish` and `catch_up` follow the copy.
"""

from interstore.migration.aio import (
    migrate_async,
    resync_async,
    resync_run_async,
    retry_quarantine_async,
    verify_async,
)
from interstore.migration.live.report import StepReport
from interstore.migration.live.steps import catch_up, cutover, finish, rollback
from interstore.migration.mend_runs import resync_run, retry_quarantine
from interstore.migration.plan import Limits
from interstore.migration.progress import Progress
from interstore.migration.report import Report, Verification
from interstore.migration.resyncing import Resynchronization, resync
from interstore.migration.run import migrate, verify
from interstore.migration.state import Totals
from interstore.migration.transform import Transform

__all__ = [
    "Limits",
    "Progress",
    "Report",
    "Resynchronization",
    "StepReport",
    "Totals",
    "Transform",
    "Verification",
    "catch_up",
    "cutover",
    "finish",
    "migrate",
    "migrate_async",
    "resync",
    "resync_async",
    "resync_run",
    "resync_run_async",
    "retry_quarantine",
    "retry_quarantine_async",
    "rollback",
    "verify",
    "verify_async",
]
