"""The settings in force, and where each value came from."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from interstore.errors import ConfigurationError
from interstore.nearest import did_you_mean
from interstore.settings.base import Field, Settings, fields_of
from interstore.settings.choose import Choice
from interstore.settings.convert import convert
from interstore.settings.environment import TYPE, Environment
from interstore.settings.secret import Secret
from interstore.warnings import InterstoreWarning

__all__ = ["Resolved", "resolve", "warn_of_default"]

_PLACES: Final = {
    "DATABASE_HOST",
    "DATABASE_PORT",
    "DATABASE_NAME",
    "DATABASE_PATH",
    "DATABASE_DATA_DIR",
}
"""Variables that say where the data is. A URL says all of that, also by what it leaves out."""

_CREDENTIALS: Final = {"DATABASE_USERNAME", "DATABASE_PASSWORD", "DATABASE_READ_URLS"}
"""Variables that must not be sent to a place that the environment does not speak of."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """Settings, and where they come from.

    Attributes:
        choice: the engine and its URL.
        settings: the values.
        origins: for each field ``"argument"``, ``"URL"``, the variable, or ``"default"``.
        secrets: what must not be shown.
    """

    choice: Choice
    settings: Settings
    origins: Mapping[str, str]
    secrets: tuple[Secret, ...] = field(repr=False)


def resolve(choice: Choice, options: Mapping[str, Any], environment: Environment) -> Resolved:
    """Take each setting from the first that says something: argument, URL, variable, default.

    Raises:
        ConfigurationError: a value is missing, of the wrong type, or contradicts another;
            an argument or a parameter of the URL is no setting of the engine.
    """
    kind = choice.backend.settings
    fields = {each.name: each for each in fields_of(kind)}
    given: dict[str, tuple[Any, str]] = {}
    for each in fields.values():
        if (found := _variable(each, choice, environment)) is not None:
            given[each.name] = found
    for name, value in _from_url(choice, fields).items():
        given[name] = (value, "URL")
    for name, value in options.items():
        if name not in fields:
            near = did_you_mean(name, fields)
            raise _unknown("option", name, choice.backend.name, fields, near)
        given[name] = (value, "argument")
    values = {
        name: convert(fields[name], value, _said(name, origin))
        for name, (value, origin) in given.items()
    }
    settings = _build(kind, values, fields, choice.backend.name)
    return Resolved(
        choice=choice,
        settings=settings,
        origins={name: given[name][1] if name in given else "default" for name in fields},
        secrets=tuple(_secrets(choice, settings, fields)),
    )


def _variable(each: Field, choice: Choice, environment: Environment) -> tuple[str, str] | None:
    names = each.variables
    if not names:
        return None
    if names[0] in _PLACES and (choice.url is not None or not choice.environment_agrees):
        return None
    if names[0] in _CREDENTIALS and (
        choice.url_origin == "argument" or not choice.environment_agrees
    ):
        return None
    found = environment.get(names)
    return None if found is None else (found.value, str(found))


def _from_url(choice: Choice, fields: Mapping[str, Field]) -> dict[str, Any]:
    url = choice.url
    if url is None:
        return {}
    kind = choice.backend.settings
    values = kind.from_url(url)
    for name, value in url.query.items():
        if name in kind.url_parameters:
            continue
        if name not in fields:
            near = did_you_mean(name, [*fields, *kind.url_parameters])
            raise _unknown("parameter of the URL", name, choice.backend.name, fields, near)
        values.setdefault(name, value)
    return values


def _build(
    kind: type[Settings], values: dict[str, Any], fields: Mapping[str, Field], backend: str
) -> Settings:
    for name, each in fields.items():
        if each.required and name not in values:
            variable = f"set {each.variables[0]}, or " if each.variables else ""
            raise ConfigurationError(
                f"{backend} needs {name}: {variable}pass {name}=... or put it into the URL",
                backend=backend,
            )
    try:
        return kind(**values)
    except ValueError as error:
        raise ConfigurationError(f"{backend}: {error}", backend=backend) from None


def _secrets(choice: Choice, settings: Settings, fields: Mapping[str, Field]) -> list[Secret]:
    found = choice.url.secrets() if choice.url is not None else []
    for name in fields:
        value = getattr(settings, name)
        if isinstance(value, Secret):
            found.append(value)
    return found


def _unknown(
    what: str, name: str, backend: str, fields: Mapping[str, Field], near: str
) -> ConfigurationError:
    known = ", ".join(fields) or "none"
    return ConfigurationError(
        f"{backend} has no {what} {name!r}{near} (known are {known})",
        backend=backend,
    )


def _said(name: str, origin: str) -> str:
    if origin == "argument":
        return f"the argument {name}="
    return f"{name} in the URL" if origin == "URL" else origin


def warn_of_default(resolved: Resolved, *, stacklevel: int = 2) -> None:
    """Warn where documents go if nobody said so: a wrong working directory is easily taken."""
    if resolved.choice.origin != "default" or resolved.origins.get("data_dir") != "default":
        return
    folder = os.path.abspath(str(getattr(resolved.settings, "data_dir", "")))
    warnings.warn(
        f"nothing says which engine to use, so documents are kept as JSON files in "
        f"{folder}: set {TYPE[0]}={resolved.choice.backend.name} to mean that",
        InterstoreWarning,
        stacklevel=stacklevel + 1,
    )
