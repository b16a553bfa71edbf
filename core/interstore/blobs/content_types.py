"""Media types: guessed from a name, and told from the first bytes."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from interstore.errors import InvalidQueryError

if TYPE_CHECKING:
    from mimetypes import MimeTypes

__all__ = [
    "SNIFFED_BYTES",
    "UNKNOWN",
    "agree",
    "check_content_type",
    "extension_of",
    "guess",
    "sniff",
]

UNKNOWN: Final = "application/octet-stream"
SNIFFED_BYTES: Final = 1024
"""How many of the first bytes `sniff` looks at."""

_WORD: Final = r"[A-Za-z0-9!#$&^_.+-]{1,127}"
_TYPE: Final = re.compile(rf"{_WORD}/{_WORD}(?: *; *{_WORD}=(?:{_WORD}|\"[ !#-~]*\"))*\Z")
_MORE: Final = {
    ".7z": "application/x-7z-compressed",
    ".avif": "image/avif",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".epub": "application/epub+zip",
    ".flac": "audio/flac",
    ".gz": "application/gzip",
    ".heic": "image/heic",
    ".jsonl": "application/jsonl",
    ".md": "text/markdown",
    ".mkv": "video/x-matroska",
    ".odp": "application/vnd.oasis.opendocument.presentation",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".ogg": "audio/ogg",
    ".parquet": "application/vnd.apache.parquet",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".toml": "application/toml",
    ".wasm": "application/wasm",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xz": "application/x-xz",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".zst": "application/zstd",
}
_MAGIC: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\x00", "application/x-xz"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"OggS", "application/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"PAR1", "application/vnd.apache.parquet"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (b"\x7fELF", "application/x-executable"),
    (b"MZ", "application/vnd.microsoft.portable-executable"),
)
_RIFF: Final = {b"WEBP": "image/webp", b"WAVE": "audio/x-wav", b"AVI ": "video/x-msvideo"}
_FTYP: Final = {b"avif": "image/avif", b"heic": "image/heic", b"qt  ": "video/quicktime"}
_MARKUP: Final = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<!?([a-z]+)", re.IGNORECASE | re.DOTALL
)
_HTML: Final = frozenset({b"doctype", b"html", b"head", b"body", b"script", b"iframe"})
_ZIPPED: Final = re.compile(
    r"application/(?:.*\+zip|java-archive|vnd\.openxmlformats-.*|vnd\.oasis\.opendocument\..*"
    r"|vnd\.android\.package-archive)\Z"
)
_TEXTUAL: Final = re.compile(
    r"(?:text/.*|.*\+(?:json|xml|yaml)|application/(?:json|jsonl|xml|yaml|toml|sql|javascript"
    r"|x-sh|x-ndjson|rtf))\Z"
)
_SAME: Final = {
    "application/x-gzip": "application/gzip",
    "audio/ogg": "application/ogg",
    "audio/wav": "audio/x-wav",
    "video/ogg": "application/ogg",
    "video/x-matroska": "video/webm",
    "audio/webm": "video/webm",
    "audio/mp4": "video/mp4",
    "image/jpg": "image/jpeg",
}


def check_content_type(content_type: Any) -> str:
    """`content_type`, if it is a media type, with or without parameters.

    Raises:
        InvalidQueryError: it is none.
    """
    if isinstance(content_type, str) and len(content_type) <= 255 and _TYPE.match(content_type):
        return content_type
    raise InvalidQueryError(
        f"the content type {content_type!r} is not valid: write it like 'image/png' or "
        "'text/plain; charset=utf-8'"
    )


def guess(key: str) -> str | None:
    """The media type that the key's extension stands for, the same on every machine."""
    name = key.rpartition("/")[2].lower()
    stem, dot, extension = name.rpartition(".")
    if not dot or not stem:
        return None
    known = _MORE.get(f".{extension}")
    return known or _types().types_map[True].get(f".{extension}")


def extension_of(content_type: str) -> str:
    """The usual extension of files of this media type, with its dot; empty if there is none."""
    return _types().guess_extension(_bare(content_type)) or ""


@cache
def _types() -> MimeTypes:
    from mimetypes import MimeTypes

    return MimeTypes()  # without what files of this machine would add


def sniff(start: bytes) -> str | None:
    """The media type that the first bytes of a content give away.

    ``text/plain`` is any text without markup, and nothing at all; ``None`` is anything else.
    """
    is_cut = len(start) > SNIFFED_BYTES
    start = start[:SNIFFED_BYTES]
    for magic, kind in _MAGIC:
        if start.startswith(magic):
            return kind
    if start[:4] == b"RIFF":
        return _RIFF.get(start[8:12])
    if start[4:8] == b"ftyp":
        return _FTYP.get(start[8:12], "video/mp4")
    if not _is_text(start, is_cut=is_cut):
        return None
    markup = _MARKUP.match(start.removeprefix(b"\xef\xbb\xbf"))
    if markup is not None:
        tag = markup[1].lower()
        if tag in _HTML:
            return "text/html"
        if tag == b"svg":
            return "image/svg+xml"
    return "text/plain"


def _is_text(start: bytes, *, is_cut: bool) -> bool:
    if re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]", start):
        return False
    try:
        start.decode()
    except UnicodeDecodeError as error:
        return is_cut and error.start >= len(start) - 3  # the cut may be within a character
    return True


def agree(declared: str, sniffed: str | None) -> bool:
    """Whether a content that `sniff` takes for `sniffed` may be called `declared`."""
    declared = _bare(declared)
    if sniffed is None:  # nothing is known, so only what begins with a signature is refuted
        return declared not in _signed() and not declared.startswith("text/")
    if declared in (sniffed, UNKNOWN):
        return True
    if sniffed == "application/zip":
        return _ZIPPED.match(declared) is not None
    if sniffed == "text/plain":
        return _TEXTUAL.match(declared) is not None and declared not in _signed()
    return False


def _bare(content_type: str) -> str:
    bare = content_type.partition(";")[0].strip().lower()
    return _SAME.get(bare, bare)


@cache
def _signed() -> frozenset[str]:
    return frozenset({kind for _, kind in _MAGIC} - {"audio/mpeg"} | set(_RIFF.values()))
