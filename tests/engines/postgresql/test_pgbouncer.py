"""Through a pooler that gives every transaction whichever connection is free."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from interstore.errors import InterstoreError
from tests.engines.postgresql.support import Open, changes, query, tree, write
from tests.servers.databases import PostgreSQL
from tests.servers.pgbouncer import pooling
from tests.servers.process import ServerUnavailable


@pytest.fixture(scope="module")
def pooler(postgresql_server: PostgreSQL) -> Iterator[int]:
    """Its port."""
    if postgresql_server.process is None:
        pytest.skip("a server of your own may ask for a password, which PgBouncer is not told")
    try:
        with pooling(postgresql_server) as port:
            yield port
    except ServerUnavailable as error:
        pytest.skip(str(error).splitlines()[0])


@pytest.fixture
def url(postgresql_server: PostgreSQL, postgresql_url: str, pooler: int) -> Iterator[str]:
    yield postgresql_server.url(postgresql_url.rpartition("/")[2], port=pooler)
    name = postgresql_url.rpartition("/")[2]
    with postgresql_server.connect() as connection:
        # The pooler keeps its connections when its clients have left.
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
            [name],
        )


def test_without_prepared_statements(opened: Open, url: str) -> None:
    """More threads than the pooler has connections; each sees sound sessions."""
    database = opened(url, prepare=False, pool_size=6)
    database.create("m", write("n", {"n": 0, "x": 0.1}))
    errors: list[InterstoreError] = []

    def work(name: int) -> None:
        try:
            for number in range(20):
                id = f"{name}-{number}"
                database.update("m", "n", changes({"$inc": {"n": 1}}))
                database.create("m", write(id, {"n": number}))
                assert database.find_by_id("m", id) is not None
                database.put_many("m", [write(id, {"n": number}), write(f"{id}x")])
                database.delete("m", f"{id}x")
        except InterstoreError as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=[name]) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    found = database.find_by_id("m", "n")
    assert found is not None
    assert (found["n"], found.version) == (120, 121)
    assert database.count("m", tree({})) == 121
    assert len(list(database.find("m", query({"n": {"$gte": 10}}, sort="-n")))) == 61
    assert database.update_many("m", tree({"n": 3}), changes({"n": 0.5})).updated == 6
