"""A migration in small slices, to be killed: python -m tests.migration.child SRC DST STATE."""

import sys

from interstore.migration import Limits, migrate

if __name__ == "__main__":
    source, target, state = sys.argv[1:4]
    limits = Limits(page=100, bytes=20_000)
    report = migrate(source, target, state=state, limits=limits, executor="threads:2")
    sys.exit(report.exit_code)
