"""How every such run must end: equal digests, and each document accounted for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interstore import Store, verify
from interstore.migration import Report
from interstore.migration.report import Status

__all__ = ["check_end"]

Side = str | Store


def check_end(
    report: Report,
    source: Side,
    target: Side,
    *,
    status: Status = "done",
    without: Sequence[str] = (),
    **options: Any,
) -> None:
    """Check the report, and compare both sides once more, document by document.

    Args:
        report: of the last session.
        source: where it read.
        target: where it wrote.
        status: how it should have ended.
        without: the ids of documents that are in quarantine.
        **options: of `verify`.
    """
    assert report.status == status, report.to_markdown()
    assert report.totals.balanced
    assert all(model.totals.balanced for model in report.models)
    assert report.verification is not None
    assert report.verification.ok
    refused = {item.id for model in report.models for item in model.refused}
    assert refused == set(without)
    found = verify(source, target, level="full", **options)
    missing = [
        id
        for model in found.models
        if model.comparison is not None
        for id in model.comparison.missing_ids
    ]
    assert sorted(missing) == sorted(without)
    if not without:
        assert found.ok
        for model in found.models:
            assert model.source_digest == model.target_digest
