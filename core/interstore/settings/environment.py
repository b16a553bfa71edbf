"""The variables that settings are read from: those of the process, then those of `.env`."""

from __future__ import annotations

import os
import warnings
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Final

from interstore.errors import ConfigurationError
from interstore.nearest import nearest
from interstore.warnings import InterstoreWarning

__all__ = ["CONNECTION", "ENABLE_CACHE", "PLUGINS", "TYPE", "Environment", "Variable"]

TYPE: Final = ("DATABASE_TYPE",)
CONNECTION: Final = ("DATABASE_URL", "DATABASE_CONNECTION_STRING")
PLUGINS: Final = ("INTERSTORE_PLUGINS",)
ENABLE_CACHE: Final = ("DATABASE_ENABLE_CACHE",)

_KNOWN: Final = frozenset(
    {
        *TYPE,
        *CONNECTION,
        "DATABASE_AUTO_CREATE",
        "DATABASE_DATA_DIR",
        "DATABASE_ENABLE_CACHE",
        "DATABASE_HOST",
        "DATABASE_MAX_CACHE_SIZE",
        "DATABASE_NAME",
        "DATABASE_PASSWORD",
        "DATABASE_PATH",
        "DATABASE_POOL_SIZE",
        "DATABASE_PORT",
        "DATABASE_SSL",
        "DATABASE_TIMEOUT",
        "DATABASE_USER",
        "DATABASE_USERNAME",
    }
)
"""The variables that mean the same for every engine that has such a setting."""

_PREFIX: Final = "DATABASE_"


@dataclass(frozen=True, slots=True, repr=False)
class Variable:
    """A variable that is set to something."""

    name: str
    value: str
    dotenv: bool
    """Whether it stands in `.env` and not in the environment of the process."""

    def __str__(self) -> str:
        return f"{self.name} (in .env)" if self.dotenv else self.name

    __repr__ = __str__  # the value may be a secret


class Environment:
    """Variables. An empty one counts as not set, as compose files and CI leave them.

    One that is empty in the process also hides the one of the same name in `.env`.
    """

    def __init__(
        self, process: Mapping[str, str], dotenv: Mapping[str, str | None] | None = None
    ) -> None:
        self._process = process
        self._dotenv = dotenv or {}

    @classmethod
    def current(cls) -> Environment:
        """Those of this process, and of a `.env` in the working directory.

        Raises:
            ConfigurationError: there is a `.env` that cannot be read.
        """
        return cls(os.environ, read_dotenv(".env"))

    def get(self, names: Iterable[str]) -> Variable | None:
        """The first of these names of one setting that is set; the process before `.env`.

        Raises:
            ConfigurationError: two of them say different things.
        """
        for dotenv in (False, True):
            found = [
                Variable(name, value, dotenv)
                for name in names
                if (value := self._value(name, dotenv=dotenv))
            ]
            for other in found[1:]:
                if other.value != found[0].value:
                    raise ConfigurationError(
                        f"{found[0]} and {other} are two names of one setting and differ: "
                        "remove one of them"
                    )
            if found:
                return found[0]
        return None

    def _value(self, name: str, *, dotenv: bool) -> str | None:
        if not dotenv:
            return self._process.get(name)
        return None if name in self._process else self._dotenv.get(name)

    def warn_of_typos(
        self, known: Collection[str], *, prefix: str = _PREFIX, stacklevel: int = 2
    ) -> None:
        """Warn of each variable with the prefix that is no setting, but nearly one."""
        known = _KNOWN.union(known)
        suffixes = {name.removeprefix(prefix) for name in known if name.startswith(prefix)}
        for name in sorted({*self._process, *self._dotenv}):
            if not name.startswith(prefix) or name in known:
                continue
            # Without the prefix: with it, all of them would be alike.
            meant = nearest(name.removeprefix(prefix), suffixes, likeness=0.66)
            if meant is not None:
                warnings.warn(
                    f"the variable {name} is not a setting and has no effect; did you mean "
                    f"{prefix}{meant}?",
                    InterstoreWarning,
                    stacklevel=stacklevel + 1,
                )


def read_dotenv(path: str) -> dict[str, str | None]:
    """The variables of a `.env` file; none if there is no such file.

    Raises:
        ConfigurationError: it cannot be read.
    """
    if not os.path.isfile(path):
        return {}
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        problem = error.strerror
    except UnicodeDecodeError:
        problem = "it is not UTF-8"
    else:
        return _parsed(text, path)
    raise ConfigurationError(f"{os.path.abspath(path)} cannot be read: {problem}")


def _parsed(text: str, path: str) -> dict[str, str | None]:
    from dotenv import dotenv_values
    from dotenv.parser import parse_stream

    for binding in parse_stream(StringIO(text)):
        if binding.error and _PREFIX in binding.original.string:
            # Passed over, it would have a store opened that nobody meant. It may hold a secret.
            raise ConfigurationError(
                f"{os.path.abspath(path)}, line {binding.original.line}: this is not NAME=value, "
                "or a quote is not closed"
            )
    return dotenv_values(stream=StringIO(text))
