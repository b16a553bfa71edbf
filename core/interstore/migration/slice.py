"""The unit of work, a slice: an order as plain JSON in, a result as plain JSON out.

"Copy partition P of model M after token T, for at most 60 s or 16 MB, and stop at a page
boundary." A slice keeps no state: done again, it has the same effect, and what it did counts
only when its result is in the journal.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from interstore.collecting import collection_paused
from interstore.document import Document, make_document
from interstore.errors import DuplicateError
from interstore.migration.blobs.counts import BlobCounts
from interstore.migration.blobs.ends import BlobOrder, sides_of
from interstore.migration.blobs.moving import Comparer, Mover
from interstore.migration.chunks import Chunk, ChunkTarget, Compression, archive_of
from interstore.migration.digest import Digest, DigestData
from interstore.migration.pacing import Pace, Stop
from interstore.migration.pages import PageTransform, Transformed
from interstore.migration.plan import Limits
from interstore.migration.raw import is_raw
from interstore.migration.references import Resolver, UrlResolver
from interstore.migration.refusals import Refused, refused_by
from interstore.migration.transform import Transform
from interstore.migration.writing import Lease, Sender
from interstore.prepared import Partition, ScanPage, Write

if TYPE_CHECKING:
    from interstore._sync.operations import Operations

__all__ = ["Order", "Result", "run_order", "run_slice"]

BLOB_PAGE: Final = 100
"""Documents of a page, at most, where their blobs are part of the work."""


class Order(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a slice is to do.

    Attributes:
        kind: ``"copy"`` from source to target; ``"digest"`` of the source; or ``"blobs"``, to
            compare the blobs of the source's documents on both sides, or to mend the target's.
        source: a reference to the store to read (see `references`).
        model: the model to read.
        partition: the share of it to read.
        after: the token to go on after; ``None`` to begin.
        limits: where to stop.
        target: a reference to the store to write, for a copy.
        into: the model to write, for a copy.
        mode: what becomes of a document that the target has already.
        anew: the time at which documents start anew, at version 1; empty if they keep their
            versions and times.
        transform: what becomes of each document before it is written, or hashed.
        most: documents at the most; no limit by default.
        aside: why the documents are not to be written, but to be reported as refused.
        skip: ids in the source of documents that are passed over (those set aside before).
        live: whether an application writes to both stores meanwhile (`interstore.dual`).
        only: ids in the source of the documents to read, instead of a partition.
        lease: until when it may write, in seconds since 1970 by the coordinator's clock, because
            then it is given up; 0 for ever. (Not from its beginning: that may be late, on a
            worker that was stopped.)
        blobs: where the blobs of the documents are and go; ``None`` to leave them alone.
        compression: of what is written into an archive.
    """

    kind: Literal["copy", "digest", "blobs"]
    source: str
    model: str
    partition: Partition = Partition()
    after: Any = None
    limits: Limits = Limits()
    target: str = ""
    into: str = ""
    mode: Literal["upsert", "insert_if_absent"] = "upsert"
    anew: str = ""
    transform: Transform | None = None
    most: int | None = None
    aside: Refused | None = None
    skip: list[str] = []
    live: bool = False
    only: list[str] = []
    lease: float = 0.0
    blobs: BlobOrder | None = None
    compression: Compression = "gzip"

    @property
    def patience(self) -> float:
        """Seconds that the slice may take: with blobs, one page may have a lot to carry."""
        return self.limits.seconds if self.blobs is None else max(self.limits.seconds, 3600.0)


