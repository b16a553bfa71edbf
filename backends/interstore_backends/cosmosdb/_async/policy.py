"""Every request to the service goes through here: limits, back-off, and what it cost."""

from __future__ import annotations

from time import monotonic
from typing import Any

from azure.core.exceptions import AzureError
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import AsyncHTTPPolicy

from interstore._compat_async import sleep
from interstore.stats import PoolStats
from interstore_backends.cosmosdb.driver_async import Condition, body, is_unsent, limits, turn
from interstore_backends.cosmosdb.retry import (
    Pace,
    ThrottledError,
    UnsureError,
    is_refused_for_now,
    is_unsure,
    is_write,
    pause,
    remaining,
)
from interstore_backends.cosmosdb.usage import Usage, add_charge

__all__ = ["AsyncPolicy"]


class AsyncPolicy(AsyncHTTPPolicy[Any, Any]):
    """In the place of the driver's own policy about connections.

    A request that the service refused for now is sent again, within the operation's time. A
    write of which nobody knows whether it was applied is `UnsureError`, which none of the
    driver's retries catches. Reads that fail are left to the driver, which knows other regions.

    Args:
        most: never more requests in flight than so many.
        proof: what is asked of who answers, in place of what the driver would.
    """

    def __init__(self, most: int, proof: Any) -> None:
        super().__init__()
        self._proof = proof
        self.usage = Usage()
        self._pace = Pace(most)
        self._turns = Condition()
        self._sent = self._waiting = 0
        self._waited = 0.0

    async def send(self, request: PipelineRequest[Any]) -> Any:
        options = request.context.options
        about = options.pop("request_params", None)
        for name in ("timeout", "global_endpoint_manager"):
            options.pop(name, None)
        if self._proof is not None:
            options["connection_verify"] = self._proof
        if getattr(about, "resource_type", None) == "databaseaccount":
            # Asked for in the background, too, when the time of who began it may be up.
            return await self.next.send(request)
        given, data = dict(options), request.http_request.data
        attempt = 0
        while True:
            options.clear()
            options.update(given)
            request.http_request.data = body(data)
            response = await self._send_once(request, about)
            status = response.http_response.status_code
            headers = response.http_response.headers
            if not is_refused_for_now(status):
                return response
            seconds = pause(attempt, headers)
            if seconds >= remaining():
                raise ThrottledError(_TEXTS[status])
            if status == 429:
                self._pace.slower(seconds)
            await sleep(seconds)
            attempt += 1

    async def _send_once(self, request: PipelineRequest[Any], about: Any) -> Any:
        writes = is_write(request.http_request.method, request.http_request.headers)
        async with self._turns:
            if self._pace.is_full:
                await self._wait()
            self._pace.in_flight += 1
            self._sent += 1
        try:
            request.context.options.update(limits(remaining()))
            response = await self.next.send(request)
        except AzureError as error:
            if writes and not is_unsent(error):
                raise UnsureError(str(error), answered=False) from error
            raise
        finally:
            await self._done()
        status, headers = response.http_response.status_code, response.http_response.headers
        add_charge(self.usage, _operation(request.http_request, about), status, headers)
        if status < 300:
            self._pace.faster()
        if writes and is_unsure(status):
            raise UnsureError(f"the service answered {status}", answered=True)
        return response

    async def _wait(self) -> None:
        """Have a turn."""
        started = monotonic()
        self._waiting += 1
        try:
            while self._pace.is_full:
                await turn(self._turns, remaining())
        finally:
            self._waiting -= 1
            self._waited += monotonic() - started

    def figures(self) -> PoolStats:
        """How many requests are under way, of those that may be at a time, and wait."""
        in_use = self._pace.in_flight
        return PoolStats(
            size=self._pace.most,
            in_use=in_use,
            idle=max(0, int(self._pace.limit) - in_use),
            waiting=self._waiting,
            checkouts=self._sent,
            wait_seconds=self._waited,
        )

    async def _done(self) -> None:
        async with self._turns:
            self._pace.in_flight -= 1
            self._turns.notify(2)  # there may be room for one more than before


_TEXTS = {
    429: "more request units a second are needed than it has",
    449: "others kept writing the same item",
}


def _operation(request: Any, about: Any) -> str:
    """What a request is, in one word."""
    kind = getattr(about, "operation_type", None)
    return str(kind or request.method)
