"""Items that other programs wrote: their partition keys, and what is asked of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from azure.cosmos.partition_key import NonePartitionKeyValue, NullPartitionKeyValue

from interstore.changes import Changes
from interstore.errors import ConfigurationError, InvalidDocumentError
from interstore.filters.tree import ALL, Node
from interstore.foreign import ForeignSource, Renaming, Span
from interstore.paths import MISSING, Envelope, Path, resolve, show_path
from interstore_backends.cosmosdb.compile import Statement
from interstore_backends.cosmosdb.conditions import Conditions, Parameters
from interstore_backends.cosmosdb.keys import raw_expression

__all__ = [
    "OWN", "changed_item", "compile_page", "compile_sample", "compile_total",
    "key_of_item", "key_of_source", "key_paths",
]  # fmt: skip

OWN: Final = frozenset({"_rid", "_self", "_etag", "_ts", "_attachments", "_lsn"})
"""What the service adds to an item, and nobody's data."""

_ID: Final = 'c["id"]'


def key_paths(properties: Mapping[str, Any]) -> list[Path]:
    """The paths of a container's partition key."""
    return [tuple(path.strip("/").split("/")) for path in properties["partitionKey"]["paths"]]


def key_of_source(source: ForeignSource, paths: Sequence[Path]) -> Any:
    """The partition key that a source names; ``None`` if it is about all partitions.

    Raises:
        ConfigurationError: the container's key has other paths.
    """
    asked = source.partition
    if asked is None:
        return None
    named = [_steps(path) for path in ([asked] if isinstance(asked, str) else asked)]
    if isinstance(asked, str) and named[0] in paths:
        return None
    if isinstance(asked, str) or sorted(named) != sorted(paths):
        shown = [show_path(path) for path in paths]
        wanted = repr(shown[0]) if len(shown) == 1 else "all of " + ", ".join(map(repr, shown))
        raise ConfigurationError(
            f"foreign {source.name!r}: partition={asked!r:.80} does not name the partition key of "
            f"the container, which is {wanted}",
            backend="cosmosdb",
            model=source.name,
        )
    values = dict(zip(named, asked.values(), strict=True))
    return _key([values[path] for path in paths])


def _steps(path: str) -> Path:
    """A path with dots, as everywhere, or as the service writes it: ``/a/b``."""
    return tuple(path.strip("/").split("/")) if path.startswith("/") else tuple(path.split("."))


def key_of_item(item: Mapping[str, Any], paths: Sequence[Path]) -> Any:
    """The partition key of an item, as the client takes it."""
    return _key([resolve(dict(item), path) for path in paths])


def _key(values: list[Any]) -> Any:
    # To the service, arrays and objects are no values of a key.
    known = [MISSING if isinstance(value, (list, dict)) else value for value in values]
    if len(known) > 1:
        return [{} if value is MISSING else value for value in known]
    if known[0] is MISSING:
        return NonePartitionKeyValue
    return NullPartitionKeyValue if known[0] is None else known[0]


class _Conditions(Conditions):
    """Of items as they are, under the names that documents have."""

    def __init__(self, parameters: Parameters, renaming: Renaming) -> None:
        super().__init__(parameters)
        self._renaming = renaming

    def value(self, node: Any) -> str:
        return _ID if node.path is Envelope.ID else self.at(node.path)

    def at(self, path: Path) -> str:
        if self.document != "c" or not path:
            return raw_expression(self.document, path)
        name = self._renaming.native(str(path[0]))
        if name is None or name in OWN:
            return "undefined"
        return raw_expression("c", (name, *path[1:]))


def compile_page(renaming: Renaming, tree: Node, span: Span, limit: int) -> Statement:
    """The query for the first items of a span that match, by id."""
    parameters = Parameters()
    terms = [] if tree == ALL else [_Conditions(parameters, renaming).condition(tree)]
    for bound, signs in ((span.after, "><"), (span.until, ("<=", ">="))):
        if bound is not None:
            terms.append(f"{_ID} {signs[span.descending]} {parameters.bind(bound)}")
    where = f" WHERE {' AND '.join(terms)}" if terms else ""
    order = f" ORDER BY {_ID}{' DESC' if span.descending else ''}"
    return Statement(f"SELECT TOP {limit} * FROM c{where}{order}", parameters.values)


def compile_total() -> Statement:
    """The query for the number of items."""
    return Statement("SELECT VALUE COUNT(1) FROM c", [])


def compile_sample(limit: int) -> Statement:
    """The query for the ids of some items, as they lie."""
    return Statement(f"SELECT TOP {limit} VALUE {_ID} FROM c", [])


def changed_item(
    item: Mapping[str, Any],
    after: Mapping[str, Any],
    changes: Changes,
    renaming: Renaming,
    paths: Sequence[Path],
) -> dict[str, Any]:
    """The item after changes, which made `after` of the document that it is presented as.

    Raises:
        InvalidDocumentError: the service cannot hold it, or it would be in another partition.
    """
    changed = {name: value for name, value in item.items() if name not in OWN}
    for shown in {change.path[0] for change in changes.changes}:
        name = renaming.native(shown)
        if name is None or name in OWN:
            raise InvalidDocumentError(
                f"{shown!r} cannot be written: the field of that name is the id, is renamed, or "
                "is the service's own",
                path=shown,
            )
        if shown in after:
            _check_numbers(after[shown], shown)
            changed[name] = after[shown]
        else:
            changed.pop(name, None)
    for path in paths:
        if resolve(dict(item), path) != resolve(changed, path):
            raise InvalidDocumentError(
                f"{show_path(path)!r} is the partition key of the container, which an item keeps: "
                "create another item, and delete this one",
                path=show_path(path),
            )
    return changed


def _check_numbers(value: Any, name: str) -> None:
    """Refuse integers that the service, which has doubles, would make others of."""
    if type(value) is int and float(value) != value:
        raise InvalidDocumentError(
            f"{name!r}: Cosmos DB does not keep {value}: it would become {float(value):.0f}; "
            "nothing was written",
            path=name,
        )
    if isinstance(value, (dict, list)):
        for each in value.values() if isinstance(value, dict) else value:
            _check_numbers(each, name)
