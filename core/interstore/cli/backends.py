"""`interstore backends`."""

from __future__ import annotations

from typing import Any

import click

from interstore import discovery
from interstore.capabilities import Capabilities
from interstore.cli.output import is_terminal, print_rows

__all__ = ["backends", "capability_names"]


@click.command()
def backends() -> None:
    """List the engines that are installed, also those that cannot be used, and why."""
    print_rows(_row(info) for info in discovery.listing())


def _row(info: discovery.BackendInfo) -> dict[str, Any]:
    names = [] if info.capabilities is None else capability_names(info.capabilities)
    return {
        "name": info.name,
        "aliases": ", ".join(info.aliases) if is_terminal() else info.aliases,
        "package": info.package,
        "version": info.version,
        "driver": _driver(info),
        "capabilities": ", ".join(names) if is_terminal() else names,
        "problem": info.problem or "" if is_terminal() else info.problem,
    }


def _driver(info: discovery.BackendInfo) -> str:
    if info.capabilities is None:
        return "unknown"
    return f"missing: {', '.join(info.missing)}" if info.missing else "there"


def capability_names(capabilities: Capabilities) -> list[str]:
    """What the engine can do, in words."""
    names: list[str] = []
    for name in Capabilities.__dataclass_fields__:
        value = getattr(capabilities, name)
        if isinstance(value, frozenset):
            names += [f"{name}({', '.join(sorted(value))})"] if value else []
        elif value is True:
            names.append(name)
        elif isinstance(value, str):
            names.append(f"{name}={value}")
    return names
