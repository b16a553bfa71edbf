"""What every part of `AsyncStore` stands on: its life, and what every operation does."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from interstore._async.database import AsyncDatabase
from interstore._async.operations import AsyncOperations
from interstore.bulk import BulkResult
from interstore.capabilities import Capabilities
from interstore.errors import (
    BulkError,
    DuplicateError,
    InterstoreError,
    InvalidQueryError,
    UnavailableError,
)
from interstore.expiry import KEEP, expiry_text
from interstore.names import check_model
from interstore.prepare import OnError

if TYPE_CHECKING:
    from interstore.plugins.apply import Layer

__all__ = ["AsyncBase"]

_BATCH: Final = 1_000


class AsyncBase:
    """A database, connected or not, and its errors named."""

    def __init__(self, database: AsyncDatabase, layers: Sequence[Layer] = ()) -> None:
        self.database = AsyncOperations(database)
        self.plugins = tuple(layers)
        self._connected = False

    def __repr__(self) -> str:
        state = "connected" if self._connected else "not connected"
        return f"<{type(self).__name__} {self.database.name}, {state}>"

    async def connect(self) -> None:
        """Make the engine ready. Called again, it does nothing."""
        if not self._connected:
            await self.database.connect()
            self._connected = True

    async def close(self) -> None:
        """Give everything back. Called again, it does nothing."""
        if self._connected:
            self._connected = False
            await self.database.disconnect()

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def capabilities(self) -> Capabilities:
        """What the engine can do."""
        return self.database.capabilities

    def _check(self, model: Any, on_error: Any = "raise") -> None:
        check_model(model)
        if not self._connected:
            self._check_open()
        if on_error not in ("raise", "report"):
            raise InvalidQueryError(f"on_error is 'raise' or 'report', not {on_error!r}")

    def _check_open(self) -> None:
        if not self._connected:
            raise UnavailableError(
                f"the {self.database.name} store is not connected; use it as a context "
                "manager or call connect()",
                backend=self.database.name,
            )

    def _expires(self, expires_at: Any, time: str) -> str | None:
        """An expiry as canonical text.

        Raises:
            InvalidQueryError: it is not of its type.
            UnsupportedError: documents do not expire there.
        """
        if expires_at is None:
            return None
        self._check_expiry(expires_at)
        return expiry_text(expires_at, time)

    def _check_expiry(self, expires_at: Any) -> None:
        """Refuse what is said of an expiry where documents do not expire."""
        if expires_at is KEEP or self.database.capabilities.ttl:
            return
        raise self.database.unsupported(
            "expires_at (capability ttl)",
            "keep the time in a field, and delete what is old with delete_many",
        )

    async def _makes_room(self, error: Exception | None, model: str, id: str | None = None) -> bool:
        """Whether what stood in the way of a write had expired, and is removed now.

        Under a unique index nobody knows which document it was: all of them go that have expired.
        """
        if not isinstance(error, DuplicateError) or not self.database.capabilities.ttl:
            return False
        if error.index is None:
            return id is not None and await self.database.sweep(model, 1, [id]) > 0
        removed = count = await self.database.sweep(model, _BATCH)
        while count == _BATCH:
            count = await self.database.sweep(model, _BATCH)
        return removed > 0

    def _name_error(self, error: InterstoreError, model: str, id: str | None = None) -> None:
        error.backend = error.backend or self.database.name
        error.model = error.model or model
        error.id = error.id or id

    def _checked(self, model: str, verb: str, result: BulkResult, on_error: OnError) -> BulkResult:
        if result.ok or on_error == "report":
            return result
        raise self._bulk_error(model, verb, result)

    def _bulk_error(self, model: str, verb: str, result: BulkResult) -> BulkError:
        bad = [outcome for outcome in result.outcomes if outcome.error is not None]
        return BulkError(
            f"{len(bad)} documents of {model} were not {verb}; the first, {bad[0].id!r}: "
            f"{bad[0].error}",
            result=result,
            backend=self.database.name,
            model=model,
        )
