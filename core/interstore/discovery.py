"""Engines, found by the entry points of installed packages and loaded one by one, by name.

An entry point of the group ``interstore.backends`` has the engine's name, and leads to a
module with the hook `interstore.hookspecs.interstore_backend`. Only the engine that is asked
for is imported, so a broken package disturbs nobody who does not ask for it.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from interstore._version import __version__
from interstore.backend import Backend
from interstore.errors import ConfigurationError, MissingDriverError
from interstore.nearest import did_you_mean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from interstore.capabilities import Capabilities

__all__ = [
    "BackendInfo",
    "by_scheme",
    "canonical",
    "choices",
    "get",
    "listing",
    "missing_driver",
    "missing_drivers",
    "package_of",
    "unknown",
]

GROUP: Final = "interstore.backends"

OTHER_NAMES: Final = {
    "mock": "json",
    "jsonfile": "json",
    "postgres": "postgresql",
    "mongo": "mongodb",
    "mongodb+srv": "mongodb",
    "cosmos": "cosmosdb",
}
"""Aliases and schemes of Interstore's own engines, so that none is imported to know them."""

_OWN: Final = frozenset({"json", "memory", "sqlite", *OTHER_NAMES.values()})

_loaded: dict[str, Backend] = {}


@dataclass(frozen=True, slots=True)
class BackendInfo:
    """One engine, as `interstore backends` lists it.

    Attributes:
        name: the value of ``DATABASE_TYPE``.
        package: the distribution that brings it.
        version: that distribution's version.
        aliases: other values that name it.
        capabilities: what it can do; ``None`` if it could not be loaded.
        missing: modules of its driver that are not installed.
        problem: why it cannot be used, and what to do; ``None`` if it can.
    """

    name: str
    package: str
    version: str
    aliases: tuple[str, ...] = ()
    capabilities: Capabilities | None = None
    missing: tuple[str, ...] = ()
    problem: str | None = None


def get(name: str, said: str = "the engine") -> Backend:
    """The engine of that name or alias; `said` is what the message calls it.

    Raises:
        ConfigurationError: no installed package brings it, two do, or it is broken.
    """
    found = canonical(name)
    if found is None:
        raise unknown(name, said)
    return _load(found)


def canonical(name: str) -> str | None:
    """The name of the engine that `name` is the name or an alias of, or ``None``."""
    return _find(name, schemes=False)


def by_scheme(scheme: str) -> str | None:
    """The name of the engine whose URLs have this scheme, or ``None``."""
    return _find(scheme, schemes=True)


def _find(name: str, *, schemes: bool) -> str | None:
    name = name.lower()
    name = OTHER_NAMES.get(name, name)
    if name in _loaded:
        return name
    names = {entry.name for entry in _entry_points()}
    if name in names:
        return name
    if name in _OWN:
        return None
    # An alias or a scheme that only the packages themselves know.
    claims = sorted(each for each in names if _claims(each, name, schemes=schemes))
    if len(claims) > 1:
        raise ConfigurationError(f"{name!r} is claimed by several engines: {', '.join(claims)}")
    return claims[0] if claims else None


def _claims(engine: str, name: str, *, schemes: bool) -> bool:
    try:
        backend = _load(engine)
    except ConfigurationError:
        return False
    return name in (backend.schemes if schemes else backend.aliases)


def _load(name: str) -> Backend:
    if name not in _loaded:
        entries = [entry for entry in _entry_points() if entry.name == name]
        if len(entries) > 1:
            packages = " and ".join(sorted(_package(entry) for entry in entries))
            raise ConfigurationError(
                f"several packages bring an engine {name!r}: {packages}. Uninstall all but one",
                backend=name,
            )
        _loaded[name] = _import(entries[0])
    return _loaded[name]


def _import(entry: EntryPoint) -> Backend:
    import pluggy

    from interstore import hookspecs

    manager = pluggy.PluginManager("interstore")
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(entry.load(), entry.name)
        made: list[Any] = manager.hook.interstore_backend()
    except (Exception, SystemExit) as error:
        raise _broken(entry, f"{type(error).__name__}: {error}") from error
    if len(made) != 1 or not isinstance(made[0], Backend):
        raise _broken(entry, f"{entry.value} does not return a Backend from `interstore_backend`")
    backend = made[0]
    if backend.name != entry.name:
        raise _broken(entry, f"its entry point is {entry.name!r}, but its name {backend.name!r}")
    return backend


def _broken(entry: EntryPoint, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"the engine {entry.name!r} of the package {_package(entry)} cannot be loaded: {reason}",
        backend=entry.name,
    )


def _entry_points() -> list[EntryPoint]:
    from importlib.metadata import entry_points

    found = entry_points(group=GROUP)
    return list({(entry.name, entry.value, _package(entry)): entry for entry in found}.values())


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else "(unknown)"


def choices() -> str:
    """The engines that there are, in a few words."""
    return f"installed are {', '.join(sorted({entry.name for entry in _entry_points()}))}"


def unknown(name: str, what: str) -> ConfigurationError:
    """The error for a name that no installed package brings."""
    own = OTHER_NAMES.get(name.lower(), name.lower())
    if own in _OWN:
        problem = (
            f"{what} {name!r} is brought by no installed package, nor by interstore {__version__}"
        )
    else:
        names = [entry.name for entry in _entry_points()]
        words = [*names, *(alias for alias, meant in OTHER_NAMES.items() if meant in names)]
        problem = f"{what} {name!r} is unknown{did_you_mean(name, words)}"
    return ConfigurationError(f"{problem} ({choices()})")


def missing_drivers(backend: Backend) -> tuple[str, ...]:
    """The modules of the engine's driver that are not installed."""
    return tuple(module for module in backend.drivers if not _present(module))


def _present(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):  # a parent package is missing, or something odd is there
        return False


def missing_driver(backend: Backend) -> MissingDriverError:
    """The error for an engine without its driver."""
    modules = ", ".join(missing_drivers(backend))
    cure = f': pip install "{backend.install}"' if backend.install else ""
    return MissingDriverError(
        f"the engine {backend.name!r} needs its driver ({modules}){cure}", backend=backend.name
    )


def listing() -> list[BackendInfo]:
    """Every engine of every installed package, also those that cannot be used, by name."""
    entries = sorted(_entry_points(), key=lambda entry: (entry.name, _package(entry)))
    return [_info(entry) for entry in entries]


def _info(entry: EntryPoint) -> BackendInfo:
    package = _package(entry)
    version = entry.dist.version if entry.dist is not None else ""
    try:
        backend = _load(entry.name)
    except ConfigurationError as error:
        return BackendInfo(entry.name, package, version, problem=str(error))
    missing = missing_drivers(backend)
    return BackendInfo(
        entry.name,
        package,
        version,
        aliases=tuple(dict.fromkeys((*backend.aliases, *_own_aliases(entry.name)))),
        capabilities=backend.capabilities,
        missing=missing,
        problem=str(missing_driver(backend)) if missing else None,
    )


def _own_aliases(name: str) -> list[str]:
    return [alias for alias, meant in OTHER_NAMES.items() if meant == name and "+" not in alias]


def package_of(backend: Backend) -> str:
    """The distribution that brings the engine, with its version."""
    for entry in _entry_points():
        if entry.name == backend.name and entry.dist is not None:
            return f"{entry.dist.name} {entry.dist.version}"
    return "(unknown)"
