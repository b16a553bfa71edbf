"""A migration in small slices, to be killed: python -m tests.migration.child SRC DST STATE [WHO].

It says "ready" when it begins, or goes on with the run that it finds in STATE. WHO is the executor.
"""

import sys
from pathlib import Path

from interstore.migration import Limits, migrate

if __name__ == "__main__":
    source, target, state, *executor = sys.argv[1:]
    limits = Limits(page=100, bytes=20_000)
    print("ready", flush=True)
    who = executor[0] if executor else "threads:2"
    runs = [path.parent.name for path in Path(state).glob("*/plan.json")]
    resume = runs[0] if runs else None
    report = migrate(source, target, state=state, limits=limits, executor=who, resume=resume)
    sys.exit(report.exit_code)
