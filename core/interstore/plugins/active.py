"""The plugins that are named, in their order, with their settings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, TypeAlias

from interstore.errors import ConfigurationError
from interstore.nearest import did_you_mean
from interstore.plugins.discovery import Plugin, load, made_of
from interstore.settings.base import Field, Settings, fields_of
from interstore.settings.convert import convert
from interstore.settings.environment import ENABLE_CACHE, PLUGINS, Environment
from interstore.settings.secret import Secret

__all__ = ["Active", "Named", "activate", "fields_with_variables"]

Named: TypeAlias = "str | Iterable[Any] | Mapping[Any, Mapping[str, Any]]"
"""How plugins are named, outermost first: a text with commas, names (or objects with hooks), or
a mapping from them to their settings."""


@dataclass(frozen=True)
class Active:
    """A plugin that is in use.

    Attributes:
        plugin: what was loaded.
        settings: the values in force.
        origins: for each setting ``"argument"``, the variable, or ``"default"``.
    """

    plugin: Plugin
    settings: Settings
    origins: Mapping[str, str]

    @property
    def name(self) -> str:
        """By which it was named."""
        return self.plugin.name

    def call(self, hook: str, **arguments: Any) -> Any:
        """What it returns from a hook; ``None`` if it does not implement it."""
        return self.plugin.call(hook, settings=self.settings, **arguments)

    @cached_property
    def secrets(self) -> tuple[Secret, ...]:
        """The settings that must not be shown."""
        values = (getattr(self.settings, field.name) for field in fields_of(type(self.settings)))
        return tuple(value for value in values if isinstance(value, Secret))


def activate(named: Named | None, environment: Environment) -> tuple[Active, ...]:
    """The plugins that are named by an argument, else by ``INTERSTORE_PLUGINS``.

    Raises:
        ConfigurationError: one is unknown, broken, named twice, or its settings are wrong.
    """
    if named is None:
        variable = environment.get(PLUGINS)
        items = [] if variable is None else _split(variable.value)
        said = str(variable)
        if _cache_is_enabled(environment) and "cache" not in dict(items):
            items.append(("cache", {}))
    else:
        items, said = _items(named), "plugins="
    active: dict[str, Active] = {}
    for item, options in items:
        plugin = _loaded(item, said)
        if plugin.name in active:
            raise ConfigurationError(f"{said} names the plugin {plugin.name!r} twice")
        active[plugin.name] = _configured(plugin, options, environment)
    return tuple(active.values())


def _items(named: Any) -> list[tuple[Any, Mapping[str, Any]]]:
    if isinstance(named, str):
        return _split(named)
    if isinstance(named, Mapping):
        for item, options in named.items():
            if not isinstance(options, Mapping):
                raise ConfigurationError(
                    f"plugins= has {options!r:.80} for {item!r:.80}, where a mapping of its "
                    "settings belongs ({} for none)"
                )
        return list(named.items())
    if not isinstance(named, Iterable):
        raise ConfigurationError(f"plugins= takes names of plugins, not {named!r:.80}")
    return [(item, {}) for item in named]


def _cache_is_enabled(environment: Environment) -> bool:
    """Whether the plugin ``cache`` is named in the old way, by a variable of its own."""
    variable = environment.get(ENABLE_CACHE)
    if variable is None:
        return False
    field = Field("enable_cache", bool, ENABLE_CACHE, "", None, None, False, False)
    return bool(convert(field, variable.value, str(variable)))


def _split(text: str) -> list[tuple[Any, Mapping[str, Any]]]:
    return [(name.strip(), {}) for name in text.split(",") if name.strip()]


def _loaded(item: Any, said: str) -> Plugin:
    if isinstance(item, str):
        if not item:
            raise ConfigurationError(f"{said} holds an empty name")
        return load(item.lower())
    name = getattr(item, "name", None) or getattr(item, "__name__", None) or type(item).__name__
    return made_of(item, str(name).rpartition(".")[2].lower())


def fields_with_variables(plugin: Plugin) -> tuple[Field, ...]:
    """The fields of a plugin's settings, each with the variable that has the plugin's prefix.

    ``attempts`` of ``retry`` is ``RETRY_ATTEMPTS``; variables that `env` names are understood
    as well.
    """
    prefix: Final = plugin.name.upper().replace("-", "_").replace(".", "_")
    return tuple(
        replace(
            field,
            variables=tuple(dict.fromkeys((f"{prefix}_{field.name.upper()}", *field.variables))),
        )
        for field in fields_of(plugin.settings)
    )


def _configured(plugin: Plugin, options: Mapping[str, Any], environment: Environment) -> Active:
    fields = {field.name: field for field in fields_with_variables(plugin)}
    _refuse_unknown(plugin, options, fields)
    environment.warn_of_typos(
        [name for field in fields.values() for name in field.variables],
        prefix=f"{plugin.name.upper().replace('-', '_')}_",
    )
    values: dict[str, Any] = {}
    origins = dict.fromkeys(fields, "default")
    for name, field in fields.items():
        variable = environment.get(field.variables)
        if name in options:
            values[name] = convert(field, options[name], f"{name}= of the plugin {plugin.name}")
            origins[name] = "argument"
        elif variable is not None:
            values[name] = convert(field, variable.value, str(variable))
            origins[name] = str(variable)
        elif field.required:
            raise ConfigurationError(
                f"the plugin {plugin.name!r} needs {name}: set {field.variables[0]}, or pass "
                f"plugins={{{plugin.name!r}: {{{name!r}: ...}}}}"
            )
    try:
        settings = plugin.settings(**values)
    except ValueError as error:
        raise ConfigurationError(f"the plugin {plugin.name!r}: {error}") from None
    return Active(plugin, settings, origins)


def _refuse_unknown(plugin: Plugin, options: Mapping[str, Any], fields: Collection[str]) -> None:
    for name in options:
        if name not in fields:
            known = ", ".join(fields) or "none"
            raise ConfigurationError(
                f"the plugin {plugin.name!r} has no setting {name!r}"
                f"{did_you_mean(str(name), fields)} (known are {known})"
            )
