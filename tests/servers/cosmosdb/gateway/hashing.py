"""From a partition key to where it lies: the 128-bit MurmurHash3 of its values, as hexadecimals.

Facts: the values recorded in Microsoft's tests of its .NET client ("PartitionKeyHashBaselineTest"),
and the Python client's own function; test_cosmosdb_hashing.py compares with both.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Any

from tests.servers.cosmosdb.gateway.sql.values import UNDEFINED

__all__ = ["END", "bounds", "effective_key", "middle", "murmur"]

END = "FF"
"""After all effective partition keys."""

MASK = 0xFFFFFFFFFFFFFFFF
C1, C2 = 0x87C37B91114253D5, 0x4CF5AD432745937F


def _rotate(value: int, by: int) -> int:
    return ((value << by) | (value >> (64 - by))) & MASK


def _mix(value: int) -> int:
    value ^= value >> 33
    value = (value * 0xFF51AFD7ED558CCD) & MASK
    value ^= value >> 33
    value = (value * 0xC4CEB9FE1A85EC53) & MASK
    return value ^ (value >> 33)


def murmur(data: bytes) -> bytes:
    """The x64 variant with seed 0, the high half first."""
    one = two = 0
    whole = len(data) & ~15
    for low, high in struct.iter_unpack("<QQ", data[:whole]):
        one ^= (_rotate((low * C1) & MASK, 31) * C2) & MASK
        one = ((_rotate(one, 27) + two) * 5 + 0x52DCE729) & MASK
        two ^= (_rotate((high * C2) & MASK, 33) * C1) & MASK
        two = ((_rotate(two, 31) + one) * 5 + 0x38495AB5) & MASK
    low, high = struct.unpack("<QQ", data[whole:].ljust(16, b"\0"))
    two ^= (_rotate((high * C2) & MASK, 33) * C1) & MASK
    one ^= (_rotate((low * C1) & MASK, 31) * C2) & MASK
    one ^= len(data)
    two ^= len(data)
    one = (one + two) & MASK
    two = (two + one) & MASK
    one, two = _mix(one), _mix(two)
    one = (one + two) & MASK
    two = (two + one) & MASK
    return struct.pack(">QQ", two, one)


def _encoded(value: Any) -> bytes:
    if value is UNDEFINED:
        return b"\0"
    if value is None:
        return b"\1"
    if isinstance(value, bool):
        return b"\3" if value else b"\2"
    if isinstance(value, (int, float)):
        return b"\5" + struct.pack("<d", float(value))
    return b"\x08" + str(value).encode("utf-8", "surrogatepass") + b"\xff"


@lru_cache(maxsize=20_000)
def _hashed(encoded: bytes) -> str:
    digest = bytearray(murmur(encoded))
    # The two highest bits are kept free, so that all lie before "FF".
    digest[0] &= 0x3F
    return digest.hex().upper()


def effective_key(key: tuple[Any, ...]) -> str:
    """That of one value, or of a hierarchy: each of its values hashed by itself."""
    return "".join(_hashed(_encoded(value)) for value in key)


def bounds(count: int) -> list[str]:
    """Where so many partitions of the same size begin and end."""
    step = 0x40000000 // count
    inner = [f"{step * index - 1:08X}" + "F" * 24 for index in range(1, count)]
    return ["", *inner, END]


def middle(low: str, high: str) -> str:
    """Where a partition is split in two."""
    first = int(low.ljust(32, "0")[:32], 16)
    last = 0x40 << 120 if high == END else int(high.ljust(32, "0")[:32], 16)
    return f"{(first + last) // 2:032X}"
