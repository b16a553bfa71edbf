"""Random sequences of operations: the store against a dict."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from interstore._async.store import AsyncStore
from interstore.errors import ConflictError, DuplicateError, InterstoreError, NotFoundError
from interstore.testing._async.differential import compared
from interstore.testing._async.suite import AsyncSuite
from interstore.testing.checks import exact, tally

__all__ = ["AsyncProgramSuite"]

Row = tuple[int, dict[str, Any]]
"""What the dict holds for an id: version and fields."""

_ids = st.sampled_from(("a", "b", "A", "é"))
_data = st.fixed_dictionaries({}, optional={"n": st.integers(0, 3), "s": st.sampled_from("xy")})
_versions = st.sampled_from(("none", "none", "current", "stale", "later"))

programs = st.lists(
    st.one_of(
        st.tuples(st.just("create"), _ids, _data, st.just("none")),
        st.tuples(st.just("put"), _ids, _data, _versions),
        st.tuples(st.just("update"), _ids, _data, _versions),
        st.tuples(st.just("increment"), _ids, st.just({}), _versions),
        st.tuples(st.just("delete"), _ids, st.just({}), _versions),
        st.tuples(st.just("create_many"), _ids, _data, st.just("none")),
        st.tuples(st.just("put_many"), _ids, _data, st.just("none")),
        st.tuples(st.just("update_many"), _ids, _data, st.just("none")),
        st.tuples(st.just("delete_many"), _ids, _data, st.just("none")),
    ),
    min_size=1,
    max_size=25,
)


class AsyncProgramSuite(AsyncSuite):
    """After each operation, every read says what the dict says."""

    @compared
    @given(program=programs)
    async def test_programs(
        self, store: AsyncStore, model: str, program: list[tuple[str, str, Any, str]]
    ) -> None:
        await store.delete_many(model, {})
        rows: dict[str, Row] = {}
        for operation, id, data, version in program:
            if_version = _version(rows.get(id), version)
            expected = _EXPECTED[operation](rows, id, dict(data), if_version)
            outcome = await _outcome(_call(store, model, operation, id, dict(data), if_version))
            what = f"{operation} {id!r} {data} if_version={if_version}"
            assert outcome == expected, f"{what}: {outcome}, must be {expected}"
            await _agree(store, model, rows, what)
            tally["operations"] += 1


def _version(row: Row | None, wanted: str) -> int | None:
    current = row[0] if row else 1
    return {"none": None, "current": current, "stale": max(1, current - 1), "later": current + 1}[
        wanted
    ]


def _call(
    store: AsyncStore, model: str, operation: str, id: str, data: Any, if_version: int | None
) -> Callable[[], Awaitable[Any]]:
    document = {"id": id, **data}
    many = [document, {"id": "a", "n": 9}]
    calls: dict[str, Callable[[], Awaitable[Any]]] = {
        "create": lambda: store.create(model, document),
        "put": lambda: store.put(model, document, if_version=if_version),
        "update": lambda: store.update(model, id, data, if_version=if_version),
        "increment": lambda: store.update(model, id, {"$inc": {"n": 1}}, if_version=if_version),
        "delete": lambda: store.delete(model, id, if_version=if_version),
        "create_many": lambda: store.create_many(model, many, on_error="report"),
        "put_many": lambda: store.put_many(model, many),
        "update_many": lambda: store.update_many(model, data, {"$set": {"s": "z"}}),
        "delete_many": lambda: store.delete_many(model, data or {"n": 1}),
    }
    return calls[operation]


async def _outcome(call: Callable[[], Awaitable[Any]]) -> Any:
    """What the call said, in the terms of the dict."""
    try:
        result = await call()
    except InterstoreError as error:
        return type(error)
    if isinstance(result, bool):
        return result
    if isinstance(result, dict):
        return result.version  # type: ignore[attr-defined]
    if result.updated or result.deleted or not result.outcomes:
        return result.updated + result.deleted
    return [outcome.version for outcome in result.outcomes]


async def _agree(store: AsyncStore, model: str, rows: dict[str, Row], what: str) -> None:
    expected = [(id, rows[id][0], exact(rows[id][1])) for id in sorted(rows)]
    found = await store.find(model).to_list()
    assert [(d.id, d.version, exact(d.fields())) for d in found] == expected, f"after {what}"
    assert await store.count(model) == len(rows)
    for id in ("a", "é"):
        document = await store.find_by_id(model, id)
        assert (document and (document.version, document.fields())) == rows.get(id), f"after {what}"
    matching = sum(row[1].get("n") == 1 for row in rows.values())
    assert await store.count(model, {"n": 1}) == matching, f"after {what}"


# --- the dict ------------------------------------------------------------------------------------


def _checked(rows: dict[str, Row], id: str, if_version: int | None) -> Any:
    """The error for an operation on one document that must exist in that version."""
    if id not in rows:
        return NotFoundError
    return ConflictError if if_version not in (None, rows[id][0]) else None


def _create(rows: dict[str, Row], id: str, data: Any, if_version: Any) -> Any:
    if id in rows:
        return DuplicateError
    rows[id] = (1, data)
    return 1


def _put(rows: dict[str, Row], id: str, data: Any, if_version: int | None) -> Any:
    if if_version is not None and (error := _checked(rows, id, if_version)):
        return error
    rows[id] = (rows[id][0] + 1 if id in rows else 1, data)
    return rows[id][0]


def _update(rows: dict[str, Row], id: str, data: Any, if_version: int | None) -> Any:
    if error := _checked(rows, id, if_version):
        return error
    version, fields = rows[id]
    rows[id] = (version + bool(data), {**fields, **data})
    return rows[id][0]


def _increment(rows: dict[str, Row], id: str, data: Any, if_version: int | None) -> Any:
    number = rows[id][1].get("n", 0) if id in rows else 0
    return _update(rows, id, {"n": number + 1}, if_version)


def _delete(rows: dict[str, Row], id: str, data: Any, if_version: int | None) -> Any:
    if if_version is not None and (error := _checked(rows, id, if_version)):
        return error
    return rows.pop(id, None) is not None


def _create_many(rows: dict[str, Row], id: str, data: Any, if_version: Any) -> Any:
    created = [_create(rows, id, data, None), _create(rows, "a", {"n": 9}, None)]
    return [outcome if outcome == 1 else 0 for outcome in created]


def _put_many(rows: dict[str, Row], id: str, data: Any, if_version: Any) -> Any:
    return [_put(rows, id, data, None), _put(rows, "a", {"n": 9}, None)]


def _matching(rows: dict[str, Row], data: dict[str, Any]) -> list[str]:
    wanted = data.items()
    return [id for id, (_, fields) in rows.items() if wanted <= fields.items()]


def _update_many(rows: dict[str, Row], id: str, data: Any, if_version: Any) -> Any:
    matching = _matching(rows, data)
    for each in matching:
        _update(rows, each, {"s": "z"}, None)
    return len(matching)


def _delete_many(rows: dict[str, Row], id: str, data: Any, if_version: Any) -> Any:
    matching = _matching(rows, data or {"n": 1})
    for each in matching:
        del rows[each]
    return len(matching)


_EXPECTED: dict[str, Callable[[dict[str, Row], str, Any, int | None], Any]] = {
    "create": _create,
    "put": _put,
    "update": _update,
    "increment": _increment,
    "delete": _delete,
    "create_many": _create_many,
    "put_many": _put_many,
    "update_many": _update_many,
    "delete_many": _delete_many,
}
