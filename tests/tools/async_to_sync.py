"""Make the sync twins: the asyncio code is the source, its sync form is generated and committed.

    uv run python tests/tools/async_to_sync.py            write what changed
    uv run python tests/tools/async_to_sync.py --check    write nothing; show what differs, exit 1

The source is read as a concrete syntax tree, so comments, docstrings and layout stay. What changes:

- `async def`, `async for`, `async with` and comprehensions lose `async`; `await x` is `x`.
- `Awaitable[T]` and `Coroutine[A, B, T]` are `T`; `AsyncGenerator[T, S]` is
  `Generator[T, S, None]`.
- Names: those of `LANGUAGE` and `NAMES`; `AsyncStore` is `Store`; `connect_async` is `connect`;
  the package `_async` is `_sync`. So `from interstore._compat_async import sleep` becomes
  `from interstore._compat import sleep`: two modules with the same names need no further rule.
- Docstrings and comments: the same names, and `await` or `async` where they are code.
- Strings: those in `__all__` and in annotations are names; any other only if `STRINGS` lists it.

Code for one flavour alone asks for `ASYNC`, which type checkers know to be true in a source:

    from interstore._compat_async import ASYNC

    if ASYNC:
        ...
    else:
        ...  # what the twin has in its place

`if not ASYNC:` and `x if ASYNC else y` do as well; the name has no other use.

A twin says in its first lines where it is from and carries a digest of the rest, so one that was
edited by hand is refused rather than overwritten (`--force` overwrites it).
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import keyword
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import libcst as cst

ROOT = Path(__file__).resolve().parents[2]

ENGINES = "backends/interstore_backends"

# Source and target folders. Their files have the same names.
PAIRS: Mapping[str, str] = {
    f"{ENGINES}/cosmosdb/_async": f"{ENGINES}/cosmosdb/_sync",
    f"{ENGINES}/mongodb/_async": f"{ENGINES}/mongodb/_sync",
    f"{ENGINES}/postgresql/_async": f"{ENGINES}/postgresql/_sync",
    "core/interstore/_async": "core/interstore/_sync",
    "core/interstore/blobs/_async": "core/interstore/blobs/_sync",
    "core/interstore/dual/_async": "core/interstore/dual/_sync",
    "core/interstore/plugins/_async": "core/interstore/plugins/_sync",
    "plugins/interstore_plugins/observe/_async": "plugins/interstore_plugins/observe/_sync",
    "plugins/interstore_plugins/cache/_async": "plugins/interstore_plugins/cache/_sync",
    "plugins/interstore_plugins/dual_write/_async": "plugins/interstore_plugins/dual_write/_sync",
    "plugins/interstore_plugins/retry/_async": "plugins/interstore_plugins/retry/_sync",
    "core/interstore/testing/_async": "core/interstore/testing/_sync",
    "tests/_async": "tests/_sync",
}

# The project's own names and strings that no rule reaches. One that nothing uses is an error.
NAMES: Mapping[str, str] = {}
STRINGS: Mapping[str, str] = {}

# Python's own names. What begins with `Async` follows the rule.
LANGUAGE: Mapping[str, str] = {
    "AbstractAsyncContextManager": "AbstractContextManager",
    "StopAsyncIteration": "StopIteration",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "aclose": "close",
    "aclosing": "closing",
    "aiter": "iter",
    "anext": "next",
    "asend": "send",
    "asynccontextmanager": "contextmanager",
    "athrow": "throw",
    "enter_async_context": "enter_context",
    "push_async_callback": "callback",
    "push_async_exit": "push",
}

# Words that are names in no code, in docstrings and comments.
PROSE: Mapping[str, str] = {
    "Async": "Sync",
    "Asynchronous": "Synchronous",
    "async": "sync",
    "asynchronous": "synchronous",
    "asynchronously": "synchronously",
}

# Names that have no sync form: a twin that still holds one would be wrong.
ASYNC_ONLY = frozenset({"ASYNC", "__await__", "anyio", "asyncio", "isawaitable", "pytest_asyncio"})

COMMAND = "uv run python tests/tools/async_to_sync.py"


class CannotConvertError(Exception):
    """A source has no sync form as it stands; the message says what to change."""


@dataclass(frozen=True)
class Tables:
    """What is substituted beyond the rules, given to the workers as one value."""

    names: Mapping[str, str] = field(default_factory=dict)
    strings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """One source and its twin, as paths relative to the root."""

    root: Path
    source: Path
    target: Path


@dataclass
class Report:
    """What a run found: each problem a sentence; the run fails if there is one."""

    problems: list[str] = field(default_factory=list)
    written: list[Path] = field(default_factory=list)


# --- names and text ------------------------------------------------------------------------------


class Renamer:
    """Names and text of one file; remembers which entries of the tables it used."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.used: set[str] = set()

    def name(self, name: str) -> str:
        """Give an identifier its sync form, most often itself."""
        if name in self.tables.names:
            self.used.add(name)
            return self.tables.names[name]
        if name in LANGUAGE:
            return LANGUAGE[name]
        if name == "_async":
            return "_sync"
        renamed = re.sub(r"^(_*)Async(?=[A-Z])", r"\1", name)
        renamed = re.sub(r"(?<=[^_])_async$", "", renamed)
        if keyword.iskeyword(renamed) and renamed != name:
            raise CannotConvertError(f"`{name}` would become the keyword `{renamed}`")
        return renamed

    def string(self, literal: cst.SimpleString) -> cst.SimpleString:
        """Give a string constant its sync form, if the table lists it."""
        value = literal.evaluated_value
        if not isinstance(value, str) or value not in self.tables.strings:
            return literal
        self.used.add(value)
        quoted = literal.prefix + literal.quote + self.tables.strings[value] + literal.quote
        return literal.with_changes(value=quoted)

    def names(self, text: str) -> str:
        """Give the names in a string of names their sync form."""
        return re.sub(r"[^\W\d]\w*", lambda match: self.name(match[0]), text)

    def text(self, text: str) -> str:
        """Give a docstring or comment its sync form."""
        text = re.sub(r"(?:(\b[Aa])n( ))?\basync (?=(?:def|for|with)\b)", r"\1\2", text)
        text = re.sub(r"\bawait (?=[\w.]+[(\[])", "", text)
        return re.sub(r"\b(?:([Aa])(n?)(\s+`*))?([^\W\d]\w*)", self._word, text)

    def _word(self, match: re.Match[str]) -> str:
        word = match[4]
        renamed = PROSE.get(word) or self.name(word)
        if renamed == word or not match[1]:
            return match[0].removesuffix(word) + renamed
        article = match[1] + ("n" if renamed[0] in "aeiouAEIOU" else "")
        return article + match[3] + renamed


