# Generated from core/interstore/plugins/_async/interceptor.py: change that file, then run
#     uv run python tests/tools/async_to_sync.py
# Digest of the rest: 71e03623748c0cbc2693a5e4

"""`Interceptor`: a wrapper that does the same around every operation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Final

from interstore._sync.database import Database
from interstore.plugins._sync.wrapper import Wrapper
from interstore.plugins.composition import OPERATIONS, capabilities_of

__all__ = ["Interceptor"]

_AROUND: Final = frozenset(OPERATIONS) - {"connect", "disconnect"}


class Interceptor(Wrapper, ABC):
    """The base class of what does the same around every operation: override `intercept`.

    A bulk call, or an operation of several steps, is intercepted once, as a whole. `connect` and
    `disconnect` are not: override them, if need be. Nor are `session`, `transaction` and
    `foreign`, but what is done in them is.
    """

    @abstractmethod
    def intercept(
        self,
        operation: str,
        call: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Do ``return call(*args, **kwargs)``, and whatever is to be done around it.

        Args:
            operation: its name, as in `Operations`.
            call: does it in the database inside.
            args: the model first, where there is one; then what is prepared.
            kwargs: ``if_version``, where it is given.
        """

    @property
    def wraps(self) -> tuple[str, ...]:
        """Everything."""
        return ("every operation",)

    @property
    def only_delegates(self) -> bool:
        """Never."""
        return False

    def _bind(self, database: Database) -> None:
        super()._bind(database)
        self.capabilities = capabilities_of(database.capabilities, _AROUND | {"watch"}, frozenset())
        for name in _AROUND - self.overrides:
            call = getattr(self.inner, name, None)
            if call is not None:
                setattr(self, name, self._around(name, call))

    def _around(self, operation: str, call: Callable[..., Any]) -> Callable[..., Any]:
        intercept = self.intercept

        def intercepted(*args: Any, **kwargs: Any) -> Any:
            return intercept(operation, call, args, kwargs)

        return intercepted
