"""Plugins, found by the entry points of installed packages and loaded when they are named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pluggy

from interstore import hookspecs
from interstore._version import __version__
from interstore.errors import ConfigurationError
from interstore.nearest import did_you_mean
from interstore.settings.base import Settings

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["GROUP", "HOOKS", "Plugin", "installed", "load", "made_of"]

GROUP: Final = "interstore.plugins"

HOOKS: Final = (
    "interstore_settings", "interstore_wrap", "interstore_wrap_async",
    "interstore_observe", "interstore_commands", "interstore_routes",
)  # fmt: skip
"""The hooks of plugins."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin that is loaded.

    Attributes:
        name: by which it is named.
        package: the distribution that brings it, with its version; empty for an object of the
            application's own.
        hooks: those that it implements.
        settings: the class of its settings.
    """

    name: str
    package: str
    hooks: frozenset[str]
    settings: type[Settings]
    _manager: pluggy.PluginManager

    def call(self, hook: str, **arguments: Any) -> Any:
        """What the plugin returns from a hook; ``None`` if it does not implement it.

        Raises:
            ConfigurationError: it fails; the message names the package and the cure.
        """
        try:
            made: list[Any] = getattr(self._manager.hook, hook)(**arguments)
        except ConfigurationError:
            raise
        except (Exception, SystemExit) as error:
            raise broken(self.name, self.package, _said(error)) from error
        return made[0] if made else None


def load(name: str) -> Plugin:
    """The plugin of that name.

    Raises:
        ConfigurationError: no installed package brings it, two do, or it is broken.
    """
    entries = [entry for entry in _entry_points() if entry.name == name]
    if not entries:
        raise _unknown(name)
    if len(entries) > 1:
        packages = " and ".join(sorted(map(package_of, entries)))
        raise ConfigurationError(
            f"several packages bring a plugin {name!r}: {packages}. Uninstall all but one"
        )
    [entry] = entries
    try:
        hooks = entry.load()
    except (Exception, SystemExit) as error:
        raise broken(name, package_of(entry), _said(error)) from error
    return made_of(hooks, name, package_of(entry))


def made_of(hooks: Any, name: str, package: str = "") -> Plugin:
    """The plugin whose hooks a module, or any other object, implements.

    Raises:
        ConfigurationError: it implements none, or one that there is not.
    """
    manager = pluggy.PluginManager("interstore")
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(hooks, name)
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError) as error:
        raise broken(name, package, str(error)) from error
    implemented = {caller.name for caller in manager.get_hookcallers(hooks) or ()}
    if not implemented.intersection(HOOKS):
        raise broken(name, package, f"it implements none of the hooks {', '.join(HOOKS)}")
    plugin = Plugin(name, package, frozenset(implemented), Settings, manager)
    settings = plugin.call("interstore_settings")
    if settings is None:
        return plugin
    if not (isinstance(settings, type) and issubclass(settings, Settings)):
        raise broken(name, package, "interstore_settings does not return a class of settings")
    return Plugin(name, package, frozenset(implemented), settings, manager)


def installed() -> Iterator[tuple[str, str]]:
    """The name and the package of each plugin that is installed, by name; none is loaded."""
    for entry in sorted(_entry_points(), key=lambda entry: (entry.name, package_of(entry))):
        yield entry.name, package_of(entry)


def broken(name: str, package: str, reason: str) -> ConfigurationError:
    """The error for a plugin that does not do what it should."""
    of_package = f" of the package {package}" if package else ""
    cure = (
        f"correct or update {package}, or take {name!r} out of INTERSTORE_PLUGINS"
        if package
        else "correct it, or leave it out"
    )
    return ConfigurationError(f"the plugin {name!r}{of_package} cannot be used: {reason}: {cure}")


def package_of(entry: EntryPoint) -> str:
    """The distribution that has an entry point, with its version."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else "(unknown)"


def _unknown(name: str) -> ConfigurationError:
    names = sorted({each for each, _ in installed()})
    listed = ", ".join(names) or "none"
    return ConfigurationError(
        f"the plugin {name!r} is brought by no installed package, nor by interstore "
        f"{__version__}{did_you_mean(name, names)} (installed are {listed}): install the package "
        f"that has it, or take {name!r} out of INTERSTORE_PLUGINS"
    )


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _entry_points() -> list[EntryPoint]:
    from importlib.metadata import entry_points

    found = entry_points(group=GROUP)
    return list({(entry.name, entry.value, package_of(entry)): entry for entry in found}.values())
