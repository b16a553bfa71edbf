"""Whether two stores hold the same while an application writes to them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from interstore._sync.operations import Operations
from interstore.migration.compare import compare
from interstore.migration.report import ModelVerification, Verification
from interstore.names import is_reserved

__all__ = ["live_models", "verify_live"]

PATIENCE: Final = 10.0
"""Seconds for which documents that differ are read again, all together."""


def live_models(*stores: Operations) -> list[str]:
    """The models of the stores, without those of Interstore's own."""
    return sorted({name for each in stores for name in each.models() if not is_reserved(name)})


def verify_live(
    left: Operations, right: Operations, on_page: Callable[[int], object] = bool
) -> Verification:
    """Compare all documents of two stores, with versions and times.

    A document that differs is read again for a while, because it may be written at that moment.
    """
    started = time.monotonic()
    verification = Verification(level="full", compared="id, fields, version and times")
    patience = PATIENCE
    for model in live_models(left, right):
        before = time.monotonic()
        found = compare((left, model), (right, model), on_page=on_page, patience=patience)
        if not found.equal:
            patience = max(0.0, patience - (time.monotonic() - before))
        verification.models.append(
            ModelVerification(
                source=model,
                target=model,
                source_count=found.checked,
                target_count=found.checked - found.missing + found.extra,
                comparison=found,
                ok=found.equal,
            )
        )
    verification.seconds = time.monotonic() - started
    return verification
