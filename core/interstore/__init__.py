"""One storage interface with interchangeable engines behind it.

    import interstore

    with interstore.connect("sqlite:///data.db") as store:
        store.create("city", {"id": "oslo", "people": 717_710})
        large = store.find("city", {"people": {"$gte": 500_000}}).to_list()

Nothing is imported before it is used: `import interstore` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interstore._version import __version__

if TYPE_CHECKING:
    from interstore._async.cursor import AsyncCursor
    from interstore._async.database import AsyncDatabase
    from interstore._async.foreign import AsyncForeign
    from interstore._async.repository import AsyncRepository
    from interstore._async.store import AsyncStore
    from interstore._async.watch import AsyncWatch
    from interstore._async.with_blobs import AsyncStoreWithBlobs
    from interstore._sync.cursor import Cursor
    from interstore._sync.database import Database
    from interstore._sync.foreign import Foreign
    from interstore._sync.repository import Repository
    from interstore._sync.store import Store
    from interstore._sync.watch import Watch
    from interstore._sync.with_blobs import StoreWithBlobs
    from interstore.blobs._async.store import AsyncBlobStore
    from interstore.blobs._sync.store import BlobStore
    from interstore.blobs.blob import BlobEntry, BlobInfo, BlobPage
    from interstore.blobs.capabilities import BlobCapabilities
    from interstore.blobs.finding import BlobFinding
    from interstore.blobs.opening import open_blobs, open_blobs_async
    from interstore.blobs.reference import BlobRef
    from interstore.blobs.rules import BlobRules
    from interstore.blobs.serving import SignedUrlApp
    from interstore.bulk import BulkResult, Outcome
    from interstore.capabilities import Capabilities, Limits
    from interstore.codecs import Int64, Scaled
    from interstore.connection import connect, connect_async
    from interstore.document import Document, Page
    from interstore.errors import (
        BulkError,
        ConfigurationError,
        ConflictError,
        CorruptionError,
        DuplicateError,
        InterstoreError,
        InvalidDocumentError,
        InvalidQueryError,
        MissingDriverError,
        NotFoundError,
        OperationTimeoutError,
        PermissionDeniedError,
        ResumeExpiredError,
        UnavailableError,
        UnsupportedError,
    )
    from interstore.filters.builder import element, field
    from interstore.indexes import Index
    from interstore.migration import migrate, migrate_async, verify, verify_async
    from interstore.paths import Envelope
    from interstore.plans import Plan
    from interstore.settings import Secret
    from interstore.stats import ModelStats, PoolStats, ReplicaStats, Stats
    from interstore.warnings import InterstoreWarning
    from interstore.watching import Change, Changed, Deleted

__all__ = [
    "AsyncBlobStore",
    "AsyncCursor",
    "AsyncDatabase",
    "AsyncForeign",
    "AsyncRepository",
    "AsyncStore",
    "AsyncStoreWithBlobs",
    "AsyncWatch",
    "BlobCapabilities",
    "BlobEntry",
    "BlobFinding",
    "BlobInfo",
    "BlobPage",
    "BlobRef",
    "BlobRules",
    "BlobStore",
    "BulkError",
    "BulkResult",
    "Capabilities",
    "Change",
    "Changed",
    "ConfigurationError",
    "ConflictError",
    "CorruptionError",
    "Cursor",
    "Database",
    "Deleted",
    "Document",
    "DuplicateError",
    "Envelope",
    "Foreign",
    "Index",
    "Int64",
    "InterstoreError",
    "InterstoreWarning",
    "InvalidDocumentError",
    "InvalidQueryError",
    "Limits",
    "MissingDriverError",
    "ModelStats",
    "NotFoundError",
    "OperationTimeoutError",
    "Outcome",
    "Page",
    "PermissionDeniedError",
    "Plan",
    "PoolStats",
    "ReplicaStats",
    "Repository",
    "ResumeExpiredError",
    "Scaled",
    "Secret",
    "SignedUrlApp",
    "Stats",
    "Store",
    "StoreWithBlobs",
    "UnavailableError",
    "UnsupportedError",
    "Watch",
    "__version__",
    "connect",
    "connect_async",
    "element",
    "field",
    "migrate",
    "migrate_async",
    "open_blobs",
    "open_blobs_async",
    "verify",
    "verify_async",
]

_MODULES = {
    "AsyncBlobStore": "blobs._async.store",
    "BlobCapabilities": "blobs.capabilities",
    "BlobEntry": "blobs.blob",
    "BlobFinding": "blobs.finding",
    "BlobInfo": "blobs.blob",
    "BlobPage": "blobs.blob",
    "BlobRef": "blobs.reference",
    "BlobRules": "blobs.rules",
    "BlobStore": "blobs._sync.store",
    "AsyncCursor": "_async.cursor",
    "AsyncDatabase": "_async.database",
    "AsyncForeign": "_async.foreign",
    "AsyncRepository": "_async.repository",
    "AsyncStore": "_async.store",
    "AsyncWatch": "_async.watch",
    "AsyncStoreWithBlobs": "_async.with_blobs",
    "BulkResult": "bulk",
    "Capabilities": "capabilities",
    "Change": "watching",
    "Changed": "watching",
    "Cursor": "_sync.cursor",
    "Database": "_sync.database",
    "Deleted": "watching",
    "Document": "document",
    "Envelope": "paths",
    "Foreign": "_sync.foreign",
    "Index": "indexes",
    "InterstoreWarning": "warnings",
    "Limits": "capabilities",
    "ModelStats": "stats",
    "Outcome": "bulk",
    "Page": "document",
    "Plan": "plans",
    "PoolStats": "stats",
    "ReplicaStats": "stats",
    "Repository": "_sync.repository",
    "Int64": "codecs",
    "Scaled": "codecs",
    "Secret": "settings",
    "SignedUrlApp": "blobs.serving",
    "Stats": "stats",
    "Store": "_sync.store",
    "Watch": "_sync.watch",
    "StoreWithBlobs": "_sync.with_blobs",
    "connect": "connection",
    "connect_async": "connection",
    "element": "filters.builder",
    "field": "filters.builder",
    "migrate": "migration",
    "migrate_async": "migration",
    "open_blobs": "blobs.opening",
    "open_blobs_async": "blobs.opening",
    "verify": "migration",
    "verify_async": "migration",
}
"""Where each name lies that does not lie in `errors`."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_MODULES.get(name, 'errors')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
