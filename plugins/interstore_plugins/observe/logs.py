"""Structured logs: a formatter, and what belongs to one request or job."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import msgspec

__all__ = ["JsonFormatter", "correlation", "correlation_id"]

_id: ContextVar[str | None] = ContextVar("correlation", default=None)
_encode: Final = msgspec.json.Encoder(enc_hook=str).encode

_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record has; the rest are fields that were given with ``extra``."""


def correlation_id() -> str | None:
    """The id of the request or job that is being worked on."""
    return _id.get()


@contextmanager
def correlation(id: str | None = None) -> Generator[str]:
    """Mark what is logged within the block, in this task or thread, as belonging together::

        with correlation(request.headers.get("x-request-id")) as id:
            ...

    Args:
        id: the id; a new one by default.
    """
    value = id or uuid4().hex
    token = _id.set(value)
    try:
        yield value
    finally:
        _id.reset(token)


class JsonFormatter(logging.Formatter):
    """Each record as one line of JSON: ``time``, ``level``, ``logger``, ``message``,
    ``correlation_id`` if there is one, and the fields given with ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        id = _id.get()
        if id is not None:
            fields["correlation_id"] = id
        fields |= {name: value for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info:
            fields["exception"] = "".join(traceback.format_exception(*record.exc_info))
        return _encode(fields).decode()