# --- the tree ------------------------------------------------------------------------------------


class AsyncToSync(cst.CSTTransformer):
    """Turn the tree of an asyncio module into that of its twin."""

    def __init__(self, renamer: Renamer) -> None:
        super().__init__()
        self.renamer = renamer
        self._names_in_strings = 0  # how deep inside __all__ or an annotation

    # Keywords

    def leave_FunctionDef(
        self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.FunctionDef:
        return updated_node.with_changes(asynchronous=None)

    def leave_For(self, original_node: cst.For, updated_node: cst.For) -> cst.For:
        return updated_node.with_changes(asynchronous=None)

    def leave_With(self, original_node: cst.With, updated_node: cst.With) -> cst.With:
        return updated_node.with_changes(asynchronous=None)

    def leave_CompFor(self, original_node: cst.CompFor, updated_node: cst.CompFor) -> cst.CompFor:
        return updated_node.with_changes(asynchronous=None)

    def leave_Await(self, original_node: cst.Await, updated_node: cst.Await) -> cst.BaseExpression:
        inner = updated_node.expression
        # What follows `await` binds more closely than anything around it; only line breaks need
        # the parentheses.
        if "\n" not in cst.Module([]).code_for_node(updated_node):
            return inner
        return inner.with_changes(
            lpar=[*updated_node.lpar, *inner.lpar], rpar=[*inner.rpar, *updated_node.rpar]
        )

    # Names

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:
        renamed = self.renamer.name(updated_node.value)
        if renamed in ASYNC_ONLY:
            raise CannotConvertError(
                f"`{renamed}` has no sync form: put it under `if ASYNC:`, or take a name from "
                "interstore._compat_async"
            )
        return updated_node.with_changes(value=renamed)

    def visit_ImportAlias(self, node: cst.ImportAlias) -> bool:
        return node.evaluated_name != "ASYNC"

    def leave_ImportFrom(
        self, original_node: cst.ImportFrom, updated_node: cst.ImportFrom
    ) -> cst.ImportFrom | cst.RemovalSentinel:
        """Import once what both flavours' names now mean, and `ASYNC` not at all."""
        if isinstance(updated_node.names, cst.ImportStar):
            return updated_node
        kept: dict[str, cst.ImportAlias] = {}
        for alias in updated_node.names:
            plain = alias.with_changes(comma=cst.MaybeSentinel.DEFAULT)
            kept[cst.Module([]).code_for_node(plain)] = alias
        kept.pop("ASYNC", None)
        if len(kept) == len(updated_node.names):
            return updated_node
        if not kept:
            return cst.RemoveFromParent()
        *names, last = kept.values()
        names.append(last.with_changes(comma=updated_node.names[-1].comma))
        return updated_node.with_changes(names=names)

    def leave_Subscript(
        self, original_node: cst.Subscript, updated_node: cst.Subscript
    ) -> cst.BaseExpression:
        value = original_node.value
        name = value.attr if isinstance(value, cst.Attribute) else value
        if not isinstance(name, cst.Name):
            return updated_node
        if name.value in {"Awaitable", "Coroutine"}:
            return cst.ensure_type(updated_node.slice[-1].slice, cst.Index).value
        if name.value == "AsyncGenerator" and len(updated_node.slice) == 2:
            returns = cst.SubscriptElement(cst.Index(cst.Name("None")))
            return updated_node.with_changes(slice=[*updated_node.slice, returns])
        return updated_node

    # Strings, docstrings, comments

    def visit_Annotation(self, node: cst.Annotation) -> None:
        self._names_in_strings += 1

    def leave_Annotation(
        self, original_node: cst.Annotation, updated_node: cst.Annotation
    ) -> cst.Annotation:
        self._names_in_strings -= 1
        return updated_node

    def visit_Assign(self, node: cst.Assign) -> None:
        self._names_in_strings += _assigns_all(node)

    def leave_Assign(self, original_node: cst.Assign, updated_node: cst.Assign) -> cst.Assign:
        self._names_in_strings -= _assigns_all(original_node)
        return updated_node

    def leave_SimpleString(
        self, original_node: cst.SimpleString, updated_node: cst.SimpleString
    ) -> cst.SimpleString:
        if self._names_in_strings:
            return updated_node.with_changes(value=self.renamer.names(updated_node.value))
        return self.renamer.string(updated_node)

    def leave_Expr(self, original_node: cst.Expr, updated_node: cst.Expr) -> cst.Expr:
        value = updated_node.value
        if not isinstance(value, cst.SimpleString):
            return updated_node
        return updated_node.with_changes(
            value=value.with_changes(value=self.renamer.text(value.value))
        )

    def leave_Comment(self, original_node: cst.Comment, updated_node: cst.Comment) -> cst.Comment:
        return updated_node.with_changes(value=self.renamer.text(updated_node.value))

    # Code for one flavour

    def visit_If(self, node: cst.If) -> bool:
        return _asks_for_async(node.test) is None

    def leave_If(
        self, original_node: cst.If, updated_node: cst.If
    ) -> cst.BaseStatement | cst.FlattenSentinel[cst.BaseStatement] | cst.RemovalSentinel:
        asks_for_async = _asks_for_async(original_node.test)
        if asks_for_async is None:
            return updated_node
        orelse = original_node.orelse
        if isinstance(orelse, cst.If):
            raise CannotConvertError("`if ASYNC:` has an `else` or nothing, no `elif`")
        if not asks_for_async:
            return cst.FlattenSentinel(self._sync_half(original_node, original_node))
        if orelse is None:
            return cst.RemoveFromParent()
        return cst.FlattenSentinel(self._sync_half(original_node, orelse))

    def _sync_half(self, block: cst.If, half: cst.If | cst.Else) -> list[cst.BaseStatement]:
        """Take one half of a block, with the comments above it and above the block."""
        body = half.body.visit(self)
        if not isinstance(body, cst.IndentedBlock) or any(line.comment for line in body.footer):
            raise CannotConvertError(
                "each half of `if ASYNC:` begins on a line of its own and ends with code"
            )
        above = [*block.leading_lines, *(() if half is block else half.leading_lines)]
        above = [cst.ensure_type(line.visit(self), cst.EmptyLine) for line in above]
        first, *rest = body.body
        return [first.with_changes(leading_lines=[*above, *_leading_lines(first)]), *rest]

    def visit_IfExp(self, node: cst.IfExp) -> bool:
        return _asks_for_async(node.test) is None

    def leave_IfExp(self, original_node: cst.IfExp, updated_node: cst.IfExp) -> cst.BaseExpression:
        asks_for_async = _asks_for_async(original_node.test)
        if asks_for_async is None:
            return updated_node
        half = original_node.orelse if asks_for_async else original_node.body
        kept = cast("cst.BaseExpression", half.visit(self))
        return kept.with_changes(
            lpar=[*original_node.lpar, *kept.lpar], rpar=[*kept.rpar, *original_node.rpar]
        )

    def leave_IndentedBlock(
        self, original_node: cst.IndentedBlock, updated_node: cst.IndentedBlock
    ) -> cst.IndentedBlock:
        if updated_node.body:
            return updated_node
        return updated_node.with_changes(body=[cst.SimpleStatementLine([cst.Pass()])])


def _assigns_all(node: cst.Assign) -> bool:
    targets = (target.target for target in node.targets)
    return any(isinstance(target, cst.Name) and target.value == "__all__" for target in targets)


def _asks_for_async(test: cst.BaseExpression) -> bool | None:
    """Tell which flavour a condition chooses; None if it is about something else."""
    if isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not):
        inner = _asks_for_async(test.expression)
        return None if inner is None else not inner
    return True if isinstance(test, cst.Name) and test.value == "ASYNC" else None


