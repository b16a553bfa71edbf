"""HTTP: requests in, answers out, and what the script says is to go wrong with them."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import unquote
from uuid import uuid4

from aiohttp import web

from tests.servers.cosmosdb.gateway.errors import CODES, ServiceError
from tests.servers.cosmosdb.gateway.numbers import dumps
from tests.servers.cosmosdb.gateway.request import Answer, Request
from tests.servers.cosmosdb.gateway.script import Rule
from tests.servers.cosmosdb.gateway.service import Service

__all__ = ["CONTROL", "serve"]

CONTROL: Final = "/_script"
"""Where the tests hand in their rules; no name of the service begins so."""

LARGEST_BODY: Final = 32 * 1024 * 1024
MESSAGES: Final = {
    408: "Request timed out.",
    410: "The requested resource is no longer available at the server.",
    429: "The request rate is large.",
    449: "Conflicting request to resource has been attempted. Retry to avoid conflicts.",
    500: "An unknown error occurred while processing this request.",
    503: "The service is currently unavailable. Please retry after a while.",
}


@asynccontextmanager
async def serve(
    service: Service, port: int, hosts: Sequence[str], tls: ssl.SSLContext | None = None
) -> AsyncGenerator[None]:
    """Listen on a port of this machine, by one or several of its addresses."""
    server = web.Server(Handler(service).handle, request_factory=_request, access_log=None)
    runner = web.ServerRunner(server, keepalive_timeout=300)
    await runner.setup()
    try:
        for host in hosts:
            await web.TCPSite(runner, host, port, shutdown_timeout=0.1, ssl_context=tls).start()
        yield
    finally:
        await runner.cleanup()


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
    """As by default, but for how large a body may be: it is the service that refuses it."""
    loop = asyncio.get_running_loop()
    size = LARGEST_BODY
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=size)


class Handler:
    def __init__(self, service: Service) -> None:
        self._service = service

    async def handle(self, raw: web.BaseRequest) -> web.StreamResponse:
        body = await raw.read()
        path = raw.rel_url.raw_path
        if path == CONTROL:
            return self._control(raw.method, body)
        request = Request(
            raw.method,
            [unquote(part) for part in path.split("/") if part],
            raw.headers,
            body,
            f"{raw.scheme}://{raw.host}/",
        )
        rule = self._service.script.choose(request)
        if rule is None:
            return self._respond(request, self._answer(request))
        return await self._fail(raw, request, rule)

    def _control(self, method: str, body: bytes) -> web.Response:
        """POST a list of what to do; the answer says what was met since the last time."""
        script, account = self._service.script, self._service.account
        for step in json.loads(body or b"[]"):
            what, value = step["do"], step.get("value")
            if what == "fault":
                script.add(value)
            elif what == "throttle":
                script.limits[value["database"]] = value["rate"]
            elif what == "split":
                account.container(value["database"], value["container"]).split(value["partition"])
            elif what == "partitions":
                account.database(value["database"]).partitions = value["count"]
            elif what == "forget":
                script.forget()
            else:
                script.clear()
        found = {
            "counts": script.counts,
            "statuses": script.statuses,
            "others": script.others,
            "charge": script.charge,
            "hits": script.hits,
        }
        return web.Response(body=dumps(found), content_type="application/json")

    def _answer(self, request: Request) -> Answer:
        try:
            return self._service.answer(request)
        except ServiceError as error:
            return _refusal(error)

    async def _fail(self, raw: web.BaseRequest, request: Request, rule: Rule) -> web.Response:
        await asyncio.sleep(rule.delay)
        if rule.split:
            self._service.account.container(request.path[1], request.path[3]).split()
        answer = (
            self._answer(request) if rule.committed or not (rule.status or rule.reset) else None
        )
        await asyncio.sleep(rule.late)
        if rule.reset:
            _reset(raw)
        if rule.status:
            answer = _refusal(
                ServiceError(
                    rule.status,
                    MESSAGES.get(rule.status, "A fault of the test"),
                    substatus=rule.substatus,
                    headers=rule.headers,
                )
            )
        return self._respond(request, answer or Answer(500))

    def _respond(self, request: Request, answer: Answer) -> web.Response:
        self._service.script.count(request, answer)
        activity = request.headers.get("x-ms-activity-id") or str(uuid4())
        headers = {
            "x-ms-request-charge": f"{answer.charge:.2f}".rstrip("0").rstrip("."),
            "x-ms-activity-id": activity,
            "x-ms-serviceversion": "version=2.14.0.0",
            "x-ms-gatewayversion": "2.0.0",
            "x-ms-schemaversion": "1.18",
            **answer.headers,
        }
        if answer.body:
            headers["Content-Type"] = "application/json"
        return web.Response(status=answer.status, body=answer.body, headers=headers)


def _refusal(error: ServiceError) -> Answer:
    code = CODES.get(error.status, str(error.status))
    body: dict[str, Any] = {"code": code, "message": str(error), **error.extra}
    headers = dict(error.headers)
    if error.substatus:
        headers["x-ms-substatus"] = str(error.substatus)
    return Answer(error.status, dumps(body), error.charge, headers)


def _reset(raw: web.BaseRequest) -> None:
    """Break the connection, as a router that has forgotten it does."""
    transport = raw.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
