"""Runs one slice: ``python -m interstore.migration.worker < order.json > result.json``.

Exit code 0 and the result on standard output, or 1 and ``{"error": {...}}``.
"""

from __future__ import annotations

import sys
from typing import Any

import msgspec

from interstore.errors import InterstoreError
from interstore.migration.references import UrlResolver
from interstore.migration.slice import run_order

__all__ = ["main"]


def main() -> int:
    """Read an order from standard input, run it, write what came of it."""
    resolver = UrlResolver()
    answer: dict[str, Any]
    try:
        order = msgspec.json.decode(sys.stdin.buffer.read(), type=dict[str, Any])
        answer, code = run_order(order, resolver), 0
    except (InterstoreError, msgspec.MsgspecError) as error:
        retryable = isinstance(error, InterstoreError) and error.retryable
        text = {"code": type(error).__name__, "message": str(error), "retryable": retryable}
        answer, code = {"error": text}, 1
    finally:
        resolver.close()
    sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
