"""Blob engines, found by the entry points of installed packages and loaded one by one, by name.

An entry point of the group ``interstore.blobs`` has the engine's name, and leads to a module
with the hook `interstore.hookspecs.interstore_blob_backend`. A name that is none of them may be
a protocol of an fsspec filesystem (group ``fsspec.specs``), which the engine ``fsspec`` serves.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any, Final

from interstore.blobs.backend import BlobBackend
from interstore.errors import ConfigurationError, MissingDriverError
from interstore.nearest import did_you_mean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["FSSPEC", "find", "missing_driver", "names"]

GROUP: Final = "interstore.blobs"
FSSPEC: Final = "fsspec"
"""The engine for every filesystem that has none of its own."""

OTHER_NAMES: Final = {
    "file": "local",
    "s3a": "s3",
    "az": "azure",
    "abfs": "azure",
    "abfss": "azure",
    "adl": "azure",
}
"""Schemes of Interstore's own engines, so that none is imported to know them."""

_loaded: dict[str, BlobBackend] = {}


def find(name: str, said: str) -> BlobBackend:
    """The engine of that name, or with that scheme, or the one that serves that protocol.

    Args:
        name: as a setting or a URL has it.
        said: what the message calls it (``"STORAGE_BACKEND"``).

    Raises:
        ConfigurationError: no installed package brings it, several do, or it is broken.
    """
    name = name.lower()
    own = OTHER_NAMES.get(name, name)
    entries = _entry_points()
    if any(entry.name == own for entry in entries):
        return _load(own, entries)
    if own in OTHER_NAMES.values():
        raise ConfigurationError(f"{said} {name!r} is brought by no installed package")
    claims = sorted(each.name for each in entries if _claims(each, name, entries))
    if len(claims) > 1:
        raise ConfigurationError(f"{name!r} is claimed by several engines: {', '.join(claims)}")
    if claims:
        return _load(claims[0], entries)
    if name in _protocols():
        return _load(FSSPEC, entries)
    known = sorted({entry.name for entry in entries} - {FSSPEC})
    raise ConfigurationError(
        f"{said} {name!r} is unknown{did_you_mean(name, [*known, *_protocols()])} (engines are "
        f"{', '.join(known)}, and every protocol of fsspec that is installed)"
    )


def names() -> list[str]:
    """The engines of all installed packages."""
    return sorted({entry.name for entry in _entry_points()})


def _protocols() -> set[str]:
    from fsspec import available_protocols  # type: ignore[import-untyped]

    return set(available_protocols())


def _claims(entry: EntryPoint, scheme: str, entries: list[EntryPoint]) -> bool:
    try:
        return scheme in _load(entry.name, entries).schemes
    except ConfigurationError:
        return False


def _load(name: str, entries: list[EntryPoint]) -> BlobBackend:
    if name not in _loaded:
        found = [entry for entry in entries if entry.name == name]
        if len(found) > 1:
            packages = " and ".join(sorted(_package(entry) for entry in found))
            raise ConfigurationError(
                f"several packages bring a blob engine {name!r}: {packages}. Uninstall all but one",
                backend=name,
            )
        if not found:
            raise ConfigurationError(f"no installed package brings the blob engine {name!r}")
        _loaded[name] = _import(found[0])
    return _loaded[name]


def _import(entry: EntryPoint) -> BlobBackend:
    import pluggy

    from interstore import hookspecs

    manager = pluggy.PluginManager("interstore")
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(entry.load(), entry.name)
        made: list[Any] = manager.hook.interstore_blob_backend()
    except (Exception, SystemExit) as error:
        raise _broken(entry, f"{type(error).__name__}: {error}") from error
    if len(made) != 1 or not isinstance(made[0], BlobBackend):
        raise _broken(entry, f"{entry.value} returns no BlobBackend from interstore_blob_backend")
    if made[0].name != entry.name:
        raise _broken(entry, f"its entry point is {entry.name!r}, but its name {made[0].name!r}")
    return made[0]


def _broken(entry: EntryPoint, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"the blob engine {entry.name!r} of the package {_package(entry)} cannot be loaded: "
        f"{reason}",
        backend=entry.name,
    )


def _entry_points() -> list[EntryPoint]:
    from importlib.metadata import entry_points

    found = entry_points(group=GROUP)
    return list({(entry.name, entry.value, _package(entry)): entry for entry in found}.values())


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else "(unknown)"


def missing_driver(backend: BlobBackend, error: ImportError) -> ConfigurationError:
    """The error for an engine that cannot be imported."""
    cure = f': pip install "{backend.install}"' if backend.install else ""
    missing = [module for module in backend.drivers if importlib.util.find_spec(module) is None]
    if missing:
        return MissingDriverError(
            f"the blob engine {backend.name!r} needs its driver ({', '.join(missing)}){cure}",
            backend=backend.name,
        )
    return ConfigurationError(
        f"the blob engine {backend.name!r} cannot be imported ({error}){cure}",
        backend=backend.name,
    )
