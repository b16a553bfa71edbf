"""`interstore config`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from interstore.cli.output import print_rows
from interstore.cli.store import url_option
from interstore.connection import plugins_in_force, settings_in_force
from interstore.settings.base import fields_of
from interstore.settings.environment import PLUGINS
from interstore.settings.resolve import Resolved
from interstore.settings.secret import HIDDEN, Secret

if TYPE_CHECKING:
    from interstore.plugins.active import Active

__all__ = ["config"]


@click.command()
@url_option
def config(url: str | None) -> None:
    """Show the settings in force, and where each comes from. Secrets are hidden.

    An argument goes before DATABASE_URL, that before DATABASE_TYPE with its parts, and
    variables of the environment before those in .env.
    """
    # Sentences of help would leave no room for the values on a terminal.
    rows = chain(_rows(settings_in_force(url)), _plugin_rows(plugins_in_force()))
    print_rows(rows, ["setting", "value", "from", "variable"])


def _plugin_rows(plugins: Sequence[Active]) -> Iterator[dict[str, Any]]:
    if not plugins:
        return
    from interstore.plugins.active import fields_with_variables

    names = ", ".join(active.name for active in plugins)
    yield _row("plugins", names, PLUGINS[0], PLUGINS[0], "What wraps and observes the store.")
    for active in plugins:
        for field in fields_with_variables(active.plugin):
            yield _row(
                f"{active.name}.{field.name}",
                _shown(getattr(active.settings, field.name)),
                active.origins[field.name],
                field.variables[0],
                field.help,
            )


def _rows(resolved: Resolved) -> Iterator[dict[str, Any]]:
    choice = resolved.choice
    yield _row("type", choice.backend.name, choice.origin, "DATABASE_TYPE", "The engine.")
    url = "" if choice.url is None else str(choice.url)
    origin = "default" if choice.url is None else choice.url_origin
    yield _row("url", url, origin, "DATABASE_URL", "All in one, instead of the parts.")
    for field in fields_of(choice.backend.settings):
        yield _row(
            field.name,
            _shown(getattr(resolved.settings, field.name)),
            resolved.origins[field.name],
            field.variables[0] if field.variables else None,
            field.help,
        )


def _shown(value: Any) -> Any:
    if isinstance(value, Secret):
        return HIDDEN if value else ""
    if isinstance(value, (str, int, float, type(None))):
        return value
    return str(value) if isinstance(value, Path) else repr(value)


def _row(setting: str, value: Any, origin: str, variable: str | None, help: str) -> dict[str, Any]:  # noqa: A002
    return {
        "setting": setting,
        "value": value,
        "from": origin,
        "variable": variable or "",
        "help": help,
    }
