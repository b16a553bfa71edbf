"""Runs the examples of a page: its blocks of Python and of commands, in order, in one folder.

The blocks of Python share one namespace and one event loop, so ``await`` may stand anywhere.
What a statement gives is checked where a comment behind it says so:

    1 + 1  # => 2
    print("a", "b")  # => a b
    int("x")  # raises ValueError: invalid literal ...

In a block of commands, lines that begin with ``$`` are run by a shell. What follows one is its
output, if anything does. A command must succeed, unless the next one is ``echo $?``. Anywhere,
``...`` stands for any text.
"""

from __future__ import annotations

import ast
import asyncio
import doctest
import inspect
import io
import os
import re
import subprocess
import sys
import sysconfig
import tokenize
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Final

from tests.tools.pages import ROOT, Block

__all__ = ["Examples", "ExampleError"]

_COMMENT: Final = re.compile(r"# (=>|raises) (.+)$")
_SETTINGS: Final = re.compile(r"DATABASE_|INTERSTORE_")
SECONDS: Final = 100


class ExampleError(AssertionError):
    """An example does something else than its page says."""


class Examples:
    """The examples of one page, run one after another.

    Args:
        folder: the working directory of commands.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # A module, because whoever reads the annotations of a class looks for its module.
        module = sys.modules["example"] = ModuleType("example")
        self._names = vars(module)
        self._names.update(__shows__=_shows, __prints__=_prints, __raises__=_raises)
        self._runner = asyncio.Runner()

    def run(self, block: Block) -> None:
        """Run one block.

        Raises:
            ExampleError: its outcome is not what the page says.
        """
        if block.language == "python":
            self._run_python(block)
        else:
            self._run_commands(block)

    def close(self) -> None:
        """Close the stores that the page left open, and the event loop."""
        for value in self._names.values():
            if type(value).__name__ == "Store":
                value.close()
            elif type(value).__name__ == "AsyncStore":
                self._runner.run(value.close())
        self._runner.close()
        del sys.modules["example"]

    def _run_python(self, block: Block) -> None:
        code = _compiled(block)
        try:
            result = eval(code, self._names)
            if inspect.iscoroutine(result):
                self._runner.run(result)
        except ExampleError:
            raise
        except Exception as error:
            raise ExampleError(f"{block}: {type(error).__name__}: {error}") from error

    def _run_commands(self, block: Block) -> None:
        status = 0
        commands = list(_commands(block.text))
        for number, (command, expected) in enumerate(commands):
            done = subprocess.run(
                ["bash", "-c", f"(exit {status}); {command}"],
                cwd=self._folder,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=SECONDS,
                check=False,
            )
            status = done.returncode
            following = commands[number + 1][0] if number + 1 < len(commands) else ""
            if status and following != "echo $?":
                raise ExampleError(f"{block}: {command}: exit code {status}\n{done.stdout}")
            if expected:
                _compare(expected, done.stdout, f"{block}: {command}")


def _commands(text: str) -> Iterator[tuple[str, str]]:
    command, output = "", ""
    for line in text.splitlines(keepends=True):
        if command.endswith("\\\n"):
            command += line
        elif line.startswith("$ "):
            if command:
                yield command.strip(), output
            command, output = line[2:], ""
        else:
            output += line
    if command:
        yield command.strip(), output


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not _SETTINGS.match(name)}
    scripts = sysconfig.get_path("scripts")
    return {
        **kept,
        "PATH": f"{scripts}:{os.environ['PATH']}",
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "PYTHONUTF8": "1",
    }


def _compiled(block: Block) -> CodeType:
    # Blank lines before it, so that errors name lines of the page.
    source = "\n" * (block.line - 1) + block.text
    tree = _Checks(_comments(source), block).visit(ast.parse(source, str(ROOT / block.page)))
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code: CodeType = compile(
        ast.fix_missing_locations(tree), str(ROOT / block.page), "exec", flags, dont_inherit=True
    )
    return code


def _comments(source: str) -> dict[int, tuple[str, str]]:
    """Line and content of each comment that says what a statement gives."""
    found: dict[int, tuple[str, str]] = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        match = _COMMENT.match(token.string) if token.type == tokenize.COMMENT else None
        if match is not None:
            found[token.start[0]] = match.group(1), match.group(2)
    return found


class _Checks(ast.NodeTransformer):
    """Puts a check in the place of each statement with such a comment."""

    def __init__(self, comments: dict[int, tuple[str, str]], block: Block) -> None:
        self._comments = comments
        self._block = block

    def visit_Module(self, node: ast.Module) -> ast.AST:
        result = self.generic_visit(node)
        if self._comments:
            line = min(self._comments)
            raise ExampleError(
                f"{self._block.page}:{line}: no expression ends where this comment is"
            )
        return result

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        said = self._comments.pop(node.end_lineno or 0, None)
        if said is None:
            return node
        kind, expected = said
        where = f"{self._block.page}:{node.end_lineno}"
        arguments: list[ast.expr] = [ast.Constant(where), ast.Constant(expected)]
        if kind == "raises":
            context = ast.Call(ast.Name("__raises__", ast.Load()), arguments, [])
            return ast.copy_location(ast.With([ast.withitem(context)], [node]), node)
        call = node.value
        if (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Name)
            and call.func.id == "print"
        ):
            shown = ast.Call(
                ast.Name("__prints__", ast.Load()), [*arguments, *call.args], call.keywords
            )
        else:
            shown = ast.Call(ast.Name("__shows__", ast.Load()), [*arguments, call], [])
        return ast.copy_location(ast.Expr(shown), node)


def _shows(where: str, expected: str, value: Any) -> None:
    _compare(expected, repr(value), where)


def _prints(where: str, expected: str, *values: Any, sep: str = " ") -> None:
    _compare(expected, sep.join(map(str, values)), where)


@contextmanager
def _raises(where: str, expected: str) -> Generator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - which, is what is compared
        shown = type(error).__name__
        _compare(expected, shown if ":" not in expected else f"{shown}: {error}", where)
    else:
        raise ExampleError(f"{where}: raises nothing, not {expected}")


def _compare(expected: str, found: str, where: str) -> None:
    want, got = (
        "\n".join(line.rstrip() for line in text.strip().splitlines()) + "\n"
        for text in (expected, found)
    )
    if not doctest.OutputChecker().check_output(want, got, doctest.ELLIPSIS):
        raise ExampleError(
            f"{where}: the page says\n{expected.strip()}\nbut it is\n{found.strip()}"
        )
