"""Which engine is meant: by an argument, a URL, a variable, or because nothing was said."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from interstore import discovery
from interstore.backend import Backend
from interstore.errors import ConfigurationError
from interstore.settings.environment import CONNECTION, TYPE, Environment, Variable
from interstore.settings.secret import Secret
from interstore.settings.url import URL

__all__ = ["DEFAULT", "Choice", "choose"]

DEFAULT: Final = "json"
"""The engine where nothing names one."""

_NAME: Final = re.compile(r"[\w.+-]{1,64}\Z")


@dataclass(frozen=True, slots=True)
class Choice:
    """The engine that is meant, and its URL if there is one.

    Attributes:
        backend: the engine.
        origin: what named it: ``"argument"``, ``"URL"``, a variable, or ``"default"``.
        url: the URL in force.
        url_origin: ``"argument"``, or the variable that holds it.
        environment_agrees: whether the parts in the environment (``DATABASE_HOST`` ...) speak
            of this engine: the environment names the same one, or none.
    """

    backend: Backend
    origin: str
    url: URL | None = None
    url_origin: str = ""
    environment_agrees: bool = True


def choose(url: str | Secret | None, type: str | None, environment: Environment) -> Choice:
    """Find the engine; see the precedence in `interstore.connect`.

    Raises:
        ConfigurationError: what is said contradicts itself, or names no engine.
    """
    type_variable = environment.get(TYPE)
    url_variable = environment.get(CONNECTION)
    parsed = _parse(url, url_variable)
    url_origin = "argument" if url is not None else str(url_variable or "")
    if type is not None:
        return _by_argument(type, parsed, url_origin, type_variable)
    if parsed is None:
        if type_variable is None:
            return Choice(discovery.get(DEFAULT), "default")
        return Choice(_named(type_variable), str(type_variable))
    if parsed.scheme and (url is not None or type_variable is None):
        name = discovery.by_scheme(parsed.scheme)
        if name is not None:
            agrees = type_variable is None or discovery.canonical(type_variable.value) == name
            return Choice(discovery.get(name), "URL", parsed, url_origin, agrees)
    if type_variable is None:
        raise _nameless(parsed, url_origin)
    backend = _named(type_variable)
    if not accepts(backend, parsed):
        raise _disagree(url_origin, parsed, type_variable, backend)
    return Choice(backend, str(type_variable), parsed, url_origin)


def _by_argument(type: str, url: URL | None, url_origin: str, variable: Variable | None) -> Choice:
    backend = discovery.get(_checked(type, "type"))
    agrees = variable is None or discovery.canonical(variable.value) == backend.name
    if url is None:
        return Choice(backend, "argument", environment_agrees=agrees)
    if accepts(backend, url):
        return Choice(backend, "argument", url, url_origin, agrees)
    if url_origin == "argument":
        raise _disagree("the URL", url, f"type={type!r}", backend)
    return Choice(backend, "argument", environment_agrees=False)  # the argument goes before


def accepts(backend: Backend, url: URL) -> bool:
    """Whether the URL can be one of this engine. A native connection string may be anyone's."""
    return url.scheme in ("", backend.name, *backend.aliases, *backend.schemes)


def _parse(url: str | Secret | None, variable: Variable | None) -> URL | None:
    if isinstance(url, Secret):
        url = url.reveal()
    if url is None:
        if variable is None:
            return None
        try:
            return URL.parse(variable.value)
        except ConfigurationError as error:
            raise ConfigurationError(f"{variable}: {error}") from None
    if not isinstance(url, str):
        raise ConfigurationError(f"the URL is a text, not of type {_kind(url)}")
    return URL.parse(url)


def _named(variable: Variable) -> Backend:
    return discovery.get(_checked(variable.value, str(variable)), f"{variable}: the engine")


def _checked(name: str, said: str) -> str:
    """`name`, if it can be one; what cannot is not quoted: a URL would bring its password."""
    if _NAME.match(str(name)):
        return name
    raise ConfigurationError(
        f"{said} does not hold the name of an engine: a URL belongs into {CONNECTION[0]}; "
        f"{discovery.choices()}"
    )


def _nameless(url: URL, origin: str) -> ConfigurationError:
    where = "the URL" if origin == "argument" else origin
    if url.scheme:
        return discovery.unknown(url.scheme, f"the scheme of {where}")
    return ConfigurationError(
        f"{where} does not begin with a scheme and ':', so it does not say which engine it is "
        f"for: write sqlite:///data.db, or set {TYPE[0]} as well for a native connection string"
    )


def _disagree(url: str, parsed: URL, type: object, backend: Backend) -> ConfigurationError:
    return ConfigurationError(
        f"{url} is one for {parsed.scheme!r}, but {type} says {backend.name!r}: remove one of them",
        backend=backend.name,
    )


def _kind(value: object) -> str:
    return value.__class__.__name__
