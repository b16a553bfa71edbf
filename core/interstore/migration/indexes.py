"""The indexes of a model, declared on the target as they are on the source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from interstore.errors import InterstoreError, OperationTimeoutError, UnavailableError
from interstore.migration.plan import ModelPlan

if TYPE_CHECKING:
    from interstore._sync.operations import Operations

__all__ = ["copy_indexes"]


def copy_indexes(source: Operations, target: Operations, models: Sequence[ModelPlan]) -> list[str]:
    """Declare what the source does, once the documents are copied: that is faster than before.

    Returns:
        What was done, and what could not be, a sentence for each model and each failure.

    Raises:
        UnavailableError: a store was lost. Called again, it does what is left.
        OperationTimeoutError: a store did not answer.
    """
    if not source.capabilities.ensure_index:
        return []
    notes: list[str] = []
    for model in models:
        built: list[str] = []
        for index in source.indexes(model.source):
            try:
                target.ensure_index(model.target, index)
            except (UnavailableError, OperationTimeoutError):
                raise
            except InterstoreError as error:
                notes.append(
                    f"{model.target} is without the {index}, which the source has: {error}"
                )
            else:
                built.append(str(index))
        if built:
            notes.append(f"{model.target} has the source's indexes: {', '.join(built)}")
    return notes
