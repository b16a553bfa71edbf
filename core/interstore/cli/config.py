"""`interstore config`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from interstore.cli.output import print_rows
from interstore.cli.store import url_option
from interstore.connection import settings_in_force
from interstore.settings.base import fields_of
from interstore.settings.resolve import Resolved
from interstore.settings.secret import HIDDEN, Secret

__all__ = ["config"]


@click.command()
@url_option
def config(url: str | None) -> None:
    """Show the settings in force, and where each comes from. Secrets are hidden.

    An argument goes before DATABASE_URL, that before DATABASE_TYPE with its parts, and
    variables of the environment before those in .env.
    """
    # Sentences of help would leave no room for the values on a terminal.
    print_rows(_rows(settings_in_force(url)), ["setting", "value", "from", "variable"])


def _rows(resolved: Resolved) -> Iterator[dict[str, Any]]:
    choice = resolved.choice
    yield _row("type", choice.backend.name, choice.origin, "DATABASE_TYPE", "The engine.")
    url = "" if choice.url is None else str(choice.url)
    origin = "default" if choice.url is None else choice.url_origin
    yield _row("url", url, origin, "DATABASE_URL", "All in one, instead of the parts.")
    for field in fields_of(choice.backend.settings):
        value = getattr(resolved.settings, field.name)
        if isinstance(value, Secret):
            value = HIDDEN if value else ""
        elif not isinstance(value, (str, int, float, type(None))):
            value = str(value) if isinstance(value, Path) else repr(value)
        yield _row(
            field.name,
            value,
            resolved.origins[field.name],
            field.variables[0] if field.variables else None,
            field.help,
        )


def _row(setting: str, value: Any, origin: str, variable: str | None, help: str) -> dict[str, Any]:  # noqa: A002
    return {
        "setting": setting,
        "value": value,
        "from": origin,
        "variable": variable or "",
        "help": help,
    }
