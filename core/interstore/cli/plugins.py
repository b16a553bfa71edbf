"""`interstore plugins`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from interstore.cli.output import is_terminal, print_rows
from interstore.cli.store import url_option
from interstore.connection import plugins_in_force, settings_in_force, unconnected
from interstore.errors import ConfigurationError
from interstore.plugins.discovery import HOOKS, Plugin, installed, load

if TYPE_CHECKING:
    from interstore.plugins.apply import Layer

__all__ = ["plugins"]


@click.command()
@url_option
def plugins(url: str | None) -> None:
    """List the plugins that are installed, and what those that are active do to the store.

    Active are those that INTERSTORE_PLUGINS names, in that order: the first is outermost. An
    operation goes through what wraps it, and then to the engine.
    """
    layers: Sequence[Layer] = ()
    active = plugins_in_force()
    if active:
        layers = unconnected(settings_in_force(url), active).plugins
    print_rows(_rows(layers))


def _rows(layers: Sequence[Layer]) -> Iterator[dict[str, Any]]:
    for number, layer in enumerate(layers, 1):
        plugin = layer.plugin.plugin
        yield _row(plugin.name, plugin.package, plugin, number, _told(_wraps(layer)), None)
    active = {layer.plugin.name for layer in layers}
    for name, package in installed():
        if name in active:
            continue
        try:
            plugin = load(name)
        except ConfigurationError as error:
            yield _row(name, package, None, None, _told([]), str(error))
        else:
            yield _row(name, package, plugin, None, _told([]), None)


def _wraps(layer: Layer) -> Sequence[str]:
    wraps = layer.wraps
    if wraps is None:
        return ["(not told)"]
    observed = ["observes every operation"] if layer.observer is not None else []
    return [*wraps, *observed]


def _told(names: Sequence[str]) -> Any:
    return ", ".join(names) if is_terminal() else list(names)


def _row(
    name: str,
    package: str,
    plugin: Plugin | None,
    position: int | None,
    wraps: Any,
    problem: str | None,
) -> dict[str, Any]:
    hooks = [] if plugin is None else [hook for hook in HOOKS if hook in plugin.hooks]
    return {
        "name": name,
        "package": package,
        "active": position is not None,
        "position": position if position is not None else "" if is_terminal() else None,
        "hooks": _told([hook.removeprefix("interstore_") for hook in hooks]),
        "wraps": wraps,
        "problem": problem or "" if is_terminal() else problem,
    }
