"""Make what the documentation says about names, settings and commands from the code itself.

    uv run python -m tests.tools.api_reference            write what changed
    uv run python -m tests.tools.api_reference --check    write nothing; name what differs, exit 1

The pages of docs/reference are made whole, from docstrings and signatures. In other pages, what
stands between ``<!-- generated: name -->`` and ``<!-- end of name -->`` is.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

from tests.tools.api_markdown import entry
from tests.tools.api_tables import REGIONS
from tests.tools.pages import ROOT

FOLDER: Final = Path("docs/reference")
COMMAND: Final = "uv run python -m tests.tools.api_reference"
_REGION: Final = re.compile(r"(<!-- generated: (.+?) -->\n).*?(<!-- end of \2 -->)", re.DOTALL)


@dataclass(frozen=True)
class Page:
    """One page of the reference: its title, what it begins with, and module:name of each entry."""

    title: str
    intro: str
    names: tuple[str, ...]


def _of(module: str, names: str) -> tuple[str, ...]:
    return tuple(f"{module}:{name}" for name in names.split())


SYNC: Final = (
    "The classes here are those of `connect`. Those of `connect_async` have the same names with "
    "`Async` before them, and the same methods, to be awaited; `find` and `repository` are not "
    "awaited, and cursors are iterated by `async for`."
)

PAGES: Final[dict[str, Page]] = {
    "store.md": Page(
        "Stores",
        SYNC,
        (
            "interstore:connect",
            "interstore:connect_async",
            "interstore:Store",
            "interstore:StoreWithBlobs",
            "interstore:Cursor",
            "interstore:Page",
            "interstore:Document",
            "interstore:Index",
            "interstore:Watch",
            "interstore:Changed",
            "interstore:Deleted",
            "interstore:Plan",
            "interstore:Stats",
            "interstore:ModelStats",
            "interstore:PoolStats",
            "interstore:ReplicaStats",
        ),
    ),
    "filters.md": Page(
        "Filters",
        "[The guide](../filters.md) has the language of filters.",
        (
            "interstore:field",
            "interstore:element",
            "interstore.filters.builder:Field",
            "interstore.filters.builder:Expression",
            "interstore.filters.builder:ElementCondition",
            "interstore.filters.parse:parse_filter",
            "interstore.filters.evaluate:compile_filter",
        ),
    ),
    "repository.md": Page(
        "Repositories",
        SYNC,
        (
            "interstore:Repository",
            "interstore._sync.repository:TypedCursor",
            "interstore.shapes:Shape",
        ),
    ),
    "foreign.md": Page(
        "Foreign data",
        SYNC,
        (
            "interstore:Foreign",
            "interstore.foreign:ForeignDocument",
            "interstore.foreign:ForeignSource",
            "interstore._sync.foreign_database:ForeignDatabase",
        ),
    ),
    "blobs.md": Page(
        "Blobs",
        "[The guide](../blobs.md) has examples. The classes here are those of `open_blobs`. Those "
        "of `open_blobs_async` have the same names with `Async` before them, and the same methods, "
        "to be awaited; `open` is not awaited, and `list` is iterated by `async for`.",
        (
            "interstore:open_blobs",
            "interstore:open_blobs_async",
            "interstore:BlobStore",
            "interstore.blobs._sync.files:BlobReadFile",
            "interstore.blobs._sync.files:BlobWriteFile",
            "interstore:BlobInfo",
            "interstore:BlobEntry",
            "interstore:BlobPage",
            "interstore.blobs.blob:Copied",
            "interstore:SignedUrlApp",
            "interstore:BlobRef",
            "interstore.blobs._sync.check:BlobCheck",
            "interstore:BlobFinding",
            "interstore:BlobRules",
            "interstore:BlobCapabilities",
            "interstore.blobs.backend:BlobBackend",
            "interstore.blobs._sync.engine:Blobs",
            "interstore.blobs._sync.engine:BlobWriter",
            "interstore.blobs._sync.engine:BlobReader",
            "interstore.blobs.blob:BlobHead",
            "interstore.blobs.blob:UrlGrant",
            "interstore.blobs.keys:Escaping",
        ),
    ),
    "bulk.md": Page("Results of bulk calls", "", ("interstore:BulkResult", "interstore:Outcome")),
    "errors.md": Page(
        "Errors",
        "[The guide](../errors.md) says what to do about each.",
        _of(
            "interstore",
            "InterstoreError ConfigurationError MissingDriverError InvalidDocumentError "
            "InvalidQueryError NotFoundError DuplicateError ConflictError BulkError "
            "UnsupportedError UnavailableError OperationTimeoutError PermissionDeniedError "
            "CorruptionError ResumeExpiredError InterstoreWarning",
        ),
    ),
    "settings.md": Page(
        "Settings",
        "[The guide](../configuration.md) has the variables.",
        (
            "interstore.settings:Settings",
            "interstore.settings:env",
            "interstore:Secret",
            "interstore.settings:URL",
        ),
    ),
    "backend.md": Page(
        "Engines",
        "What a package that brings an engine uses; [the guide](../writing-a-backend.md) shows it.",
        (
            "interstore.backend:Backend",
            "interstore:Capabilities",
            "interstore:Limits",
            "interstore:Database",
            "interstore._sync.operations:Operations",
            "interstore.prepared:Write",
            "interstore.prepared:StoredWrite",
            "interstore.prepared:Query",
            "interstore.prepared:SortKey",
            "interstore.prepared:Partition",
            "interstore.prepared:ScanPage",
            "interstore.changes:Changes",
            "interstore.changes:Change",
            "interstore.filters.select:select",
            "interstore.names:check_new_model",
            *_of("interstore.indexes", "check_new_index compile_check unfit clashing taken"),
            "interstore.bridge:to_async",
            "interstore.bridge:to_sync",
        ),
    ),
    "plugins.md": Page(
        "Plugins",
        "What a package that brings a plugin uses; [the guide](../writing-a-plugin.md) shows it. "
        "The asynchronous flavours have the same names with `Async` before them.",
        (
            "interstore.plugins:Wrapper",
            "interstore.plugins:Interceptor",
            "interstore.plugins:Operation",
            "interstore.plugins:Reply",
            "interstore.plugins:Active",
            "interstore.plugins.apply:Layer",
            "interstore.plugins:query_of",
            "interstore.plugins:count_of",
            "interstore.usage:Usage",
            "interstore.usage:request_units",
            "interstore_plugins.observe:JsonFormatter",
            "interstore_plugins.observe:correlation",
            "interstore_plugins.observe:timer",
            "interstore_plugins.observe:timers",
            "interstore_plugins.observe:health_app",
        ),
    ),
    "tree.md": Page(
        "The filter tree",
        "What an engine that filters natively translates.",
        (
            *_of(
                "interstore.filters.tree",
                "And Or Not Eq In Bound Range Exists Type Text Regex Has Size ElemMatch",
            ),
            "interstore.paths:Envelope",
            "interstore.filters.regex:PortableRegex",
        ),
    ),
    "migration.md": Page(
        "Migration",
        "[The guide](../moving-data.md) shows how to move data.",
        (
            "interstore:migrate",
            "interstore:verify",
            "interstore.migration.report:Report",
            "interstore.migration.report:Verification",
            "interstore.migration.report:ModelVerification",
            "interstore.migration.report:ModelReport",
            "interstore.migration.report:Blocker",
            "interstore.migration.compare:Comparison",
            "interstore.migration:Totals",
            "interstore.migration:Limits",
            "interstore.migration:Progress",
        ),
    ),
}


def files() -> Iterator[tuple[Path, str]]:
    """Each file that is made or has a region that is, and what it should hold."""
    for name, page in PAGES.items():
        yield FOLDER / name, _page(page)
    yield FOLDER / "index.md", _index()
    for path in sorted((ROOT / "docs").rglob("*.md")):
        relative = path.relative_to(ROOT)
        if relative.parent == FOLDER or "examples" in relative.parts:
            continue
        text = path.read_text(encoding="utf-8")
        made = _REGION.sub(_region, text)
        if made != text or _REGION.search(text):
            yield relative, made


def _page(page: Page) -> str:
    lines = [f"<!-- Made by `{COMMAND}` from the docstrings. -->", "", f"# {page.title}", ""]
    if page.intro:
        lines += [page.intro, ""]
    for name in page.names:
        module, _, attribute = name.partition(":")
        thing = getattr(import_module(module), attribute)
        lines += entry(attribute, thing, module)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def _index() -> str:
    lines = [f"<!-- Made by `{COMMAND}`. -->", "", "# Reference", ""]
    for name, page in PAGES.items():
        names = ", ".join(f"`{each.partition(':')[2]}`" for each in page.names)
        lines.append(f"- [{page.title}]({name}): {names}")
    return "\n".join(lines) + "\n"


def _region(match: re.Match[str]) -> str:
    start, name, end = match.groups()
    kind, _, argument = name.partition(" ")
    make = REGIONS.get(kind)
    if make is None:
        raise ValueError(f"nothing makes the region {name!r}: there are {', '.join(REGIONS)}")
    return f"{start}{make(argument)}{end}"


def main() -> int:
    """Write or check all files; the exit code."""
    parser = argparse.ArgumentParser(description="Make the reference, or check it.")
    parser.add_argument("--check", action="store_true", help="write nothing, name what differs")
    check = parser.parse_args().check
    differing = 0
    known = set()
    for path, text in files():
        known.add(path)
        old = (ROOT / path).read_text(encoding="utf-8") if (ROOT / path).exists() else ""
        if old == text:
            continue
        differing += 1
        print(f"{'differs' if check else 'written'}: {path}")
        if not check:
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / path).write_text(text, encoding="utf-8")
    for orphan in sorted({p.relative_to(ROOT) for p in (ROOT / FOLDER).glob("*.md")} - known):
        differing += 1
        print(f"nothing makes it: {orphan}")
    if check and differing:
        print(f"run: {COMMAND}")
    return int(check and differing > 0)


if __name__ == "__main__":
    sys.exit(main())
