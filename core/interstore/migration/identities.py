"""Whether a transform gives two documents one id: the later would silently replace the earlier."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from interstore.errors import InvalidDocumentError
from interstore.migration.plan import ModelPlan
from interstore.migration.report import Blocker
from interstore.migration.transform import Transform, compile_transform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interstore.document import Document

__all__ = ["check_ids"]

EXAMPLES: Final = 5


def check_ids(
    transform: Transform | None,
    models: Sequence[ModelPlan],
    read: Callable[[ModelPlan], Iterator[Document]],
) -> list[Blocker]:
    """What stands against the migration: ids that more than one document would get.

    Eight bytes of a hash are kept for each document, so that memory stays at about 60 MB a
    million documents. (Two of a million different ids have the same with a probability of
    1 in 37 million; then the run is refused without need.)

    Args:
        transform: what is done to the documents.
        models: those that are moved.
        read: gives all documents of a model.
    """
    if transform is None or transform.keeps_ids:
        return []
    return [
        blocker
        for model in models
        if (blocker := _check_model(transform, model, read(model))) is not None
    ]


def _check_model(
    transform: Transform, model: ModelPlan, documents: Iterator[Document]
) -> Blocker | None:
    apply = compile_transform(transform, model.source)
    assert apply is not None
    seen = set[bytes]()
    twice: list[str] = []
    count = 0
    for document in documents:
        try:
            changed = apply(document)
        except InvalidDocumentError:
            continue  # it goes to quarantine
        if changed is None:
            continue
        key = blake2b(changed.id.encode(), digest_size=8).digest()
        if key in seen:
            count += 1
            if len(twice) < EXAMPLES and changed.id not in twice:
                twice.append(changed.id)
        seen.add(key)
    if not count:
        return None
    return Blocker(
        code="duplicate-ids",
        message=f"{count:,} documents of {model.source} would get an id that another one gets as "
        f"well (such as {', '.join(map(repr, twice))}): only one of them could be kept. Choose "
        "what differs for each document",
        model=model.source,
        count=count,
        ids=twice,
    )