def _leading_lines(statement: cst.BaseStatement) -> Sequence[cst.EmptyLine]:
    lines: Sequence[cst.EmptyLine] = getattr(statement, "leading_lines", ())
    return lines


def convert(source: str, tables: Tables) -> tuple[str, set[str]]:
    """Return the body of the twin, not yet formatted, and the entries of the tables it used."""
    renamer = Renamer(tables)
    try:
        return cst.parse_module(source).visit(AsyncToSync(renamer)).code, renamer.used
    except cst.ParserSyntaxError as error:
        raise CannotConvertError(str(error)) from error


def tidy(code: str, path: Path) -> str:
    """Sort imports, drop those that only asyncio needed, and format, as the project does it."""
    # The formatter decides how many blank lines follow a comment, which the banner will be.
    place = "# banner\n"
    code = f"{place}\n{code}"
    ruff = Path(sysconfig.get_path("scripts")) / "ruff"
    fixes = ["check", "--fix", "--exit-zero", "--quiet", "--select=I,F401,PIE790,UP034"]
    for verb in (["format", "--quiet"], fixes, ["format", "--quiet"]):
        run = subprocess.run(
            [ruff, *verb, "--no-cache", f"--stdin-filename={path}", "-"],
            input=code,
            capture_output=True,
            text=True,
            cwd=path.parent.parent,
            check=False,
        )
        if run.returncode:
            raise CannotConvertError(f"ruff {verb[0]} failed: {run.stderr.strip()}")
        code = run.stdout
    return code.removeprefix(place)


