"""What a blob engine can do beyond the basic operations: data, not code."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BlobCapabilities"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobCapabilities:
    """What an engine declares. What it does not declare raises `UnsupportedError`.

    The conformance kit tests both directions.
    """

    if_absent: bool = False
    """A write can be made to fail if the key exists; of several at once exactly one wins."""
    if_match: bool = False
    """A write or delete can be made to fail if the blob has another etag, free of races."""
    metadata: bool = False
    """The user's metadata and content types are kept; else content types are guessed."""
    digest: bool = False
    """The SHA-256 is kept with the blob, so that it can be checked on the way out."""
    late_digest: bool = True
    """The SHA-256 may be told at the end of a write. If not, `BlobHead.sha256` is all that is
    kept: core reads files twice to know it before, and streams are kept without one."""
    server_copy: bool = False
    """`copy` happens in the store, without the content passing through this process."""
    signed_get: bool = False
    """`sign` makes URLs to download by."""
    signed_put: bool = False
    """`sign` makes URLs to upload by."""
    signed_put_type: bool = False
    """Such a URL can demand the content type of what is uploaded."""
    signed_put_rules: bool = False
    """Such a URL can limit the size, and uploads by it are held to the rules of the store."""
    signed_put_headers: tuple[tuple[str, str], ...] = ()
    """Headers that an upload by such a URL must have, besides that of its content type."""
    native: bool = False
    """`native` is the filesystem beneath, for what Interstore does not cover."""
    persistent: bool = True
    """Blobs outlive the process, and a second store for the same place sees them."""
