"""Tables in the guides that are made from what the code declares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Final

import click
import msgspec

from interstore import discovery
from interstore.blobs import discovery as blobs
from interstore.blobs.capabilities import BlobCapabilities
from interstore.capabilities import Capabilities, Limits
from interstore.settings import Secret, Settings
from interstore.settings.base import fields_of

__all__ = ["ENGINES", "REGIONS"]

BLOB_ENGINES: Final = ("local", "s3", "azure", "memory", "fsspec")
ENGINES: Final = ("json", "sqlite", "postgresql", "mongodb", "cosmosdb", "memory")


def _capabilities(_: str) -> str:
    """One row for each capability, one column for each engine."""
    declared = [discovery.get(engine).capabilities for engine in ENGINES]
    lines = [f"| capability | {' | '.join(ENGINES)} |", "|---|" + "---|" * len(ENGINES)]
    for field in fields(Capabilities):
        values = " | ".join(_shown(getattr(each, field.name)) for each in declared)
        lines.append(f"| `{field.name}` | {values} |")
    return _joined(lines)


def _shown(value: object) -> str:
    if isinstance(value, frozenset):
        return ", ".join(sorted(value)) or "-"
    if isinstance(value, bool):
        return "yes" if value else "-"
    return f"`{value}`"


def _blob_capabilities(_: str) -> str:
    """The same for stores of blobs; a folder as it is when it is served."""
    from interstore_backends.blobs_local import SIGNING

    declared = {name: blobs.find(name, "").capabilities for name in BLOB_ENGINES}
    declared["local"] = SIGNING
    lines = [f"| capability | {' | '.join(declared)} |", "|---|" + "---|" * len(declared)]
    for field in fields(BlobCapabilities):
        values = [getattr(each, field.name) for each in declared.values()]
        shown = " | ".join(_shown(bool(value)) for value in values)
        lines.append(f"| `{field.name}` | {shown} |")
    return _joined(lines)


def _limits(_: str) -> str:
    """The limits, which are the same on every engine unless one says otherwise."""
    lines = ["| limit | value |", "|---|---|"]
    lines += [f"| `{field.name}` | {getattr(Limits(), field.name):,} |" for field in fields(Limits)]
    return _joined(lines)


def _settings(engine: str) -> str:
    """One row for each setting of an engine."""
    return _settings_of(discovery.get(engine).settings)


def _blob_settings(engine: str) -> str:
    """The same for a store of blobs."""
    return _settings_of(blobs.find(engine, "").settings)


def _settings_of(kind: type[Settings]) -> str:
    lines = ["| setting | variable | default | what it is |", "|---|---|---|---|"]
    for field in fields_of(kind):
        default = "" if field.required else _default(kind, field.name)
        variables = ", ".join(f"`{name}`" for name in field.variables) or "-"
        lines.append(f"| `{field.name}` | {variables} | {default} | {field.help} |")
    return _joined(lines)


def _plugin_settings(name: str) -> str:
    """One row for each setting of a plugin."""
    from interstore.plugins.active import fields_with_variables
    from interstore.plugins.discovery import load

    plugin = load(name)
    lines = ["| setting | variable | default | what it is |", "|---|---|---|---|"]
    for field in fields_with_variables(plugin):
        default = _default(plugin.settings, field.name)
        lines.append(f"| `{field.name}` | `{field.variables[0]}` | {default} | {field.help} |")
    return _joined(lines)


def _default(kind: type[Settings], name: str) -> str:
    value = {each.name: each.default for each in msgspec.structs.fields(kind)}[name]
    if value is msgspec.NODEFAULT:
        return "must be set"
    return "-" if value is None or isinstance(value, Secret) else f"`{value}`"


def _commands(_: str) -> str:
    """The help of each command, as the program itself prints it."""
    from interstore.cli import COMMANDS, main

    context = click.Context(main, info_name="interstore")
    parts: list[str] = []
    for name in COMMANDS:
        command = main.get_command(context, name)
        assert command is not None, name
        if isinstance(command, click.Group):
            group = click.Context(command, info_name=name, parent=context)
            for each, inner in command.commands.items():
                # What is run if no subcommand is named hides its own name.
                parts += _help(name if each == "run" else f"{name} {each}", each, inner, group)
        else:
            parts += _help(name, name, command, context)
    return "\n" + "\n".join(parts) + "\n"


def _help(title: str, name: str, command: click.Command, parent: click.Context) -> list[str]:
    context = click.Context(
        command, info_name=name, parent=parent, max_content_width=96, terminal_width=96
    )
    lines = [line.rstrip() for line in command.get_help(context).splitlines()]
    return [f"### {title}", "", "```text", *lines, "```", ""]


def _joined(lines: list[str]) -> str:
    return "\n" + "\n".join(lines) + "\n\n"


REGIONS: Final[dict[str, Callable[[str], str]]] = {
    "capabilities": _capabilities,
    "blob-capabilities": _blob_capabilities,
    "blob-settings": _blob_settings,
    "limits": _limits,
    "settings": _settings,
    "commands": _commands,
    "plugin-settings": _plugin_settings,
}
