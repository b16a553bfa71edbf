"""Packages made for a test: a module, and the metadata that pip would have written."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from interstore import discovery

ENGINE = """
    from interstore.backend import Backend
    from interstore.hookspecs import hookimpl
    from interstore.settings import Settings

    def _database(settings):
        from tests.tiny import TinyDatabase
        return TinyDatabase()

    @hookimpl
    def interstore_backend():
        return Backend(name={name!r}, settings=Settings, database=_database, {more})
"""


class Packages:
    """Installs packages for the time of a test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def install(
        self,
        package: str,
        name: str,
        source: str,
        *,
        version: str = "1.2",
        group: str = "interstore.backends",
    ) -> None:
        """Install `package`, which brings an engine (or a plugin) by the module of its own name."""
        module = package.replace("-", "_")
        (self._folder / f"{module}.py").write_text(textwrap.dedent(source))
        metadata = self._folder / f"{module}-{version}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n"
        )
        (metadata / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}\n")

    def install_engine(self, package: str, engine: str, more: str = "") -> None:
        """Install a package whose engine works."""
        self.install(package, engine, ENGINE.format(name=engine, more=more))


def installer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Packages:
    """What installs packages into `folder`, which is importable until the test ends."""
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(discovery, "_loaded", {})
    return Packages(folder)
