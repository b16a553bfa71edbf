"""Partial updates.

Facts: the pages "Partial document update in Azure Cosmos DB" (operations, at most ten, neither
system properties nor the partition key), its "Getting started" (conditions, and all errors that
are known) and its "Frequently asked questions" (the charge is like a replace's).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.servers.cosmosdb.gateway import charges, items
from tests.servers.cosmosdb.gateway.errors import ServiceError, bad_request
from tests.servers.cosmosdb.gateway.request import Answer
from tests.servers.cosmosdb.gateway.resources import Container, Key
from tests.servers.cosmosdb.gateway.sql.lexer import SqlError
from tests.servers.cosmosdb.gateway.sql.parser import parse_condition
from tests.servers.cosmosdb.gateway.sql.run import Prepared

__all__ = ["patch"]

MOST: Final = 10
SYNTAX: Final = "Invalid patch request: check syntax of patch specification"


def patch(
    container: Container,
    key: Key | None,
    id: str,
    body: Any,
    conditions: Mapping[str, str],
) -> Answer:
    """Change an item as told; all of it or nothing.

    Raises:
        ServiceError: 400 for an operation that cannot be, 404, 412 for a condition not met.
    """
    key = items.require(container, key)
    operations = body.get("operations") if isinstance(body, dict) else None
    if not isinstance(operations, list) or not operations:
        raise bad_request(SYNTAX)
    if len(operations) > MOST:
        raise bad_request(f"The number of patch operations cannot exceed {MOST}")
    item = items.find(container, key, id)
    items.check_condition(item, conditions)
    if body.get("condition") and not _meets(body["condition"], item.body):
        raise ServiceError(412, items.PRECONDITION, charge=charges.DENIED)
    changed = copy.deepcopy(
        {name: value for name, value in item.body.items() if name not in items.SYSTEM}
    )
    for number, operation in enumerate(operations, 1):
        try:
            _apply(container, changed, operation)
        except ServiceError as error:
            raise bad_request(f"For Operation({number}): {error}") from None
    return items.replace(container, key, id, changed, {})


def _meets(condition: str, body: dict[str, Any]) -> bool:
    try:
        return Prepared(parse_condition(condition)).meets(body, {})
    except SqlError as error:
        raise bad_request(error.body()) from None


def _apply(container: Container, document: dict[str, Any], operation: Any) -> None:
    if not isinstance(operation, dict) or not isinstance(operation.get("path"), str):
        raise bad_request(SYNTAX)
    name = str(operation.get("op", "")).lower()
    path = _path(container, operation["path"])
    if name == "move":
        source = _path(container, str(operation.get("from", "")))
        if path[: len(source)] == source and path != source:
            raise bad_request(SYNTAX)
        value = _remove(document, source)
        _add(document, path, value)
    elif name == "remove":
        _remove(document, path)
    elif name in OPERATIONS and "value" in operation:
        OPERATIONS[name](document, path, operation["value"])
    else:
        raise bad_request(SYNTAX)


def _path(container: Container, text: str) -> list[str]:
    if not text.startswith("/") or text == "/":
        raise bad_request(SYNTAX)
    keys = [key.replace("~1", "/").replace("~0", "~") for key in text[1:].split("/")]
    if keys[0] in items.SYSTEM or keys == ["id"]:
        raise bad_request(f"Invalid patch request: Cannot patch system property {text}.")
    if any(path[: len(keys)] == keys for path in container.paths):
        raise bad_request(f"Invalid patch request: Cannot patch the partition key {text}.")
    return keys


def _parent(document: Any, path: list[str]) -> Any:
    """What holds the last step of a path."""
    found = document
    for depth, key in enumerate(path[:-1]):
        if isinstance(found, dict) and key in found:
            found = found[key]
        elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            raise _no_parent(path, depth)
    if not isinstance(found, (dict, list)):
        raise _no_parent(path, len(path) - 1)
    return found


def _no_parent(path: list[str], depth: int) -> ServiceError:
    return bad_request(
        "Given Operation can only create a child object of an existing node(array or object) and "
        f"cannot create path recursively, no path found beyond: '{_shown(path[:depth])}'."
    )


def _shown(path: list[str]) -> str:
    return "/".join(path)


def _index(values: list[Any], key: str, most: int) -> int:
    if key == "-":
        key = str(len(values))
    if not key.isdecimal() or int(key) > most:
        raise bad_request(f"Index({key}) to operate on is out of array bounds")
    return int(key)


def _add(document: Any, path: list[str], value: Any) -> None:
    parent = _parent(document, path)
    if isinstance(parent, list):
        parent.insert(_index(parent, path[-1], len(parent)), value)
    else:
        parent[path[-1]] = value


def _set(document: Any, path: list[str], value: Any) -> None:
    """As `add`, but an element of an array is replaced."""
    parent = _parent(document, path)
    if isinstance(parent, list):
        at = _index(parent, path[-1], len(parent))
        parent[at : at + 1] = [value]
    else:
        parent[path[-1]] = value


def _replace(document: Any, path: list[str], value: Any) -> None:
    """As `set`, but of what is there."""
    parent = _parent(document, path)
    if isinstance(parent, list):
        parent[_index(parent, path[-1], len(parent) - 1)] = value
    elif path[-1] in parent:
        parent[path[-1]] = value
    else:
        raise bad_request(f"Node({_shown(path)}) to be replaced is absent.")


def _remove(document: Any, path: list[str]) -> Any:
    parent = _parent(document, path)
    if isinstance(parent, list):
        return parent.pop(_index(parent, path[-1], len(parent) - 1))
    if path[-1] not in parent:
        raise bad_request(f"Node({_shown(path)}) to be removed is absent.")
    return parent.pop(path[-1])


def _increment(document: Any, path: list[str], value: Any) -> None:
    if type(value) not in (int, float):
        raise bad_request(SYNTAX)
    parent = _parent(document, path)
    if isinstance(parent, dict) and path[-1] not in parent:
        parent[path[-1]] = value
        return
    at: Any = path[-1]
    if isinstance(parent, list):
        at = _index(parent, path[-1], len(parent) - 1)
    if type(parent[at]) not in (int, float):
        raise bad_request(f"Node({_shown(path)}) is not a number.")
    total = float(parent[at]) + float(value)
    parent[at] = int(total) if total.is_integer() and abs(total) < 1e21 else total


OPERATIONS: Final[Mapping[str, Callable[[Any, list[str], Any], None]]] = {
    "add": _add,
    "set": _set,
    "replace": _replace,
    "incr": _increment,
}
