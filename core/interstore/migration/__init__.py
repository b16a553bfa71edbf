"""Moving data between stores, with proof that all of it arrived.

`migrate` plans, checks, copies and verifies; `verify` compares two stores at any time. The
unit of work is a slice (`interstore.migration.slice`), the only truth about what was done is
the journal (`interstore.migration.journal`), and both sides are read again to verify
(`interstore.migration.verification`).
"""

from interstore.migration.aio import migrate_async, verify_async
from interstore.migration.plan import Limits
from interstore.migration.progress import Progress
from interstore.migration.report import Report, Verification
from interstore.migration.run import migrate, verify
from interstore.migration.state import Totals
from interstore.migration.transform import Transform

__all__ = [
    "Limits",
    "Progress",
    "Report",
    "Totals",
    "Transform",
    "Verification",
    "migrate",
    "migrate_async",
    "verify",
    "verify_async",
]
