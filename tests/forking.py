"""What runs in a child of this process."""

import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable


def in_a_fork(work: Callable[[], None], seconds: int = 30) -> int:
    """Run `work` in a fork of this process; its exit code, 0 if nothing was raised.

    A child that hangs is ended by a signal: the code is negative then.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that there are threads is the point
        child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(seconds)
        try:
            work()
        except BaseException:  # noqa: BLE001 - the exit code tells
            traceback.print_exc(file=sys.__stderr__)
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
