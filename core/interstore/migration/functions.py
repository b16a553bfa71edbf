"""Functions by name, for transforms: found, loaded, and known by their source text."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

from interstore.errors import ConfigurationError

__all__ = ["digest_of", "load_function"]


def load_function(name: str) -> Callable[..., Any]:
    """The function called ``"module:function"``, also from the working directory.

    Raises:
        ConfigurationError: there is none.
    """
    module_name, _, attribute = name.partition(":")
    if not (module_name and attribute):
        raise ConfigurationError(f"a transform is called module:function, not {name!r}")
    try:
        function = getattr(_imported(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"the transform {name!r} cannot be loaded: {error}") from None
    except Exception as error:  # of the module's own code, such as a SyntaxError
        raise ConfigurationError(
            f"the transform {name!r} cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    if not callable(function):
        raise ConfigurationError(
            f"the transform {name!r} is a {type(function).__name__}, not a function"
        )
    loaded: Callable[..., Any] = function
    return loaded


def digest_of(function: Callable[..., Any]) -> str:
    """Of the file that defines it; of nothing where there is no such file."""
    try:
        file = inspect.getsourcefile(inspect.unwrap(function))
    except TypeError:
        return ""
    return "" if file is None else blake2b(Path(file).read_bytes(), digest_size=16).hexdigest()


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        here = os.getcwd()
        if here in sys.path:
            raise
        sys.path.insert(0, here)
        return importlib.import_module(name)