# --- the banner ----------------------------------------------------------------------------------


def with_banner(body: str, source: Path) -> str:
    """Put the twin's origin and digest above its body."""
    return (
        f"# Generated from {source.as_posix()}: change that file, then run\n"
        f"#     {COMMAND}\n"
        f"# Digest of the rest: {_digest(body)}\n{body}"
    )


BANNER = re.compile(
    rf"# Generated from .+\n#     {re.escape(COMMAND)}\n# Digest of the rest: (\w+)\n(.*)",
    re.DOTALL,
)


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:24]


def edited_by_hand(text: str) -> bool:
    """Tell whether a file in a generated folder is anything but what this program wrote."""
    match = BANNER.fullmatch(text)
    return match is None or match[1] != _digest(match[2])


# --- a run ---------------------------------------------------------------------------------------


def generate(job: Job, tables: Tables) -> tuple[str, set[str]]:
    """Return the whole text of a twin; what a worker does."""
    source = (job.root / job.source).read_text(encoding="utf-8")
    code, used = convert(source, tables)
    return with_banner(tidy(code, job.root / job.target), job.source), used


def find_jobs(root: Path, pairs: Mapping[str, str], report: Report) -> Iterator[Job]:
    """List the sources, and report what stands in a generated folder without one."""
    for source_dir, target_dir in pairs.items():
        if not (root / source_dir).is_dir():
            report.problems.append(f"{source_dir}: no such folder; correct PAIRS")
            continue
        sources = {p.relative_to(root / source_dir) for p in _files(root / source_dir, "*.py")}
        for path in sorted(sources):
            yield Job(root, Path(source_dir, path), Path(target_dir, path))
        for path in _files(root / target_dir, "*"):
            if path.relative_to(root / target_dir) not in sources:
                report.problems.append(
                    f"{path.relative_to(root)}: has no source in {source_dir}; remove or move it"
                )


