"""The indexes of a model, declared on the target as they are on the source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from interstore.errors import InterstoreError, OperationTimeoutError, UnavailableError
from interstore.indexes import Index, Term
from interstore.migration.chunks import archive_of
from interstore.migration.plan import ModelPlan
from interstore.migration.transform import Transform

if TYPE_CHECKING:
    from interstore._sync.operations import Operations

__all__ = ["copy_indexes", "indexes_of"]


def copy_indexes(
    source: Operations,
    target: Operations,
    models: Sequence[ModelPlan],
    transform: Transform | None = None,
) -> list[str]:
    """Declare what the source does, once the documents are copied: that is faster than before.

    An index of what a transform moves is declared for where it is then.

    Returns:
        What was done, and what could not be, a sentence for each model and each failure.

    Raises:
        UnavailableError: a store was lost. Called again, it does what is left.
        OperationTimeoutError: a store did not answer.
    """
    notes: list[str] = []
    for model in models:
        built: list[str] = []
        for original in indexes_of(source, model.source):
            index = _moved(original, transform)
            if index is None:
                notes.append(
                    f"{model.target} is without the {original}: the transform takes away or may "
                    "change what it is about"
                )
                continue
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


def indexes_of(source: Operations, model: str) -> list[Index]:
    """The indexes of a model; those of an archive are the ones that its source had."""
    if (archive := archive_of(source)) is not None:
        contents = archive.contents()
        return contents.models[model].indexes if contents and model in contents.models else []
    return source.indexes(model) if source.capabilities.ensure_index else []


def _moved(index: Index, transform: Transform | None) -> Index | None:
    """The index where the transform puts what it is about; ``None`` if that is nowhere."""
    if transform is None:
        return index
    paths: list[tuple[str, ...] | str] = []
    for path in index.paths:
        moved = path if isinstance(path, str) else transform.path(path)
        if moved is None:
            return None
        paths.append(moved if isinstance(moved, str) else tuple(map(str, moved)))
    where: list[Term] = []
    for term in index.where:
        moved = transform.path(term.path)
        if not isinstance(moved, tuple):
            return None
        where.append(replace(term, path=tuple(map(str, moved))))
    return replace(index, paths=tuple(paths), where=tuple(where))
