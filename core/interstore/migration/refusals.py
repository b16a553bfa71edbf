"""Documents that were not written: which, why, and what they held."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from interstore.errors import InterstoreError

if TYPE_CHECKING:
    from interstore.document import Document

__all__ = ["Refused", "reason_of", "refused_by"]


class Refused(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A document that was not written: its id in the source, a stable code, and the reason.

    The code is the error's name, such as ``invalid-document`` or ``duplicate``; ``transform`` if
    it did not come so far; ``worker-died`` if no worker survived it.

    Attributes:
        document: what it holds in the source, for the quarantine; the journal is without it.
    """

    id: str
    code: str
    message: str
    document: dict[str, Any] | None = None


def refused_by(document: Document, error: BaseException, code: str = "") -> Refused:
    """The refusal of a document of the source.

    Args:
        document: as it was read.
        error: the reason.
        code: by default what the error is called.
    """
    reason = reason_of(error)
    return replace(reason, id=document["id"], code=code or reason.code, document=dict(document))


def reason_of(error: BaseException) -> Refused:
    """Why a document that is not known yet was not written."""
    if not isinstance(error, InterstoreError):
        return Refused(id="", code="worker-died", message=f"{type(error).__name__}: {error}")
    name = type(error).__name__.removesuffix("Error")
    code = re.sub(r"(?<!^)([A-Z])", r"-\1", name).lower()
    return Refused(id="", code=code, message=str(error))
