"""A copy of the code in which one rule is removed, while the rest of the process keeps its own."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["Mutant", "mutated"]

_COPIED = (
    "interstore",
    "interstore_backends",
    "tests.differential",
    "tests.databases",
    "tests.tiny",
)
_KEPT = ("interstore.testing",)  # pytest has rewritten it, and it holds no rule


@dataclass(frozen=True)
class Mutant:
    """A rule, and how to remove it.

    Attributes:
        rule: what the code sees to.
        engine: on which to look for the difference; ``"core"`` for the reference.
        module: where the rule is implemented.
        old: its text there, which must stand there exactly once.
        new: what stands there instead.
        equivalent: why nothing can notice, if nothing can.
    """

    rule: str
    engine: str
    module: str
    old: str
    new: str
    equivalent: str = ""

    def source(self) -> tuple[str, str]:
        """The path and the changed text of the module."""
        spec = find_spec(self.module)
        assert spec is not None
        assert spec.origin is not None
        text = Path(spec.origin).read_text(encoding="utf-8")
        found = text.count(self.old)
        assert found == 1, (
            f"{self.rule}: {self.old!r} stands {found} times in {self.module}; the mutant must "
            "say anew how this rule is removed"
        )
        return spec.origin, text.replace(self.old, self.new)


class _Finder(MetaPathFinder, Loader):
    """Finds the one module that is changed."""

    def __init__(self, mutant: Mutant) -> None:
        self.path, self.text = mutant.source()
        self.module = mutant.module

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if fullname != self.module:
            return None
        return spec_from_loader(fullname, self, origin=self.path)

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.text, self.path, "exec", dont_inherit=True), module.__dict__)


@contextmanager
def mutated(mutant: Mutant) -> Generator[None]:
    """Within it, what is imported is a copy with the mutant; afterwards all is as it was."""
    finder = _Finder(mutant)
    kept = {name: module for name, module in sys.modules.items() if _is_copied(name)}
    for name in kept:
        del sys.modules[name]
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if _is_copied(name)]:
            del sys.modules[name]
        sys.modules.update(kept)
        for name, module in kept.items():
            parent, _, last = name.rpartition(".")
            if parent:
                setattr(sys.modules[parent], last, module)


def _is_copied(name: str) -> bool:
    def lies_in(packages: tuple[str, ...]) -> bool:
        return any(name == each or name.startswith(f"{each}.") for each in packages)

    return lies_in(_COPIED) and not lies_in(_KEPT)
