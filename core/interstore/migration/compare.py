"""Finds the documents in which two models differ, by asking each side for the other's ids.

Works between any two engines, whatever the order of their scans, and holds a page at a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from interstore.document import Document
from interstore.expiry import has_expired
from interstore.migration.canonical import canonical_text
from interstore.migration.digest import bucket_of
from interstore.migration.pages import PageTransform, Transformed
from interstore.migration.raw import is_raw
from interstore.migration.transform import Transform
from interstore.paths import MISSING, Path, show_path

if TYPE_CHECKING:
    from interstore._sync.operations import Operations

__all__ = ["Comparison", "FieldDifference", "Mender", "compare"]

LISTED: Final = 1_000
"""Ids listed for each kind of difference; more are only counted."""
EXPLAINED: Final = 20
"""Documents whose fields are compared one by one."""
FIELDS: Final = 50
"""Fields shown of each of those documents."""
PAGE: Final = 500
PAUSE: Final = 0.05
"""Seconds between two looks at documents that are written meanwhile."""


class FieldDifference(msgspec.Struct, frozen=True, kw_only=True):
    """One field in which a document differs, and its values, shortened."""

    id: str
    path: str
    left: str
    right: str


class Comparison(msgspec.Struct, kw_only=True):
    """How two models differ.

    Attributes:
        checked: documents of the left side that were looked up on the right.
        matched: of these, how many are equal on both sides.
        missing: on the left only; `missing_ids` has the first thousand.
        extra: on the right only; likewise.
        different: on both sides, and not equal; likewise.
        differences: the fields of the first twenty different documents.
    """

    checked: int = 0
    matched: int = 0
    missing: int = 0
    missing_ids: list[str] = []
    extra: int = 0
    extra_ids: list[str] = []
    different: int = 0
    different_ids: list[str] = []
    differences: list[FieldDifference] = []

    @property
    def equal(self) -> bool:
        """Whether no difference was found."""
        return not (self.missing or self.extra or self.different)


class Mender(Protocol):
    """What is told which documents are to be written again, a page at a time."""

    def rewrite(self, ids: Sequence[str]) -> None:
        """These documents of the left side, by their ids there, are missing or different."""
        ...

    def remove(self, ids: Sequence[str]) -> None:
        """The right side alone has these."""
        ...


@dataclass(frozen=True, slots=True)
class _Side:
    """A model of one store, and what becomes of its documents before they are compared."""

    operations: Operations
    model: str
    transform: PageTransform
    skip: Collection[str] = ()

    def pages(
        self, wanted: Collection[int] | None, on_page: Callable[[int], object]
    ) -> Iterator[tuple[dict[str, Document], dict[str, str]]]:
        """The documents whose ids are in the wanted buckets, a page at a time.

        And by what id each was read.
        """
        for partition in self.operations.partitions(self.model, 1):
            after: Any = None
            while True:
                page = self.operations.scan(self.model, partition, after, PAGE)
                on_page(len(page.documents))
                changed = self._applied(page.documents)
                chosen: dict[str, Document] = {}
                origins: dict[str, str] = {}
                for original, document in zip(changed.originals, changed.documents, strict=True):
                    id = document["id"]
                    if wanted is None or bucket_of(id) in wanted:
                        chosen[id], origins[id] = document, original["id"]
                if chosen:
                    yield chosen, origins
                if (after := page.next) is None:
                    break

    def lookup(self, ids: Iterable[str]) -> dict[str, Document]:
        """The documents that exist among `ids`. What becomes of them must not change ids."""
        found = self.operations.find_by_ids(self.model, list(ids))
        return {document["id"]: document for document in self._applied(found).documents}

    def _applied(self, documents: Iterable[Document]) -> Transformed:
        """What becomes of them; those that cannot become it are in quarantine."""
        return self.transform([each for each in documents if each["id"] not in self.skip])


def compare(
    left: tuple[Operations, str],
    right: tuple[Operations, str],
    *,
    buckets: Collection[int] | None = None,
    envelope: bool = True,
    extras: bool = True,
    skip: Collection[str] = (),
    transform: Transform | None = None,
    mender: Mender | None = None,
    on_page: Callable[[int], object] = bool,
    patience: float = 0.0,
) -> Comparison:
    """Compare two models document by document.

    Args:
        left: the operations of one side, and the name of the model there.
        right: the other side's.
        buckets: look only at ids of these buckets of the digest; ``None`` for all.
        envelope: whether versions and times count as well.
        extras: whether to look for ids that only the right side has.
        skip: ids of the left side that are passed over, being in quarantine.
        transform: what the left side's documents become before they are compared.
        mender: what is told of each difference, page after page.
        on_page: called with the number of documents of each page that was looked at.
        patience: seconds, all together, for which documents that differ are read again, because
            both sides are written meanwhile (so that nothing is to be made of them before).
    """
    found = Comparison()
    calm = _Calm(envelope, patience)
    wanted = None if buckets is None else frozenset(buckets)
    one = _Side(*left, PageTransform(transform, left[1]), skip)
    other = _Side(*right, PageTransform(None, right[1]))
    keeps_ids = transform is None or transform.keeps_ids
    # Ids of others are not always ids, and files cannot be searched for one.
    known: set[str] | None = None if keeps_ids and not is_raw(left[0]) else set()
    for page, origins in one.pages(wanted, on_page):
        there = other.lookup(page)
        calm.wait_for_equal(one, other, page, there)
        differing = [
            origins[id]
            for id, document in page.items()
            if not _compare(found, document, there.get(id), envelope)
        ]
        if mender is not None and differing:
            mender.rewrite(differing)
        if known is not None:
            known.update(page)
    if extras:
        for page, _ in other.pages(wanted, on_page):
            mine: Collection[str]
            if known is None:
                mine = one.lookup(page)
                calm.wait_for_gone(one, other, page, mine)
            else:
                mine = known
            alone = [
                id for id, document in page.items() if id not in mine and not has_expired(document)
            ]
            for id in alone:
                found.extra += 1
                _list(found.extra_ids, id)
            if mender is not None and alone:
                mender.remove(alone)
    return found


class _Calm:
    """Reads documents again that differ because somebody is writing them."""

    def __init__(self, envelope: bool, patience: float) -> None:
        self._envelope = envelope
        self._left = patience

    def wait_for_equal(
        self, one: _Side, other: _Side, mine: dict[str, Document], theirs: dict[str, Document]
    ) -> None:
        """Renew what differs in two pages until it does not, or the time is over.

        The right side is read before the left and after it: it may be that the one is written
        between, but hardly that both always are.
        """
        while self._left > 0:
            differing = [id for id, each in mine.items() if not self._alike(each, theirs.get(id))]
            if not differing:
                return
            self._pause()
            before, now, after = (side.lookup(differing) for side in (other, one, other))
            for id in differing:
                self._renew(mine, id, now.get(id))
                like = before if id in now and self._alike(now[id], before.get(id)) else after
                self._renew(theirs, id, like.get(id))

    def wait_for_gone(
        self,
        one: _Side,
        other: _Side,
        theirs: dict[str, Document],
        mine: dict[str, Document],
    ) -> None:
        """Renew what only the right page has until it has not, or the time is over."""
        while self._left > 0:
            extra = [id for id in theirs if id not in mine]
            if not extra:
                return
            self._pause()
            now = other.lookup(extra)
            for id in extra:
                self._renew(theirs, id, now.get(id))
            mine.update(one.lookup(extra))

    def _alike(self, left: Document, right: Document | None) -> bool:
        return right is not None and _equal(left, right, self._envelope)

    def _pause(self) -> None:
        time.sleep(PAUSE)
        self._left -= PAUSE

    @staticmethod
    def _renew(page: dict[str, Document], id: str, document: Document | None) -> None:
        if document is None:
            page.pop(id, None)
        else:
            page[id] = document


def _compare(found: Comparison, document: Document, other: Document | None, envelope: bool) -> bool:
    """Count how the two compare; whether nothing is to be done."""
    if other is None and has_expired(document):
        return True  # between the look at one side and at the other
    found.checked += 1
    if other is None:
        found.missing += 1
        _list(found.missing_ids, document["id"])
        return False
    if _equal(document, other, envelope):
        found.matched += 1
        return True
    found.different += 1
    _list(found.different_ids, document["id"])
    if found.different <= EXPLAINED:
        found.differences += list(_explain(document, other, envelope))
    return False


def _equal(left: Document, right: Document, envelope: bool) -> bool:
    if envelope and _envelope(left) != _envelope(right):
        return False
    return canonical_text(left) == canonical_text(right)


def _envelope(document: Document) -> dict[str, Any]:
    return {
        "@version": document.version,
        "@created_at": document.created,
        "@updated_at": document.updated,
        "@expires_at": document.expires,
    }


def _list(ids: list[str], id: str) -> None:
    if len(ids) < LISTED:
        ids.append(id)


def _explain(left: Document, right: Document, envelope: bool) -> Iterator[FieldDifference]:
    fields = list(_fields(dict(left), dict(right), ()))
    if envelope:
        mine, theirs = _envelope(left), _envelope(right)
        fields += [
            ((name,), mine[name], theirs[name]) for name in mine if mine[name] != theirs[name]
        ]
    for path, one, other in fields[:FIELDS]:
        yield FieldDifference(
            id=left["id"], path=show_path(path), left=_show(one), right=_show(other)
        )


def _fields(left: Any, right: Any, path: Path) -> Iterator[tuple[Path, Any, Any]]:
    """The innermost places where two values differ."""
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(left.keys() | right.keys()):
            yield from _fields(left.get(key, MISSING), right.get(key, MISSING), (*path, key))
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for index, (one, other) in enumerate(zip(left, right, strict=True)):
            yield from _fields(one, other, (*path, index))
    elif left is MISSING or right is MISSING or canonical_text(left) != canonical_text(right):
        yield path, left, right


def _show(value: Any) -> str:
    if value is MISSING:
        return "(missing)"
    text = canonical_text(value).decode()
    return text if len(text) <= 80 else text[:77] + "..."
