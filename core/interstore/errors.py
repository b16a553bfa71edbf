"""Every error that Interstore raises.

The tree is closed: an engine maps its driver's errors to these in one table, and a caller
needs no other::

    InterstoreError
    ├── ConfigurationError        a setting is missing, mistyped or contradicts another
    │   └── MissingDriverError    the engine's driver is not installed (says what to install)
    ├── InvalidDocumentError      a document or a change cannot be stored portably
    ├── InvalidQueryError         a filter, sort, id, model or limit is not of the language
    ├── NotFoundError             the document does not exist
    ├── DuplicateError            the id, or a value under a unique index, exists already
    ├── ConflictError             the document has another version than the caller expected
    ├── BulkError                 some documents of a bulk call were not written (`.result`)
    ├── UnsupportedError          the engine does not declare this capability
    ├── UnavailableError          the engine cannot be reached; the call may be repeated
    ├── OperationTimeoutError     the engine did not answer in time
    ├── PermissionDeniedError     the credentials or file permissions do not allow it
    ├── CorruptionError           stored data is damaged
    └── ResumeExpiredError        a resume token is older than what is retained
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from interstore.bulk import BulkResult

__all__ = [
    "BulkError",
    "ConfigurationError",
    "ConflictError",
    "CorruptionError",
    "DuplicateError",
    "InterstoreError",
    "InvalidDocumentError",
    "InvalidQueryError",
    "MissingDriverError",
    "NotFoundError",
    "OperationTimeoutError",
    "PermissionDeniedError",
    "ResumeExpiredError",
    "UnavailableError",
    "UnsupportedError",
]


class InterstoreError(Exception):
    """The base of all errors of Interstore.

    Attributes:
        backend: the engine's name (``"sqlite"``), where known.
        model: the model that the call named, where known.
        id: the document's id, where known.
        retryable: whether the same call may succeed if it is simply repeated.
    """

    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        backend: str | None = None,
        model: str | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.backend = backend
        self.model = model
        self.id = id

    def __reduce__(self) -> tuple[Any, ...]:
        # The default rebuilds from `args` alone, which fails for keyword-only arguments:
        # errors must cross process boundaries (executors, multiprocessing) unharmed.
        return (_rebuild, (type(self), self.args, self.__dict__.copy()))


def _rebuild(
    kind: type[InterstoreError], args: tuple[Any, ...], state: dict[str, Any]
) -> InterstoreError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigurationError(InterstoreError):
    """A setting is missing, mistyped, or contradicts another one."""


class MissingDriverError(ConfigurationError):
    """The engine's driver is not installed; the message says what to install."""


class InvalidDocumentError(InterstoreError):
    """A document or a change cannot be stored with the same meaning on every engine.

    Attributes:
        path: where in the document, as a filter would write it (``"a.b[0]"``), where known.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        backend: str | None = None,
        model: str | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__(message, backend=backend, model=model, id=id)
        self.path = path


class InvalidQueryError(InterstoreError):
    """A filter, sort, projection, id, model name or limit is not of the language."""


class NotFoundError(InterstoreError):
    """The document does not exist."""


class DuplicateError(InterstoreError):
    """The id exists already, or a value under a unique index does.

    Attributes:
        index: the unique index that refused the document; ``None`` when it was the id.
    """

    def __init__(
        self,
        message: str,
        *,
        index: str | None = None,
        backend: str | None = None,
        model: str | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__(message, backend=backend, model=model, id=id)
        self.index = index


class ConflictError(InterstoreError):
    """The document has another version than ``if_version`` named.

    Attributes:
        expected: the version that the caller named.
        found: the version that the document has now, where the engine could tell.
    """

    def __init__(
        self,
        message: str,
        *,
        expected: int | None = None,
        found: int | None = None,
        backend: str | None = None,
        model: str | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__(message, backend=backend, model=model, id=id)
        self.expected = expected
        self.found = found


class BulkError(InterstoreError):
    """Some documents of a bulk call were not written; the others were.

    Attributes:
        result: what became of each document, in order.
    """

    def __init__(
        self,
        message: str,
        *,
        result: BulkResult,
        backend: str | None = None,
        model: str | None = None,
    ) -> None:
        super().__init__(message, backend=backend, model=model)
        self.result = result


class UnsupportedError(InterstoreError):
    """The engine does not declare this capability; the message says what to do instead."""


class UnavailableError(InterstoreError):
    """The engine cannot be reached, or is shutting down. Repeating the call may succeed."""

    retryable: ClassVar[bool] = True


class OperationTimeoutError(InterstoreError):
    """The engine did not answer in time. A write may or may not have been applied."""


class PermissionDeniedError(InterstoreError):
    """The credentials, or the permissions of a file, do not allow the operation."""


class CorruptionError(InterstoreError):
    """Stored data is damaged.

    Attributes:
        file: the damaged file, where there is one.
        offset: the byte offset of the damage in it.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        offset: int | None = None,
        backend: str | None = None,
        model: str | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__(message, backend=backend, model=model, id=id)
        self.file = file
        self.offset = offset


class ResumeExpiredError(InterstoreError):
    """A resume token is older than what the engine retains."""
