"""What refuses to write."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from interstore import AsyncDatabase, Database, PermissionDeniedError
from interstore.plugins import AsyncInterceptor, Interceptor

WRITES = frozenset({
    "create", "update", "put", "delete", "create_many", "put_many", "update_many", "delete_many",
    "find_one_and_update", "find_one_and_delete", "write_page", "drop", "sweep",
    "ensure_index", "drop_index", "enable_watch", "disable_watch",
})  # fmt: skip


class Rule:
    """Which models may only be read."""

    def __init__(self, models: str) -> None:
        self.all = models.strip() == "*"
        self.models = {name.strip() for name in models.split(",")}

    def check(self, operation: str, args: tuple[Any, ...]) -> None:
        if operation in WRITES and (self.all or args[0] in self.models):
            raise PermissionDeniedError(
                f"{operation}: {args[0]} may only be read (READONLY_MODELS)", model=args[0]
            )


class ReadOnly(Interceptor):
    """A database whose writes are refused."""

    def __init__(self, database: Database, models: str) -> None:
        self.rule = Rule(models)
        super().__init__(database)

    def intercept(self, operation: str, call: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        self.rule.check(operation, args)
        return call(*args, **kwargs)


class AsyncReadOnly(AsyncInterceptor):
    """The same, for asyncio."""

    def __init__(self, database: AsyncDatabase, models: str) -> None:
        self.rule = Rule(models)
        super().__init__(database)

    async def intercept(
        self, operation: str, call: Callable[..., Awaitable[Any]], args: Any, kwargs: Any
    ) -> Any:
        self.rule.check(operation, args)
        return await call(*args, **kwargs)