def _files(folder: Path, pattern: str) -> Iterator[Path]:
    for path in sorted(folder.rglob(pattern)):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path


def check(job: Job, new: str, old: str | None, report: Report) -> None:
    """Report a twin that differs from what its source gives."""
    if new == old:
        return
    names = (f"{job.target} (committed)", f"{job.target} (generated)")
    diff = difflib.unified_diff((old or "").splitlines(True), new.splitlines(True), *names)
    why = "missing" if old is None else "edited by hand" if edited_by_hand(old) else "out of date"
    report.problems.append(f"{job.target}: {why}; run {COMMAND}\n{''.join(diff)}")


def write(job: Job, new: str, old: str | None, report: Report, *, force: bool) -> None:
    """Write a twin, unless it holds what somebody wrote into it."""
    if new == old:
        return
    if old is not None and edited_by_hand(old) and not force:
        report.problems.append(
            f"{job.target}: edited by hand; bring the change to {job.source}, then use --force"
        )
        return
    target = job.root / job.target
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(new, encoding="utf-8")
    report.written.append(job.target)


def run(
    root: Path,
    pairs: Mapping[str, str],
    tables: Tables,
    *,
    checking: bool = False,
    force: bool = False,
    pool: Callable[[], Executor] = ProcessPoolExecutor,
) -> Report:
    """Generate every twin in a pool; write or compare them; report every problem, not the first."""
    report = Report()
    used: set[str] = set()
    jobs = list(find_jobs(root, pairs, report))
    with pool() as executor:
        futures = [(job, executor.submit(generate, job, tables)) for job in jobs]
        for job, future in futures:
            try:
                new, used_here = future.result()
            except Exception as error:  # noqa: BLE001 - whatever a worker died of
                report.problems.append(f"{job.source}: {type(error).__name__}: {error}")
                continue
            used |= used_here
            path = root / job.target
            old = path.read_text(encoding="utf-8") if path.exists() else None
            if checking:
                check(job, new, old, report)
            else:
                write(job, new, old, report, force=force)
    for entry in sorted({*tables.names, *tables.strings} - used):
        report.problems.append(f"nothing uses the substitution of {entry!r}; remove it")
    return report


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line; 0 if all is well."""
    parser = argparse.ArgumentParser(description="Make the sync twins of the asyncio sources.")
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 on a difference")
    parser.add_argument("--force", action="store_true", help="overwrite twins edited by hand")
    options = parser.parse_args(argv)
    tables = Tables(NAMES, STRINGS)
    report = run(ROOT, PAIRS, tables, checking=options.check, force=options.force)
    for path in report.written:
        print(f"wrote {path}")
    for problem in report.problems:
        print(problem, file=sys.stderr)
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
