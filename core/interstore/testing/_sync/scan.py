# Generated from core/interstore/testing/_async/scan.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 31376267e3e7893e8faac14f

"""Scans and pages that migration and backup are built on."""

from __future__ import annotations

import msgspec

from interstore._sync.operations import Operations
from interstore._sync.store import Store
from interstore.document import Document
from interstore.errors import InterstoreError
from interstore.prepared import Partition, Write, WriteMode
from interstore.testing._sync.suite import Suite, fill
from interstore.testing.checks import envelope, exact, exact_all, ids, require
from interstore.testing.samples import ODD_IDS, ODD_VALUES

__all__ = ["ScanSuite"]

EARLY = "2020-01-01T00:00:00.000001Z"
LATER = "2020-01-02T00:00:00.999999Z"


class ScanSuite(Suite):
    """Partitions cover a model once; pages resume; `write_page` keeps the envelope."""

    def test_a_scan_gives_each_document_once(
        self, store: Store, operations: Operations, model: str
    ) -> None:
        written = fill(store, model, [{"id": id, "n": n} for n, id in enumerate(ODD_IDS)])
        for parts in (1, 4):
            for limit in (1, 3, 1000):
                seen: list[Document] = []
                partitions = operations.partitions(model, parts)
                assert 1 <= len(partitions) <= parts
                for partition in partitions:
                    seen += _scan(operations, model, partition, limit)
                by_id = sorted(seen, key=lambda document: document.id)
                expected = sorted(written, key=lambda document: document.id)
                assert ids(by_id) == ids(expected), f"{parts} partitions, pages of {limit}"
                assert exact_all(by_id) == exact_all(expected)
                assert [envelope(d) for d in by_id] == [envelope(d) for d in expected]

    def test_a_scan_of_many_pages(self, store: Store, operations: Operations, model: str) -> None:
        fill(store, model, [{"id": f"{n:05}"} for n in range(3_000)])
        seen: list[str] = []
        for partition in operations.partitions(model, 8):
            seen += ids(_scan(operations, model, partition, 500))
        assert len(seen) == len(set(seen)) == 3_000

    def test_an_empty_scan(self, operations: Operations, model: str) -> None:
        for partition in operations.partitions(model, 3):
            assert _scan(operations, model, partition, 10) == []

    def test_partitions_and_tokens_travel(
        self, store: Store, operations: Operations, model: str
    ) -> None:
        fill(store, model, [{"id": id} for id in ODD_IDS])
        seen: list[str] = []
        for partition in operations.partitions(model, 3):
            token = None
            while True:
                sent = msgspec.json.encode((partition, token))
                here, after = msgspec.json.decode(sent, type=tuple[Partition, object])
                page = operations.scan(model, here, after, 4)
                seen += ids(page.documents)
                token = page.next
                if token is None:
                    break
        assert sorted(seen) == sorted(ODD_IDS), "a scan resumed from JSON misses or repeats"

    def test_writing_while_scanning(self, store: Store, operations: Operations, model: str) -> None:
        fill(store, model, [{"id": f"{n:02}", "n": 0} for n in range(30)])
        seen: list[str] = []
        for partition in operations.partitions(model, 2):
            token = None
            while True:
                page = operations.scan(model, partition, token, 4)
                for document in page.documents:
                    seen.append(document.id)
                    store.update(model, document.id, {"$inc": {"n": 1}})
                if page.documents:
                    store.delete(model, page.documents[0].id)
                token = page.next
                if token is None:
                    break
        assert sorted(seen) == [f"{n:02}" for n in range(30)]

    def test_write_page_keeps_versions_and_times(
        self, store: Store, operations: Operations, model: str
    ) -> None:
        require(store, "write_page")
        writes = [_write(f"{n:03}", {"v": value}, 7) for n, value in enumerate(ODD_VALUES)]
        for _ in range(2):  # a page that is written again changes nothing
            assert operations.write_page(model, writes, "upsert") == [7] * len(writes)
            found = store.find(model).to_list()
            assert exact_all(found) == [(exact({"id": w.id, **w.fields}), 7) for w in writes]
            assert {d.created for d in found} == {EARLY}
            assert {d.updated for d in found} == {LATER}
        updated = store.update(model, "000", {"v": 1})
        assert (updated.version, updated.created) == (8, EARLY)
        assert store.find(model, {"@version": 7}, limit=1).to_list()[0].id == "001"

    def test_write_page_modes(self, store: Store, operations: Operations, model: str) -> None:
        require(store, "write_page")
        modes: dict[WriteMode, list[int]] = {
            "upsert": [2, 5, 9, 1],
            "insert_if_absent": [0, 0, 0, 1],
            "replace_if_newer": [0, 0, 9, 1],
        }
        for mode, expected in modes.items():
            store.delete_many(model, {})
            old = [_write(id, {"n": "old"}, 5) for id in "abc"]
            operations.write_page(model, old, "upsert")
            new = [_write(id, {"n": "new"}, v) for id, v in zip("abcd", (2, 5, 9, 1), strict=True)]
            outcomes = operations.write_page(model, new, mode)
            assert outcomes == expected, f"outcomes of {mode}"
            found = [(d["n"], d.version) for d in store.find(model).to_list()]
            versions = zip(expected, (5, 5, 5, 0), strict=True)
            wanted = [("new", v) if v else ("old", kept) for v, kept in versions]
            assert found == wanted, f"documents after {mode}"

    def test_write_page_of_nothing(self, store: Store, operations: Operations, model: str) -> None:
        require(store, "write_page")
        assert operations.write_page(model, [], "upsert") == []

    def test_the_bulk_operations_below_the_store(self, operations: Operations, model: str) -> None:
        writes = [_write(id, {"n": 1}, 1) for id in ("b", "a")]
        assert operations.create_many(model, writes) == [1, 1]
        outcomes = operations.create_many(model, [_write("c", {}, 1), *writes])
        assert outcomes[0] == 1
        assert all(isinstance(outcome, InterstoreError) for outcome in outcomes[1:])
        assert operations.put_many(model, [*writes, _write("d", {}, 1)]) == [2, 2, 1]
        found = operations.find_by_ids(model, ["d", "x", "a"])
        assert sorted((d.id, d.version) for d in found) == [("a", 2), ("d", 1)]


def _write(id: str, fields: dict[str, object], version: int) -> Write:
    return Write(id, fields, version=version, created=EARLY, updated=LATER)


def _scan(operations: Operations, model: str, partition: Partition, limit: int) -> list[Document]:
    seen: list[Document] = []
    token = None
    while True:
        page = operations.scan(model, partition, token, limit)
        assert len(page.documents) <= limit, "a page is longer than was asked for"
        seen += page.documents
        token = page.next
        if token is None:
            return seen
        assert page.documents or len(seen) < 10_000, "the scan never ends"