class Result(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a slice did. ``read = written + unchanged + filtered + len(refused)``.

    Attributes:
        read: documents read from the source.
        written: documents written to the target.
        unchanged: documents that the target had already and kept.
        filtered: documents left out on purpose.
        refused: documents that the target did not take.
        bytes: about their length, in the form that the source or the target has them in.
        seconds: how long it took.
        after: the token to go on after.
        done: whether the partition holds nothing more.
        request_units: what both stores charged for it, where they charge request units.
        digest: of what was read, if that was the order.
        chunk: what it wrote into an archive, if the target is one and anything was left to write.
        blobs: what became of the blobs, if they were part of the order.
    """

    read: int = 0
    written: int = 0
    unchanged: int = 0
    filtered: int = 0
    refused: list[Refused] = []
    bytes: int = 0
    seconds: float = 0.0
    after: Any = None
    done: bool = False
    request_units: float = 0.0
    digest: DigestData | None = None
    chunk: Chunk | None = None
    blobs: BlobCounts | None = None


OnPage: TypeAlias = Callable[[int], object]


def run_order(order: dict[str, Any], resolver: Resolver | None = None) -> dict[str, Any]:
    """Run one slice in this process: plain data in, plain data out.

    Without a resolver, stores are opened by URL and stay open for the life of the process.

    Raises:
        InterstoreError: a store cannot be opened, read or written.
    """
    result = run_slice(msgspec.convert(order, Order), resolver or _process_stores)
    plain: dict[str, Any] = msgspec.to_builtins(result)
    return plain


_process_stores: Final = UrlResolver()


def run_slice(
    order: Order,
    resolver: Resolver,
    on_page: OnPage = bool,
    stop: Stop = lambda: False,
) -> Result:
    """Run one slice.

    Args:
        order: what to do.
        resolver: where to get the stores from.
        on_page: called with the number of documents of each page that is done.
        stop: asked after each page whether to stop early.
    """
    source = resolver.open(order.source).database
    if order.aside is not None:
        return _set_aside(order, source, order.aside)
    if order.kind == "digest":
        return _digest(order, source, on_page, stop)
    target = resolver.open(order.target).database
    carry = _carrier(order, resolver, source, target)
    if order.kind == "blobs":
        return _compare_blobs(order, source, carry, on_page, stop)
    if (archive := archive_of(target)) is not None:
        return _archive(order, source, archive, carry, on_page, stop)
    return _copy(order, source, target, carry, on_page, stop)


def _carrier(
    order: Order, resolver: Resolver, source: Operations, target: Operations
) -> Mover | Comparer | None:
    """What carries the blobs of documents, or compares them, if the order says so."""
    if order.blobs is None:
        return None
    one, other = sides_of(order.blobs, resolver, source, target)
    blobs = order.blobs
    if order.kind == "blobs" and not blobs.mend:
        return Comparer(one, other)
    return Mover(one, other, replace=blobs.replace, stop=blobs.stop, reading=blobs.mend)


def _copy(
    order: Order,
    source: Operations,
    target: Operations,
    carry: Mover | Comparer | None,
    on_page: OnPage,
    stop: Stop,
) -> Result:
    result = Result(after=order.after, blobs=None if carry is None else carry.counts)
    send = Sender(order, source, target, result)
    limit = min(order.limits.page, target.limits.bulk_documents)
    transformed = _transformer(order, result)

    def take(documents: list[Document]) -> int:
        page = transformed(documents)
        if order.transform is not None and not order.transform.keeps_ids:
            page = _distinct(page, result)
        if carry is not None:  # before the documents, which never point at nothing
            carry.take(order.model, page.documents)
        return send([Write.of(document) for document in page.documents], page.originals)

    def take_unchanged(page: ScanPage) -> tuple[int, int]:
        writes = page.writes
        return len(writes), send(writes) if writes else 0

    # What nobody looks into on the way is not decoded on this side.
    looked = order.transform is not None or order.anew or carry is not None or is_raw(source)
    taking = _decoded(take) if looked else take_unchanged
    return _run(order, source, limit, taking, result, on_page, stop)


Take: TypeAlias = Callable[[ScanPage], "tuple[int, int]"]
"""Does with a page what is to be done: how many documents it had, and of how many bytes."""


def _decoded(take: Callable[[list[Document]], int]) -> Take:
    """The same of what needs the documents, and is called if there are any."""

    def take_page(page: ScanPage) -> tuple[int, int]:
        documents = page.documents
        return len(documents), take(documents) if documents else 0

    return take_page


def _archive(
    order: Order,
    source: Operations,
    archive: ChunkTarget,
    carry: Mover | Comparer | None,
    on_page: OnPage,
    stop: Stop,
) -> Result:
    """The same into one chunk of an archive, which is written at the end, whole."""
    result = Result(after=order.after, blobs=None if carry is None else carry.counts)
    chunk = archive.begin_chunk(order.into, order.compression)
    beside = carry.beside if isinstance(carry, Mover) else None
    transformed = _transformer(order, result)
    lease = Lease(order.lease)

    def take(documents: list[Document]) -> int:
        kept = transformed(documents).documents
        if carry is not None:
            carry.take(order.model, kept)
        result.written += len(kept)
        return chunk.add(kept, beside or ())

    _run(order, source, order.limits.page, _decoded(take), result, on_page, stop)
    lease.check()
    result.chunk = chunk.commit()
    return result


def _set_aside(order: Order, source: Operations, reason: Refused) -> Result:
    """Report the next document as refused, and go on after it."""
    page = _read(order, source, order.after, 1)
    return Result(
        read=len(page.documents),
        refused=[
            replace(reason, id=document["id"], document=dict(document))
            for document in page.documents
        ],
        after=page.next,
        done=page.next is None,
    )


def _digest(order: Order, source: Operations, on_page: OnPage, stop: Stop) -> Result:
    result = Result(after=order.after)
    digest = Digest()
    transformed = _transformer(order, result)
    skip = frozenset(order.skip)

    def take(documents: list[Document]) -> int:
        before = digest.bytes
        if skip:
            documents = [document for document in documents if document.id not in skip]
        digest.add(transformed(documents).documents)
        return digest.bytes - before

    _run(order, source, order.limits.page, _decoded(take), result, on_page, stop)
    result.digest = digest.data()
    return result


def _compare_blobs(
    order: Order,
    source: Operations,
    carry: Mover | Comparer | None,
    on_page: OnPage,
    stop: Stop,
) -> Result:
    assert carry is not None
    result = Result(after=order.after, blobs=carry.counts)
    transformed = _transformer(order, result)
    skip = frozenset(order.skip)

    def take(documents: list[Document]) -> int:
        documents = [document for document in documents if document.id not in skip]
        carry.take(order.model, transformed(documents).documents)
        return 0

    return _run(order, source, order.limits.page, _decoded(take), result, on_page, stop)


def _transformer(order: Order, result: Result) -> Callable[[list[Document]], Transformed]:
    """The order's transform of a page; what is left out or fails is counted in `result`."""
    apply = PageTransform(order.transform, order.model, repeat=True)

    def transformed(documents: list[Document]) -> Transformed:
        page = apply(documents)
        if order.anew:
            page.documents = [_anew(document, order.anew) for document in page.documents]
        result.filtered += page.filtered
        result.refused += page.refused
        return page

    return transformed


def _anew(document: Document, moment: str) -> Document:
    """The same, made at that moment: again and again the same, should it be copied again."""
    return make_document(document.fields(), document["id"], 1, moment, moment, document.expires)


def _distinct(page: Transformed, result: Result) -> Transformed:
    """The first of each id; the others are refused."""
    ids = set[str]()
    distinct = Transformed([], [])
    for original, document in zip(page.originals, page.documents, strict=True):
        id = document["id"]
        if id in ids:
            error = DuplicateError(f"the transform gives more than one document the id {id!r}")
            result.refused.append(refused_by(original, error))
        else:
            ids.add(id)
            distinct.originals.append(original)
            distinct.documents.append(document)
    return distinct


def _read(order: Order, source: Operations, after: Any, size: int) -> ScanPage:
    """The next documents of the partition; or of those with certain ids, counted in them."""
    if not order.only:
        return source.scan(order.model, order.partition, after, size)
    begin = after or 0
    end = begin + min(size, source.limits.bulk_documents)
    documents = source.find_by_ids(order.model, order.only[begin:end])
    return ScanPage(documents, end if end < len(order.only) else None)


def _run(
    order: Order,
    source: Operations,
    limit: int,
    take: Take,
    result: Result,
    on_page: OnPage,
    stop: Stop,
) -> Result:
    """Take pages until the partition, the time or the bytes are at their end."""
    started = time.monotonic()
    most = order.most or sys.maxsize
    limit = limit if order.blobs is None else min(limit, BLOB_PAGE)
    alone = collection_paused if order.blobs is None else nullcontext  # not for whole blobs
    with Pace(order.limits, limit, stop) as pace:
        while True:
            size = min(pace.size, most - result.read)
            with alone():
                page = _read(order, source, result.after, size)
                count, length = take(page)
                after = page.next
                del page  # before anybody looks for garbage in it
            if count:
                result.bytes += length
                result.read += count
                on_page(count)
                pace.paged(count, length)
            result.seconds = time.monotonic() - started
            result.after = after
            result.done = after is None
            result.request_units = pace.request_units
            if (
                result.done
                or result.read >= most
                or result.bytes >= order.limits.bytes
                or result.seconds >= order.limits.seconds
                or stop()
            ):
                return result
