# Generated from core/interstore/testing/_async/paging.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 77950168bc9df64cf292f32d

"""Keyset pages: to exhaustion, with tokens, and while others write."""

from __future__ import annotations

from typing import Any

from interstore._sync.store import Store
from interstore.errors import InvalidQueryError
from interstore.testing._sync.suite import Suite, fill, served_sort
from interstore.testing.checks import exact_all, ids, refuses
from interstore.testing.samples import ODD_IDS, ODD_VALUES

__all__ = ["PagingSuite"]

SORTS: list[Any] = [
    None,
    "a",
    "-a",
    "-id",
    ["b", "a"],
    ["-b", "a"],
    ["b", "-a"],
    ["-b", "-a", "id"],
    "@version",
    ["-@updated_at", "a"],
    "nothing",
    [(("l", 1), -1), "a"],
]


class PagingSuite(Suite):
    """Pages put together are what `find` gives at once."""

    def test_pages_to_exhaustion(self, store: Store, model: str) -> None:
        fill(store, model, _mixed())
        for whole_sort in SORTS:
            sort = served_sort(store, whole_sort)
            expected = exact_all(store.find(model, sort=sort).to_list())
            for limit in (1, 7, 1000):
                pages = _walk(store, model, sort=sort, limit=limit)
                assert exact_all(_flat(pages)) == expected, f"sort={sort}, limit={limit}"
                assert all(len(page) == limit for page in pages[:-1])

    def test_pages_of_a_filter(self, store: Store, model: str) -> None:
        fill(store, model, _mixed())
        filter = {"$nor": [{"a": {"$type": "number"}}], "b": {"$in": [0, "x", None]}}
        for whole_sort in SORTS:
            sort = served_sort(store, whole_sort)
            expected = ids(store.find(model, filter, sort=sort).to_list())
            assert expected
            pages = _walk(store, model, filter, sort=sort, limit=3)
            assert ids(_flat(pages)) == expected, f"sort={sort}"

    def test_pages_of_odd_ids(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": id, "n": 1} for id in ODD_IDS])
        for sort, expected in ((None, sorted(ODD_IDS)), ("-n", sorted(ODD_IDS)[::-1])):
            assert ids(_flat(_walk(store, model, sort=sort, limit=2))) == expected

    def test_pages_with_fields(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": f"{n}", "n": -n, "m": n} for n in range(9)])
        pages = _walk(store, model, sort="n", limit=2, fields=["m"])
        documents = _flat(pages)
        assert [d["m"] for d in documents] == list(range(8, -1, -1))
        assert all("n" not in d and d.partial for d in documents)

    def test_an_empty_model(self, store: Store, model: str) -> None:
        page = store.page(model)
        assert (page.documents, page.next) == ([], None)

    def test_the_last_page_has_no_token(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": f"{n}"} for n in range(4)])
        assert store.page(model, limit=4).next is None
        page = store.page(model, limit=3)
        assert page.next is not None
        assert store.page(model, limit=3, after=page.next).next is None

    def test_a_token_belongs_to_its_query(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": f"{n}", "a": n} for n in range(9)])
        token = store.page(model, {"a": {"$gt": 1}}, sort="a", limit=2).next
        assert token is not None
        with refuses(InvalidQueryError, "the token of another filter"):
            store.page(model, {"a": {"$gt": 2}}, sort="a", after=token)
        with refuses(InvalidQueryError, "the token of another sort"):
            store.page(model, {"a": {"$gt": 1}}, sort="-a", after=token)
        bad_tokens: list[Any] = ["", "x", token[:-3], token[3:], "é", "\0", 1, b"x", [], {}]
        for bad in bad_tokens:
            with refuses(InvalidQueryError, f"page(after={bad!r})"):
                store.page(model, {"a": {"$gt": 1}}, sort="a", after=bad)

    def test_writing_between_pages(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": f"{n:02}", "n": 0} for n in range(20)])
        seen: list[str] = []
        token = None
        while True:
            page = store.page(model, limit=3, after=token)
            seen += ids(page.documents)
            last = page.documents[-1].id
            store.update(model, last, {"n": 1})
            store.delete(model, page.documents[0].id)
            store.put(model, {"id": f"{last}-before-the-next"})
            token = page.next
            if token is None:
                break
        assert len(seen) == len(set(seen)), "a document appeared twice"
        assert set(seen) >= {f"{n:02}" for n in range(20)}, "a document was left out"

    def test_writing_while_iterating(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": f"{n:03}", "n": 0} for n in range(250)])
        seen: list[str] = []
        for document in store.find(model):
            seen.append(document.id)
            if document.id.startswith("new"):
                continue
            store.update(model, document.id, {"$inc": {"n": 1}})
            if len(seen) % 10 == 0:
                store.create(model, {"id": f"new{document.id}"})
        assert len(seen) == len(set(seen)), "a document appeared twice"
        assert set(seen) >= {f"{n:03}" for n in range(250)}, "a document was left out"
        assert store.count(model, {"n": 1}) == 250

    def test_iterating_and_leaving(self, store: Store, model: str) -> None:
        fill(store, model, [{"id": f"{n:03}"} for n in range(150)])
        for document in store.find(model):
            if document.id == "120":
                break
        store.create(model, {"id": "after"})
        assert store.count(model) == 151


def _walk(
    store: Store, model: str, filter: Any = None, *, limit: int, **options: Any
) -> list[list[Any]]:
    pages: list[list[Any]] = []
    token: str | None = None
    while True:
        page = store.page(model, filter, limit=limit, after=token, **options)
        pages.append(list(page.documents))
        token = page.next
        if token is None:
            return pages
        assert len(pages) < 1000, "the pages never end"


def _mixed() -> list[dict[str, Any]]:
    values = [value for value in ODD_VALUES if len(str(value)) < 100]
    return [
        {"id": f"{n * 37 % 101:03}-{n}", "a": value, "b": (0, "x", None, True)[n % 4], "l": [n, n]}
        for n, value in enumerate(values)
    ]


def _flat(pages: list[list[Any]]) -> list[Any]:
    return [document for page in pages for document in page]
