"""What preflight found: each kind counted, with a few examples, a sentence, and its cure."""

from __future__ import annotations

from collections.abc import Collection
from shlex import quote
from typing import Final, NamedTuple

from interstore.errors import ConfigurationError
from interstore.migration.report import Blocker

__all__ = ["Findings", "check_codes"]

EXAMPLES: Final = 5


class _Kind(NamedTuple):
    """What the documents are told apart by, and what can be done. ``{name}`` is for details."""

    says: str
    cure: str
    blocks: bool = True
    aside: bool = True  # whether such documents may go to quarantine instead


_CODEC: Final = "--codec {option}"

MOST: Final = 200
"""Findings told apart; where every document has fields of its own, there could be any number."""

_KINDS: Final = {
    "unreadable": _Kind("no record ({reason})", "mend the source"),
    "no-id": _Kind("no id", "--id-from FIELD names a field that holds one"),
    "bad-id": _Kind(
        "an id that is empty, longer than 255 bytes, or has control characters or outer spaces",
        "--id-from or --transform gives another",
    ),
    "field-id": _Kind(
        "a field 'id' beside what identifies the document, which would be lost",
        "{rename}",
        aside=False,
    ),
    "integer": _Kind("an integer beyond 2**53 - 1 at {path}", _CODEC + " keeps it exact"),
    "non-finite": _Kind(
        "NaN or an infinity at {path}",
        _CODEC + " makes it a text, the codec number null",
    ),
    "nul": _Kind("a NUL character at {path}", _CODEC + " leaves it out"),
    "surrogate": _Kind("half a character at {path}", _CODEC + " replaces it"),
    "key": _Kind(
        "a NUL or half a character in the name of a field {path}",
        "--transform gives it another name",
    ),
    "type": _Kind("a value that JSON has not at {path}", "--codec, --drop or --transform"),
    "too-deep": _Kind("more than {limit} levels", "--drop or --transform makes them fewer"),
    "too-large": _Kind("more than {limit} bytes", "--drop or --transform makes them fewer"),
    "expiry": _Kind(
        "an end, at which {target} does not let them expire", "choose another target", aside=False
    ),
    "duplicate-ids": _Kind(
        "an id that another one gets as well, so that only one of them could be kept",
        "choose what differs for each document",
        aside=False,
    ),
    "duplicate": _Kind(
        "the same values as another one under the target's {index}",
        "change them in the source or by --transform, or drop the index",
    ),
    "unfit": _Kind(
        "a value that does not fit the target's {index}",
        "change it in the source, by --codec or by --transform, or drop the index",
    ),
    "transform": _Kind(
        "something that the transform fails at, so that they go to quarantine ({reason})",
        "mend the transform or the documents",
        blocks=False,
    ),
    "transform-all": _Kind(
        "something that the transform fails at, which is all of them ({reason})",
        "mend the transform, or the name of the field; --models leaves other models out",
        aside=False,
    ),
}


class _Finding:
    """So many documents, and the first of them."""

    def __init__(self, details: dict[str, str]) -> None:
        self.details = details
        self.count = 0
        self.ids: list[str] = []


def check_codes(codes: Collection[str]) -> None:
    """Refuse what cannot be set aside.

    Raises:
        ConfigurationError: a code is unknown, or is about more than single documents.
    """
    known = [code for code, kind in _KINDS.items() if kind.aside and kind.blocks]
    for code in codes:
        if code not in known:
            raise ConfigurationError(
                f"{code!r} cannot be set aside; what can is {', '.join(known)}"
            )


class Findings:
    """Collects findings of the documents of one model after another.

    Args:
        set_aside: codes of which the documents may go to quarantine.
    """

    def __init__(self, set_aside: Collection[str] = ()) -> None:
        self._set_aside = set_aside
        self._found: dict[tuple[str, str, str], _Finding] = {}

    def add(self, code: str, model: str, id: str, *, about: str = "", **details: str) -> None:
        """A document of which this is true.

        Args:
            code: one of those above.
            model: the model's name in the source.
            id: the document's.
            about: what is counted apart, such as the field.
            **details: for the sentence; those of the first document are told.
        """
        if len(self._found) >= MOST and (code, model, about) not in self._found:
            about = details["path"] = "(other fields)"
        finding = self._found.setdefault((code, model, about), _Finding(details))
        finding.count += 1
        if len(finding.ids) < EXAMPLES and id not in finding.ids:
            finding.ids.append(id)

    def fails_at_all(self, model: str) -> None:
        """The transform failed at every document of a model.

        Where these are several, it is wrong, and not the documents.
        """
        finding = self._found.get(("transform", model, ""))
        if finding is not None and finding.count > 1:
            self._found["transform-all", model, ""] = self._found.pop(("transform", model, ""))

    def blockers(self) -> list[Blocker]:
        """What forbids the run."""
        return [each for code, each in self._all() if self._blocks(code)]

    def warnings(self) -> list[Blocker]:
        """What does not."""
        return [each for code, each in self._all() if not self._blocks(code)]

    def _blocks(self, code: str) -> bool:
        return _KINDS[code].blocks and code not in self._set_aside

    def _all(self) -> list[tuple[str, Blocker]]:
        return [
            (code, self._told(code, model, finding))
            for (code, model, _), finding in self._found.items()
        ]

    def _told(self, code: str, model: str, finding: _Finding) -> Blocker:
        kind, details = _KINDS[code], {"model": model, **finding.details}
        if "codec" in details:
            details["option"] = quote(f"{model}.{details['path']}={details['codec']}")
        noun = "document" if finding.count == 1 else "documents"
        such = ", ".join(map(repr, finding.ids))
        return Blocker(
            code=code,
            message=f"{finding.count:,} {noun} of {model} with {kind.says.format(**details)}, "
            f"such as {such}",
            cure=kind.cure.format(**details),
            model=model,
            count=finding.count,
            ids=finding.ids,
        )
