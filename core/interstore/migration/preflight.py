"""What is found out before anything is written: the models, their sizes, and what forbids it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from interstore.errors import ConfigurationError, InterstoreError, InvalidQueryError
from interstore.filters.tree import ALL
from interstore.migration.chunks import archive_of
from interstore.migration.indexes import indexes_of
from interstore.migration.inspection import Inspection
from interstore.migration.plan import ModelPlan, Request, shares_of
from interstore.migration.progress import Control
from interstore.migration.raw import is_raw
from interstore.migration.report import Blocker
from interstore.names import check_model, check_new_model, is_reserved
from interstore.paths import MISSING, resolve
from interstore.prepared import Partition

if TYPE_CHECKING:
    from interstore._sync.operations import Operations
    from interstore._sync.store import Store

__all__ = [
    "Checked",
    "check_known",
    "check_target",
    "check_views",
    "list_models",
    "plan_models",
]


FIRST: Final = 500
"""Documents of each model that are looked at for the fields that the request names."""

_CONVERTED: Final = (
    "values of others become what documents have: times, dates, decimals, UUIDs and ObjectIds are "
    "text, bytes base64, NaN and the infinities the texts of that name, NULL is null"
)


class Checked(NamedTuple):
    """What was found: what forbids the run, what does not, and notes."""

    blockers: list[Blocker]
    warnings: list[Blocker]
    notes: list[str]


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
        names = list(request.models)
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
    pairs = [(name, _target_name(name, request)) for name in names]
    _check_injective(pairs, request)
    _check_codecs(names, request)
    return pairs


def check_known(
    left: Store, right: Store, pairs: Sequence[tuple[str, str]], request: Request
) -> None:
    """Refuse to compare what neither side has: a mistyped name would always be found equal.

    Raises:
        ConfigurationError: neither store has the model, and both can list theirs; or the map
            names one that is not compared.
    """
    names = [name for name, _ in pairs]
    if unused := set(request.map).difference(names):
        raise ConfigurationError(f"the map names {min(unused)!r}, which is not to be compared")
    _check_codecs(names, request)
    sides = [store.database for store in (left, right)]
    if not all(side.capabilities.models for side in sides):
        return
    one, other = (set(side.models()) for side in sides)
    for name, partner in pairs:
        if name not in one and partner not in other:
            there = ", ".join(sorted(filter(lambda each: not is_reserved(each), one))[:20])
            raise ConfigurationError(
                f"neither store has a model {name!r}; the first has {there or 'none'}"
            )


def _target_name(name: str, request: Request) -> str:
    try:
        return check_model(request.map.get(name, name))
    except InvalidQueryError as error:
        raise InvalidQueryError(
            f"{error}; --map '{name}:NAME' gives it another name in the target"
        ) from None


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


def _check_codecs(names: Sequence[str], request: Request) -> None:
    """A codec for a mistyped model would silently convert nothing."""
    for path in request.transform.codecs if request.transform is not None else ():
        model = path.partition(".")[0]
        if model not in names:
            raise ConfigurationError(
                f"the codec of {path!r} is for the model {model!r}, which is not among "
                f"the models here: {', '.join(names[:20])}"
            )


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
) -> Checked:
    """What forbids the migration, and what else was found.

    Raises:
        Stopped: the caller asked to.
        InterstoreError: one of the stores cannot be read.
    """
    operations = target.database
    blockers: list[Blocker] = []
    if not (request.drop_versions or is_raw(source.database) or _keeps_versions(operations)):
        blockers.append(
            Blocker(
                code="no-versions",
                message=f"{operations.name} cannot keep the documents' versions and times",
                cure="--drop-versions lets documents start anew at version 1; or choose another "
                "target",
            )
        )
    blockers += _check_names(operations, models)
    if request.into == "empty":
        blockers += _check_empty(operations, models)
    inspection = Inspection(source.database, operations, request, control)
    note = inspection.run(models)
    return Checked(
        [*blockers, *inspection.findings.blockers()],
        [
            *inspection.findings.warnings(),
            *_check_indexes(source.database, operations, models),
            *_check_fields(source.database, models, request),
        ],
        [note, *([_CONVERTED] if request.foreign else [])],
    )


def check_views(source: Store, models: Sequence[str], request: Request) -> list[Blocker]:
    """Why tables and collections of others cannot be read as they are.

    Raises:
        ConfigurationError: one of them does not exist, or the view of it is not right.
    """
    if not request.foreign:
        return []
    inspection = Inspection(source.database, source.database, request, Control())
    inspection.look_at_views(models)
    return inspection.findings.blockers()


def _keeps_versions(target: Operations) -> bool:
    return target.capabilities.write_page or archive_of(target) is not None


def _check_names(target: Operations, models: Sequence[ModelPlan]) -> list[Blocker]:
    blockers: list[Blocker] = []
    existing = set(target.models()) if target.capabilities.models else set[str]()
    for model in models:
        try:
            check_new_model(model.target, existing)
        except InterstoreError as error:
            cure = f"--map {model.source}:NAME gives it another name"
            blocker = Blocker(code="model-name", message=str(error), cure=cure, model=model.source)
            blockers.append(blocker)
        existing.add(model.target)
    return blockers


def _check_empty(target: Operations, models: Sequence[ModelPlan]) -> list[Blocker]:
    return [
        Blocker(
            code="not-empty",
            message=f"the target's {model.target!r} holds documents already",
            cure="choose an empty target, or say what becomes of them (--into merge keeps those "
            "that the source has not, --into replace deletes them first)",
            model=model.source,
        )
        for model in models
        if target.exists(model.target, ALL)
    ]


def _check_indexes(
    source: Operations, target: Operations, models: Sequence[ModelPlan]
) -> list[Blocker]:
    """The indexes that the target cannot have: without them, it does not demand or find as fast."""
    if archive_of(target) is not None:
        return []
    able = target.capabilities.ensure_index
    return [
        Blocker(
            code="no-index",
            message=f"{target.name} has no indexes of the kind {', '.join(sorted(missing))}: "
            f"{model.target} will be without the {index}",
            cure="nothing is to be done if the application can do without; else choose another "
            "target",
            model=model.source,
        )
        for model in models
        for index in indexes_of(source, model.source)
        if (missing := index.kinds - able)
    ]


def _check_fields(
    source: Operations, models: Sequence[ModelPlan], request: Request
) -> list[Blocker]:
    """Fields that are named and that none of the first documents has: they may be mistyped."""
    transform = request.transform
    if transform is None:
        return []
    missing = transform.named
    for model in models:
        if not missing:
            break
        try:
            documents = source.scan(model.source, Partition(), None, FIRST).documents
        except InterstoreError:  # of which the inspection tells
            return []
        missing = {
            option: path
            for option, path in missing.items()
            if all(resolve(document, path) is MISSING for document in documents)
        }
    return [
        Blocker(
            code="no-field",
            message=f"{option}: none of the first {FIRST} documents of any model has this field",
            cure="if it is mistyped, mend it; nothing is to be done if few documents have it",
        )
        for option in missing
    ]
