"""JSON in and out, as the service does it: every number is a double."""

from __future__ import annotations

import json
import math
from typing import Any

from tests.servers.cosmosdb.gateway.errors import bad_request

__all__ = ["depth", "dumps", "loads"]

EXACT = 2**53
INVALID = "The input content is invalid because the required properties - 'id; ' - are missing"


def _double(text: str) -> int | float:
    value = float(text)
    if not math.isfinite(value):
        raise bad_request(f"Message: the number {text} is outside the range of a double")
    return int(value) if value.is_integer() and abs(value) < 1e21 else value


def _integer(text: str) -> int | float:
    return int(text) if len(text) < 16 else _double(text)


def _constant(text: str) -> None:
    raise bad_request(f"Message: the input content is invalid JSON: {text}")


DECODER = json.JSONDecoder(parse_float=_double, parse_int=_integer, parse_constant=_constant)
ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)


def loads(body: bytes) -> Any:
    """Raises ServiceError (400) for what is no JSON."""
    try:
        return DECODER.decode(body.decode())
    except (ValueError, RecursionError) as error:
        raise bad_request(f"Message: the request body is invalid JSON: {error}") from None


def dumps(value: Any) -> bytes:
    return ENCODER.encode(value).encode("utf-8", "surrogatepass")


def depth(value: Any) -> int:
    """How deep objects and arrays are nested; 0 for a scalar."""
    found, level = 0, [value]
    while level := [one for one in level if isinstance(one, (dict, list))]:
        found += 1
        level = [
            inner for one in level for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return found
