"""Where an item lies is where the service puts it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from azure.cosmos.partition_key import PartitionKey
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.cosmosdb.gateway.hashing import bounds, effective_key, middle
from tests.servers.cosmosdb.gateway.sql.values import UNDEFINED

RECORDED = [
    (UNDEFINED, "11622DAA78F835834610ABE56EFF5CB5"),
    (None, "378867E4430E67857ACE5C908374FE16"),
    (True, "0E711127C5B5A8E4726AC6DD306A3E59"),
    (False, "2FE1BE91E90A3439635E0E9E37361EF2"),
    (0, "155B95BEDAC4B1E9EC1CDC9BB0DDDE58"),
    (-0.0, "3D018BB1DF3DB27235766E81FD10406E"),
    (1, "20CD98B339BA78A5D0CF6953B87070B0"),
    (-1, "19938E7A936C1C5B9E3AE842BBC16839"),
    (5e-324, "0E6CBA63A280927DE485DEF865800139"),
    (1.7976931348623157e308, "31424D996457102634591FF245DBCC4D"),
    (9007199254740991, "12C221C7032CED1F9E6693CE1428E6CF"),
    (2**63 - 1, "2EDB959178DFCCA18983F89384D1629B"),
]
"""Of Azure/azure-cosmos-dotnet-v3, EffectivePartitionKeyBaselineTest.*.xml, version 2."""


@pytest.mark.parametrize(("value", "wanted"), RECORDED)
def test_is_as_recorded(value: Any, wanted: str) -> None:
    assert effective_key((value,)) == wanted


@given(st.one_of(st.text(), st.booleans(), st.none(), st.floats(allow_nan=False), st.integers()))
def test_is_as_the_client_has_it(value: Any) -> None:
    if isinstance(value, int):
        value = float(value % 2**1000)
    client = PartitionKey("/id")
    assert effective_key((value,)) == client._get_effective_partition_key_string([value])


@given(st.lists(st.text(), min_size=1, max_size=3))
def test_a_hierarchy_is_hashed_level_by_level(values: list[str]) -> None:
    client = PartitionKey(["/a", "/b", "/c"])
    assert effective_key(tuple(values)) == client._get_effective_partition_key_string(values)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_partitions_cover_everything(count: int) -> None:
    ends = bounds(count)
    assert ends[0] == ""
    assert ends[-1] == "FF"
    for low, high in pairwise(ends):
        assert low < middle(low, high) < high
    spread = [effective_key((str(number),)) for number in range(300)]
    for low, high in pairwise(ends):
        assert any(low <= where < high for where in spread)
