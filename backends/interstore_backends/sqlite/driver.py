"""The driver: the standard library's sqlite3, or a module with the same functions."""

from __future__ import annotations

import importlib
from typing import Any, Final

from interstore.errors import ConfigurationError, MissingDriverError

__all__ = ["Driver", "load_driver"]

OLDEST: Final = (3, 38, 0)
"""The first version with JSON functions in every build; RETURNING and STRICT are older."""

_INSTALL: Final = {"pysqlite3": "pysqlite3-binary"}


class Driver:
    """A driver module.

    Attributes:
        name: as it is imported.
        connect: its function of that name.
        Error: the base of its exceptions.
        version: of the library, as numbers.
        version_text: the same as it is written.
    """

    def __init__(self, name: str, module: Any) -> None:
        self.name = name
        self.connect = module.connect
        self.Error: type[Exception] = module.Error
        self.version: tuple[int, ...] = module.sqlite_version_info
        self.version_text: str = module.sqlite_version


def load_driver(name: str) -> Driver:
    """The driver of that name.

    Raises:
        MissingDriverError: it is not installed.
        ConfigurationError: it is no such driver, or its library is too old.
    """
    try:
        driver = Driver(name, importlib.import_module(name))
    except ImportError as error:
        package = _INSTALL.get(name, name)
        raise MissingDriverError(
            f"the driver {name!r} cannot be imported ({error}): pip install {package}, or leave "
            "driver= out for the standard library's",
            backend="sqlite",
        ) from None
    except AttributeError as error:
        raise ConfigurationError(
            f"driver={name!r} is no driver for SQLite like the standard library's sqlite3: {error}",
            backend="sqlite",
        ) from None
    if driver.version < OLDEST:
        raise ConfigurationError(
            f"{name} has SQLite {driver.version_text}; Interstore needs "
            f"{'.'.join(map(str, OLDEST))}. Choose another library with driver=, for example "
            "driver='pysqlite3' (pip install pysqlite3-binary)",
            backend="sqlite",
        )
    return driver
