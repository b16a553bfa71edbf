"""What is found out before anything is written: the models, their sizes, and what forbids it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from interstore.document import Document
from interstore.errors import ConfigurationError, InterstoreError
from interstore.filters.tree import ALL
from interstore.migration.canonical import canonical_text
from interstore.migration.chunks import archive_of
from interstore.migration.identities import check_ids
from interstore.migration.plan import ModelPlan, Request, shares_of
from interstore.migration.progress import Control
from interstore.migration.report import Blocker
from interstore.names import check_model, check_new_model, is_reserved

if TYPE_CHECKING:
    from interstore._sync.operations import Operations
    from interstore._sync.store import Store

__all__ = ["check_target", "list_models", "plan_models"]

EXAMPLES: Final = 5


def list_models(source: Store, request: Request) -> list[tuple[str, str]]:
    """The models to move, sorted: the name in the source, and the name in the target.

    Raises:
        ConfigurationError: the source cannot list its models, and the request does not; or
            the request names one that does not exist, or two that would become one.
        InvalidQueryError: a name is not valid.
    """
    operations = source.database
    existing = None
    if operations.capabilities.models:
        existing = [name for name in operations.models() if not is_reserved(name)]
    if request.models is not None:
        names = [check_model(name) for name in request.models]
    elif existing is not None:
        names = sorted(existing)
    else:
        raise ConfigurationError(
            f"{operations.name} cannot list its models: name them (--models users,orders)"
        )
    for name in [*names, *request.map]:
        if existing is not None and name not in existing:
            there = ", ".join(sorted(existing)[:20]) or "none"
            raise ConfigurationError(f"the source has no model {name!r}; it has {there}")
    pairs = [(name, check_model(request.map.get(name, name))) for name in names]
    _check_injective(pairs, request)
    return pairs


def _check_injective(pairs: list[tuple[str, str]], request: Request) -> None:
    for name in request.map:
        if name not in {source for source, _ in pairs}:
            raise ConfigurationError(f"the map names {name!r}, which is not to be moved")
    targets: dict[str, str] = {}
    for source, target in pairs:
        if target in targets:
            raise ConfigurationError(
                f"{targets[target]!r} and {source!r} would both become {target!r}, and documents "
                "with the same id would be lost: map one of them to another name"
            )
        targets[target] = source


def plan_models(source: Store, pairs: Sequence[tuple[str, str]], workers: int) -> list[ModelPlan]:
    """Each model with its size and its partitions."""
    operations = source.database
    plans: list[ModelPlan] = []
    for name, target in pairs:
        count = operations.count(name, ALL)
        plans.append(
            ModelPlan(
                source=name,
                target=target,
                count=count,
                partitions=operations.partitions(name, shares_of(count, workers)),
            )
        )
    return plans


def check_target(
    source: Store, target: Store, models: Sequence[ModelPlan], request: Request, control: Control
) -> tuple[list[Blocker], list[str]]:
    """What forbids the migration, and what else was found, in sentences.

    Raises:
        Stopped: the caller asked to.
        InterstoreError: one of the stores cannot be read.
    """
    operations = target.database
    blockers: list[Blocker] = []
    keeps = operations.capabilities.write_page or archive_of(operations) is not None
    if not (keeps or request.drop_versions):
        blockers.append(
            Blocker(
                code="no-versions",
                message=f"{operations.name} cannot keep the documents' versions and times: allow "
                "documents to start anew at version 1 (--drop-versions), or choose another target",
            )
        )
    blockers += _check_names(operations, models)
    if request.into == "empty":
        blockers += _check_empty(operations, models)
    found, note = _check_documents(source.database, operations, models, control)
    blockers += found
    blockers += check_ids(
        request.transform, models, lambda model: _documents(source.database, model, control)
    )
    return blockers, [note]


def _check_names(target: Operations, models: Sequence[ModelPlan]) -> list[Blocker]:
    blockers: list[Blocker] = []
    existing = set(target.models()) if target.capabilities.models else set[str]()
    for model in models:
        try:
            check_new_model(model.target, existing)
        except InterstoreError as error:
            message = f"{error}, or map it to another name (--map {model.source}:NAME)"
            blockers.append(Blocker(code="model-name", message=message, model=model.source))
        existing.add(model.target)
    return blockers


def _check_empty(target: Operations, models: Sequence[ModelPlan]) -> list[Blocker]:
    return [
        Blocker(
            code="not-empty",
            message=f"the target's {model.target!r} holds documents already: choose an empty "
            "target, or say what becomes of them (--into merge keeps those that the source has "
            "not, --into replace deletes them first)",
            model=model.source,
        )
        for model in models
        if target.exists(model.target, ALL)
    ]


def _check_documents(
    source: Operations, target: Operations, models: Sequence[ModelPlan], control: Control
) -> tuple[list[Blocker], str]:
    """Look for documents that the target cannot hold, if the source can hold such."""
    bytes_limit, depth_limit = target.limits.document_bytes, target.limits.depth
    sizes = source.limits.document_bytes > bytes_limit
    depths = source.limits.depth > depth_limit
    expiry = source.capabilities.ttl and not target.capabilities.ttl
    if not (sizes or depths or expiry):
        return [], (
            f"{target.name} can hold whatever {source.name} can: documents were not checked "
            "one by one"
        )
    checks = {
        "too-large": (sizes, f"have more than {bytes_limit:,} bytes: shorten or leave them out"),
        "too-deep": (depths, f"are nested deeper than {depth_limit} levels: flatten them"),
        "expiry": (expiry, f"expire, which {target.name} does not know: use another target"),
    }
    found = _Findings()
    control.begin("check", sum(model.count for model in models))
    for model in models:
        for document in _documents(source, model, control):
            if sizes and len(canonical_text(document.fields())) > bytes_limit:
                found.add("too-large", model.source, document.id)
            if depths and _depth(document) > depth_limit:
                found.add("too-deep", model.source, document.id)
            if expiry and document.expires is not None:
                found.add("expiry", model.source, document.id)
    blockers = [
        Blocker(
            code=code,
            message=f"{len(ids) if count <= EXAMPLES else count:,} documents of {model} "
            f"{checks[code][1]} (such as {', '.join(map(repr, ids))})",
            model=model,
            count=count,
            ids=ids,
        )
        for (code, model), (count, ids) in found.items()
    ]
    looked = {"too-large": "size", "too-deep": "depth", "expiry": "expiry"}
    names = ", ".join(word for code, word in looked.items() if checks[code][0])
    return blockers, f"every document was checked against the limits of {target.name}: {names}"


class _Findings(dict[tuple[str, str], tuple[int, list[str]]]):
    """By code and model: how many documents, and a few of their ids."""

    def add(self, code: str, model: str, id: str) -> None:
        count, ids = self.get((code, model), (0, []))
        self[code, model] = count + 1, ids if len(ids) == EXAMPLES else [*ids, id]


def _documents(source: Operations, model: ModelPlan, control: Control) -> Iterator[Document]:
    for partition in model.partitions:
        after: Any = None
        while True:
            page = source.scan(model.source, partition, after, 500)
            yield from page.documents
            control.step(len(page.documents))
            if (after := page.next) is None:
                break


def _depth(document: Document) -> int:
    deepest, stack = 1, [(1, value) for value in document.values()]
    while stack:
        depth, value = stack.pop()
        if isinstance(value, (dict, list)):
            deepest = max(deepest, depth + 1)
            stack += [
                (depth + 1, v) for v in (value.values() if isinstance(value, dict) else value)
            ]
    return deepest
