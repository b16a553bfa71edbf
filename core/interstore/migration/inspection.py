"""The documents of the source, read before anything is written, for what stands against them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from interstore.document import Document
from interstore.errors import ConfigurationError, InvalidDocumentError
from interstore.indexes import Check, Index, compile_check
from interstore.migration.canonical import canonical_text
from interstore.migration.findings import Findings
from interstore.migration.pages import PageTransform, Transformed
from interstore.migration.plan import ModelPlan, Request
from interstore.migration.progress import Control
from interstore.migration.raw import RawDocument, is_raw
from interstore.migration.uniques import Distinct, Repeated, Repeats, distinct_ids, distinct_values
from interstore.migration.views import hidden_ids
from interstore.prepared import Partition

if TYPE_CHECKING:
    from interstore._sync.operations import Operations

__all__ = ["Inspection"]

PAGE: Final = 500


class Inspection:
    """Reads all documents, as the transform makes them, and asks whether the target can hold them.

    Args:
        source: what is read.
        target: what is to hold them.
        request: what was asked for.
        control: what the caller hears.
    """

    def __init__(
        self, source: Operations, target: Operations, request: Request, control: Control
    ) -> None:
        self._source = source
        self._target = target
        self._request = request
        self._control = control
        self.findings = Findings(request.set_aside)
        raw, transform = is_raw(source), request.transform
        bytes_limit, depth_limit = target.limits.document_bytes, target.limits.depth
        self._raw = raw
        self._sizes = bytes_limit if raw or source.limits.document_bytes > bytes_limit else 0
        self._depths = depth_limit if raw or source.limits.depth > depth_limit else 0
        self._expiry = source.capabilities.ttl and not target.capabilities.ttl
        self._new_ids = raw or not (transform is None or transform.keeps_ids)

    def look_at_views(self, models: Sequence[str]) -> None:
        """Whether the tables and collections can be read at all.

        Raises:
            InterstoreError: they cannot.
        """
        for model in models:
            try:
                self._source.scan(model, Partition(), None, 1)
            except ConfigurationError as error:
                self._unreadable(model, error)

    def run(self, models: Sequence[ModelPlan]) -> str:
        """Read the models; what was found is in `findings`.

        Returns:
            What was looked at, in a sentence.

        Raises:
            Stopped: the caller asked to.
            InterstoreError: the source cannot be read.
        """
        indexes = {model.source: self._indexes(model.target) for model in models}
        always = self._raw or self._sizes or self._depths or self._expiry or self._new_ids
        chosen = [model for model in models if always or indexes[model.source]]
        if not chosen:
            return (
                f"{self._target.name} can hold whatever {self._source.name} can: documents were "
                "not checked one by one"
            )
        self._control.begin("check", sum(model.count for model in chosen))
        for model in chosen:
            self._model(model, indexes[model.source])
        looked = {
            "values": self._raw,
            "size": self._sizes,
            "depth": self._depths,
            "expiry": self._expiry,
            "ids": self._new_ids,
            "indexes": any(indexes.values()),
        }
        names = ", ".join(word for word, done in looked.items() if done)
        return f"every document was checked against what {self._target.name} can hold: {names}"

    def _indexes(self, model: str) -> Sequence[Index]:
        """Those that the target has already."""
        target = self._target
        if not target.capabilities.ensure_index or self._request.into == "replace":
            return []
        if target.capabilities.models and model not in target.models():
            return []
        return target.indexes(model)

    def _model(self, model: ModelPlan, indexes: Sequence[Index]) -> None:
        distinct = [distinct_values(index) for index in indexes if index.unique]
        if self._new_ids:
            distinct.append(distinct_ids())
        repeats = [(each, Repeats()) for each in distinct]
        checks = [(str(index), check) for index in indexes if (check := compile_check([index]))]
        passed = 0
        try:
            for page in self._pages(model):
                passed += self._passed(page)
                self._look(model.source, page, checks)
                for document in page.documents:
                    for each, seen in repeats:
                        if (key := each.key(document)) is not None:
                            seen.add(key)
        except (ConfigurationError, InvalidDocumentError) as error:
            self._unreadable(model.source, error)
            return
        if not passed:
            self.findings.fails_at_all(model.source)
        found = [(each, seen.find()) for each, seen in repeats]
        if any(repeated for _, repeated in found):
            self._name_repeated(model, [pair for pair in found if pair[1]])

    def _pages(self, model: ModelPlan) -> Iterator[Transformed]:
        transform = PageTransform(self._request.transform, model.source)
        for partition in model.partitions:
            after: Any = None
            while True:
                page = self._source.scan(model.source, partition, after, PAGE)
                yield transform(page.documents)
                self._control.step(len(page.documents))
                if (after := page.next) is None:
                    break

    def _passed(self, page: Transformed) -> int:
        """At how many documents the transform was tried, and did not fail."""
        transform = self._request.transform
        left_out = page.filtered if transform is not None and transform.function else 0
        return len(page.documents) + len(page.risks) + left_out

    def _look(self, model: str, page: Transformed, checks: Sequence[tuple[str, Check]]) -> None:
        for refused in page.refused:
            if refused.code in ("unreadable", "transform"):
                self.findings.add(refused.code, model, refused.id, reason=refused.message)
        for id, risks in page.risks:
            for code, path, codec in risks:
                self.findings.add(code, model, id, about=path, path=path, codec=codec)
        for original, document in zip(page.originals, page.documents, strict=True):
            self._check(model, original, document)
            for index, check in checks:
                if not _fits(check, document):
                    self.findings.add("unfit", model, document["id"], about=index, index=index)

    def _check(self, model: str, original: Document, document: Document) -> None:
        found, id, limit = self.findings, document["id"], self._sizes
        if limit and len(canonical_text(document.fields())) > limit:
            found.add("too-large", model, id, limit=f"{limit:,}")
        if self._depths and _depth(document) > self._depths:
            found.add("too-deep", model, id, limit=str(self._depths))
        if self._expiry and document.expires is not None:
            found.add("expiry", model, id, target=self._target.name)
        if isinstance(original, RawDocument) and self._loses_id(original, document):
            found.add("field-id", model, id, rename="--rename id=NAME keeps it as a field")

    def _loses_id(self, original: RawDocument, document: Document) -> bool:
        """Whether a record's own id is not to be found in what becomes of it."""
        transform = self._request.transform
        return (
            transform is not None
            and transform.id_from is not None
            and "id" not in transform.rename
            and not original.nameless
            and document["id"] != original["id"]
        )

    def _unreadable(self, model: str, error: InvalidDocumentError | ConfigurationError) -> None:
        """The source cannot present a document: because of a field 'id', or otherwise."""
        hidden = hidden_ids(self._source, model)
        if hidden is not None:
            for id in hidden.ids:
                self.findings.add("field-id", model, id, rename=hidden.cure)
        elif isinstance(error, InvalidDocumentError):
            self.findings.add("unreadable", model, error.id or "unknown", reason=str(error))
        else:
            raise error

    def _name_repeated(self, model: ModelPlan, found: Sequence[tuple[Distinct, Repeated]]) -> None:
        """Read once more, to say which documents clash: it is rare."""
        for page in self._pages(model):
            for document in page.documents:
                for each, repeated in found:
                    key = each.key(document)
                    if key is not None and repeated.again(key):
                        index, id = each.index, document["id"]
                        self.findings.add(each.code, model.source, id, about=index, index=index)


def _fits(check: Check, document: Document) -> bool:
    try:
        check(document)
    except InvalidDocumentError:
        return False
    return True


def _depth(document: Document) -> int:
    deepest, stack = 1, [(1, value) for value in document.values()]
    while stack:
        depth, value = stack.pop()
        if isinstance(value, (dict, list)):
            deepest = max(deepest, depth + 1)
            stack += [
                (depth + 1, v) for v in (value.values() if isinstance(value, dict) else value)
            ]
    return deepest
