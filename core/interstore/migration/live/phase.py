"""How far a move is, as the journal of its run tells."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

__all__ = ["STEPS", "MoveState", "Phase"]

STEPS: Final = frozenset({"catch-up", "cutover", "rollback", "finish"})
"""The events of the journal that are about steps."""

Phase: TypeAlias = Literal[
    "copying", "catching up", "equal", "cut over", "rolled back", "finished", "abandoned"
]
"""``"copying"``; ``"catching up"``: all is copied, but the stores were not found equal since;
``"equal"``: the source is read, and the target is kept equal; ``"cut over"``: the reverse;
``"rolled back"``: the source is read again, and the target is kept equal; ``"finished"``: the
target remains; ``"abandoned"``: the source does."""


class MoveState:
    """What the steps of a move have done.

    Attributes:
        unfinished: the step that is under way or was killed; empty if none is.
    """

    def __init__(self) -> None:
        self.unfinished = ""
        self._equal = False
        self._ended = False
        self._sides = ["source"]

    def verified(self, ok: bool) -> None:
        """The stores were compared after the copy."""
        self._equal = ok

    def apply(self, entry: dict[str, Any]) -> None:
        """A step began, or ended."""
        if entry["status"] == "begun":
            self.unfinished = entry["event"]
            return
        self.unfinished = ""
        if (equal := entry.get("equal")) is not None:
            self._equal = equal
        side = entry.get("side")  # where the application reads; none if the stores were away
        if side and side != self._sides[-1]:
            self._sides.append(side)
        self._ended = self._ended or entry.get("ended", False)

    def phase(self, *, copied: bool) -> Phase:
        """How far it is; `copied` is whether every document was."""
        read = self._sides[-1]
        if self._ended:
            return "finished" if read == "target" else "abandoned"
        if read == "target":
            return "cut over"
        if len(self._sides) > 1:
            return "rolled back"
        if not copied:
            return "copying"
        return "equal" if self._equal else "catching up"
