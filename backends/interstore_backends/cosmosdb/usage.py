"""Request units: what the service asks for each request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interstore.usage import Usage, charged, request_units

__all__ = ["Usage", "add_charge", "request_units"]


def add_charge(whole: Usage, operation: str, status: int, headers: Mapping[str, Any]) -> None:
    """Add an answered request to the database's usage, and to whoever measures."""
    try:
        charge = float(headers.get("x-ms-request-charge") or 0)
    except ValueError:
        charge = 0.0
    whole.add(operation, charge, throttled=status == 429)
    charged(operation, charge, throttled=status == 429)
